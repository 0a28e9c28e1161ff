"""Tries to be paid through a provider, as the desk starts and follows them (catalogue #92, #93)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body, MoneyField, PlanAnswer, minor_of, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.plan import plan_of
from api.problem import problem
from api.request import Here, TenantRoute
from domain import keys
from domain.payment_account import Provider
from domain.payment_attempt import AttemptStatus, PayBy
from models import attempt_asking
from models.attempt_asking import Wanted, ask_after
from models.database import one, tenant_of
from models.payment_attempt import AttemptInvoice, PaymentAttempt, locked

router = APIRouter(tags=["payments"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PAYMENTS_READ), allows(Permission.PAYMENTS_WRITE)


class Initiate(Body):
    """What a resident shall be asked for; without `amount` all that the invoices owe."""

    resident_id: UUID
    invoice_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    by: PayBy
    amount: MoneyField | None = None


class AttemptAnswer(Answer):
    """One page of a provider. `payUrl` or `upiUri` is there once it is open."""

    id: UUID
    resident_id: UUID
    invoice_ids: list[UUID]
    by: PayBy
    provider: Provider
    status: AttemptStatus
    amount: MoneyField
    pay_url: str | None
    upi_uri: str | None
    failure_code: str | None
    asked_at: datetime
    opened_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None
    plan: str


@router.post("/payments/initiate", status_code=202, response_model=AttemptAnswer, **WRITE)
async def initiate(body: Initiate, here: Here, request: Request) -> AttemptAnswer | Response:
    """Ask for money on a provider's page; the same question finds the page that is open.

    202: the page is opened by the attempt's life, ask for the attempt again in a moment. 503
    `PAGE_CLOSING` while another page that asks for one of these invoices is being closed.
    """
    currency = here.tenant.currency
    amount = body.amount and minor_of("amount", body.amount, currency, at_least=1)
    chosen = frozenset(body.invoice_ids)
    wanted = Wanted(body.resident_id, chosen, body.by, currency, amount)
    asked = await attempt_asking.ask(here.session, wanted, here.parts.clock.now())
    if asked.attempt is None:
        # No refusal: that would undo the closing.
        words = "another page asks for the same and is being closed; ask again"
        again = {"Retry-After": "2"}
        return problem(request, 503, words, code="PAGE_CLOSING", headers=again)
    return await _one(here, asked.attempt)


@router.post("/payments/{attempt_id}/verify", status_code=202, **WRITE)
async def verify(attempt_id: UUID, here: Here) -> AttemptAnswer:
    """Ask the provider whether an attempt is paid; what a browser brought back proves nothing."""
    attempt = await locked(here.session, attempt_id)
    await ask_after(here.session, attempt, here.parts.clock.now())
    return await _one(here, attempt)


@router.get("/payment-attempts", **READ)
async def list_attempts(
    here: Here,
    paging: Paging,
    *,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    status: AttemptStatus | None = None,
) -> Page[AttemptAnswer]:
    """The tenant's attempts, the newest first."""
    query = select(PaymentAttempt)
    if resident_id is not None:
        query = query.where(PaymentAttempt.resident_id == resident_id)
    if status is not None:
        query = query.where(PaymentAttempt.status == status)
    rows, cursor = await paged(here.session, query, PaymentAttempt, paging)
    asked = await _invoices(here, [row.id for row in rows])
    return page_of(rows, cursor, lambda row: _shown(row, asked.get(row.id, [])))


@router.get("/payment-attempts/{attempt_id}", **READ)
async def read_attempt(attempt_id: UUID, here: Here) -> AttemptAnswer:
    """One attempt."""
    return await _one(here, await one(here.session, PaymentAttempt, attempt_id))


@router.get("/payment-attempts/{attempt_id}/plan", **READ)
async def read_plan(attempt_id: UUID, here: Here) -> PlanAnswer:
    """What happens to it next, when, and why."""
    row = await one(here.session, PaymentAttempt, attempt_id)
    workflow_id = keys.payment_attempt(tenant_of(here.session), row.id)
    return await plan_of(here.session, row.id, stage=row.status, workflow_id=workflow_id)


async def _one(here: Here, row: PaymentAttempt) -> AttemptAnswer:
    await here.session.flush()
    asked = await _invoices(here, [row.id])
    return _shown(row, asked.get(row.id, []))


async def _invoices(here: Here, attempt_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    rows = await here.session.execute(
        select(AttemptInvoice.attempt_id, AttemptInvoice.invoice_id)
        .where(AttemptInvoice.attempt_id.in_(attempt_ids))
        .order_by(AttemptInvoice.invoice_id)
    )
    found: dict[UUID, list[UUID]] = {}
    for attempt_id, invoice_id in rows:
        found.setdefault(attempt_id, []).append(invoice_id)
    return found


def _shown(row: PaymentAttempt, invoice_ids: list[UUID]) -> AttemptAnswer:
    same = set(AttemptAnswer.model_fields) & set(PaymentAttempt.__table__.c.keys())
    return AttemptAnswer(
        **{name: getattr(row, name) for name in same},
        invoice_ids=invoice_ids,
        amount=money(row.amount_minor, row.currency),
        plan=f"/api/v1/payment-attempts/{row.id}/plan",
    )
