"""What happens next: the plan of one subject, and what is coming for a whole property."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.body import Answer, PlanAnswer, PlannedStep
from api.page import Page, PageRequest, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain import invoice_collection, keys
from models.collection import facts_of
from models.database import tenant_of
from models.invoice import Invoice
from models.life import PlannedAction

router = APIRouter(prefix="/plan", tags=["plans"], route_class=TenantRoute)


class UpcomingStep(Answer):
    """One planned thing and its subject, whose plan is at `/{subjectKind}s/{subjectId}/plan`."""

    subject_kind: str
    subject_id: UUID
    property_id: UUID | None
    at: datetime
    what: str
    why: str
    changeable_by: list[str]


@router.get("/upcoming", **allows(Permission.BILLING_READ))
async def upcoming(
    here: Here,
    until: Annotated[AwareDatetime | None, Query()] = None,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[UpcomingStep]:
    """Everything that will happen until an instant, of one property or of all, the next first."""
    query = select(PlannedAction)
    if until is not None:
        query = query.where(PlannedAction.at <= until)
    if property_id is not None:
        query = query.where(PlannedAction.property_id == property_id)
    asked = PageRequest(limit, cursor, "at")
    rows, following = await paged(
        here.session, query, PlannedAction, asked, {"at": PlannedAction.at}
    )
    return page_of(rows, following, UpcomingStep.model_validate)


async def plan_of(
    session: AsyncSession, subject_id: UUID, *, stage: str, workflow_id: str
) -> PlanAnswer:
    """The plan of a subject as its rows say; the caller knows where it stands and its life's id."""
    rows = await session.scalars(
        select(PlannedAction)
        .where(PlannedAction.subject_id == subject_id)
        .order_by(PlannedAction.ordinal)
    )
    return PlanAnswer(
        stage=stage,
        next=[PlannedStep.model_validate(row) for row in rows],
        workflow_id=workflow_id,
    )


async def plan_of_invoice(session: AsyncSession, invoice: Invoice, at: datetime) -> PlanAnswer:
    """The plan of an invoice; its stage is that of `at`, days pass without a row changing."""
    facts = await facts_of(session, invoice)
    return await plan_of(
        session,
        invoice.id,
        stage=invoice_collection.stage(facts, at),
        workflow_id=keys.invoice_collection(tenant_of(session), invoice.id),
    )
