"""Billing runs: ask for a month to be billed, see how far it is, stop it.

Asking is a fact committed here: it works while Temporal is down, and the run's life reads it.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body, MoneyField, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.calendar import Month
from models import billing_run
from models.database import one
from models.record import BillingRefusal, BillingRun, BillingRunStatus

router = APIRouter(tags=["billing"], route_class=TenantRoute)
READ, WRITE = allows(Permission.BILLING_READ), allows(Permission.BILLING_WRITE)
SORTS = {"period": BillingRun.period}
REFUSALS_SHOWN = 500


class AskedMonth(Body):
    """Which month to bill, of one property or of all."""

    period: Annotated[str, Field(max_length=7, examples=["2026-10"])]
    property_id: UUID | None = None


class RunAnswer(Answer):
    """A month to bill and how far it is; `plan` is where to look again."""

    id: UUID
    period: str
    property_id: UUID | None
    status: BillingRunStatus
    expected_count: int
    issued_count: int
    refused_count: int
    issued_amount: MoneyField
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    stop_requested_at: datetime | None
    workflow_id: str
    plan: str


class RefusalAnswer(Answer):
    """An agreement that was not billed, and why."""

    agreement_id: UUID
    code: str
    problem: str


class RunDetail(RunAnswer):
    """A run with the agreements it could not bill, the first 500 of them."""

    refusals: list[RefusalAnswer]


@router.post("/invoices/generate-batch", status_code=202, **WRITE)
async def generate_batch(body: AskedMonth, here: Here) -> RunAnswer:
    """Bill a month. Asking again finds the same run, which bills only what is not billed yet.

    Earlier months that nobody billed go first. `plan` says where to see how far it is.
    """
    month, now = Month.parse(body.period), here.parts.clock.now()
    run = await billing_run.ask(here.session, month, body.property_id, now, here.actor.name)
    return _shown(run, here.tenant.currency)


@router.get("/billing/runs", **READ)
async def list_runs(
    here: Here,
    paging: Paging,
    period: str | None = None,
    status: BillingRunStatus | None = None,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
) -> Page[RunAnswer]:
    """The tenant's runs, newest first."""
    query = select(BillingRun)
    if period is not None:
        query = query.where(BillingRun.period == Month.parse(period).first)
    if status is not None:
        query = query.where(BillingRun.status == status.value)
    if property_id is not None:
        query = query.where(BillingRun.property_id == property_id)
    rows, cursor = await paged(here.session, query, BillingRun, paging, SORTS)
    return page_of(rows, cursor, lambda row: _shown(row, here.tenant.currency))


@router.get("/billing/runs/{run_id}", **READ)
async def get_run(run_id: UUID, here: Here) -> RunDetail:
    """How far a run is, and what it could not bill."""
    run = await one(here.session, BillingRun, run_id)
    refusals = await here.session.scalars(
        select(BillingRefusal)
        .where(BillingRefusal.run_id == run_id)
        .order_by(BillingRefusal.agreement_id)
        .limit(REFUSALS_SHOWN)
    )
    listed = [RefusalAnswer.model_validate(refusal) for refusal in refusals]
    return RunDetail(**_shown(run, here.tenant.currency).model_dump(), refusals=listed)


@router.post("/billing/runs/{run_id}/stop", status_code=202, **WRITE)
async def stop_run(run_id: UUID, here: Here) -> RunAnswer:
    """Stop a run before its next chunk; what is issued stays. 409 when it is closed already."""
    run = await billing_run.stop(here.session, run_id, here.parts.clock.now())
    return _shown(run, here.tenant.currency)


def _shown(run: BillingRun, currency: str) -> RunAnswer:
    return RunAnswer(
        id=run.id,
        period=str(Month.of(run.period)),
        property_id=run.property_id,
        status=BillingRunStatus(run.status),
        expected_count=run.expected_count,
        issued_count=run.issued_count,
        refused_count=run.refused_count,
        issued_amount=money(run.issued_minor, currency),
        asked_by=run.asked_by,
        created_at=run.recorded_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        stop_requested_at=run.stop_requested_at,
        workflow_id=billing_run.subject_of(run).workflow_id,
        plan=f"/api/v1/billing/runs/{run.id}",
    )
