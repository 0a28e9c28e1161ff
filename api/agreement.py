"""Agreements: the contract of a stay, drafted or already signed, and what follows from it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from sqlalchemy import select

from api.body import Answer, Body, MoneyField, PlanAnswer, PlannedStep, Text, in_minor, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Context, Here, TenantRoute
from domain.calendar import Month, local_day
from domain.proration import Basis
from models.agreement import change, make, stage_on
from models.agreement_plan import planned
from models.database import one
from models.resident import Agreement, AgreementStage, AgreementStatus
from models.resident_query import known

router = APIRouter(tags=["agreements"], route_class=TenantRoute)
READ, WRITE = allows(Permission.RESIDENTS_READ), allows(Permission.RESIDENTS_WRITE)
SORTS = {"startDate": Agreement.start_date, "agreementNumber": Agreement.agreement_number}
MONEY = {
    "rent_amount": "rent_minor",
    "deposit_amount": "deposit_minor",
    "maintenance_charges": "maintenance_minor",
    "utility_charges": "utility_minor",
    "food_charges": "food_minor",
}
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2190, 12, 31))]
NONE = MoneyField(amount="0", currency="")


class AgreementFields(Body):
    """The terms. Rent and deposit are the bed's, the basis the tenant's, unless sent.

    `lateFeePercentage` null means the tenant's late fee of the day an invoice is issued.
    """

    end_date: Day | None = None
    rent_amount: MoneyField = NONE
    deposit_amount: MoneyField = NONE
    maintenance_charges: MoneyField = NONE
    utility_charges: MoneyField = NONE
    food_charges: MoneyField = NONE
    notice_period_days: Annotated[int, Field(ge=0, le=365)] = 30
    rent_due_day: Annotated[int, Field(ge=1, le=31)] = 5
    late_fee_percentage: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)] | None = None
    proration_basis: Basis = Basis.actual_days
    billed_through: Annotated[str, Field(max_length=7)] | None = None
    document_url: Annotated[Text, Field(pattern="^https?://")] | None = None
    signed_by_resident_at: AwareDatetime | None = None
    signed_by_owner_at: AwareDatetime | None = None

    def values(self, currency: str) -> dict[str, Any]:
        """The fields that were sent, as the row keeps them, money in its currency."""
        given = in_minor(self.given(), currency, MONEY)
        through = given.get("billed_through")
        if through is not None:
            given["billed_through"] = Month.parse(through, "billedThrough").first
        return given


class NewAgreement(AgreementFields):
    """An agreement to be made: a draft that holds its bed, or `active`, already signed."""

    bed_id: UUID
    start_date: Day
    agreement_number: Text | None = None
    status: Literal["draft", "active"] = "draft"


class AgreementChange(AgreementFields):
    """What changes of a draft (`active` signs it); of an active one only `endDate` moves."""

    bed_id: UUID = UUID(int=0)
    start_date: Day = date(1990, 1, 1)
    agreement_number: Text = ""
    status: Literal["draft", "active", "cancelled"] = "draft"


class AgreementAnswer(Answer):
    """An agreement and where it stands today."""

    id: UUID
    resident_id: UUID
    bed_id: UUID
    property_id: UUID
    agreement_number: str
    status: AgreementStatus
    stage: AgreementStage
    start_date: date
    end_date: date | None
    rent_amount: MoneyField
    deposit_amount: MoneyField
    maintenance_charges: MoneyField
    utility_charges: MoneyField
    food_charges: MoneyField
    notice_period_days: int
    rent_due_day: int
    late_fee_percentage: Decimal | None
    proration_basis: Basis
    billed_through: str | None
    document_url: str | None
    signed_by_resident_at: datetime | None
    signed_by_owner_at: datetime | None
    termination_reason: str | None
    terminated_at: datetime | None
    created_at: datetime
    updated_at: datetime


@router.post("/residents/{resident_id}/agreements", status_code=201, **WRITE)
async def create_agreement(resident_id: UUID, body: NewAgreement, here: Here) -> AgreementAnswer:
    """Make an agreement and claim its bed: 409 with free beds near it when it is taken.

    Of many who ask for one bed at once, one gets it. With an Idempotency-Key it is made once.
    """
    given = body.values(here.tenant.currency)
    bed_id: UUID = given.pop("bed_id")
    at = here.parts.clock.now()
    made = await make(here.session, here.tenant, resident_id, bed_id, given=given, at=at)
    return _shown(made, _today(here))


@router.get("/residents/{resident_id}/agreements", **READ)
async def list_agreements(
    resident_id: UUID, here: Here, paging: Paging, status: AgreementStatus | None = None
) -> Page[AgreementAnswer]:
    """The agreements of a resident."""
    await known(here.session, resident_id)
    query = select(Agreement).where(Agreement.resident_id == resident_id)
    if status is not None:
        query = query.where(Agreement.status == status)
    rows, cursor = await paged(here.session, query, Agreement, paging, SORTS)
    return page_of(rows, cursor, lambda row: _shown(row, _today(here)))


@router.get("/agreements/{agreement_id}", **READ)
async def read_agreement(agreement_id: UUID, here: Here) -> AgreementAnswer:
    """One agreement."""
    return _shown(await one(here.session, Agreement, agreement_id), _today(here))


@router.put("/agreements/{agreement_id}", **WRITE)
async def change_agreement(
    agreement_id: UUID, body: AgreementChange, here: Here
) -> AgreementAnswer:
    """Change a draft; of a signed one only `endDate` moves: 409 when somebody comes before it."""
    given = body.values(here.tenant.currency)
    row = await change(here.session, agreement_id, given, here.parts.clock.now())
    await here.session.flush()
    return _shown(row, _today(here))


@router.get("/agreements/{agreement_id}/plan", **READ)
async def plan_of_agreement(agreement_id: UUID, here: Here) -> PlanAnswer:
    """When it is billed next and for how much, and when it ends."""
    row = await one(here.session, Agreement, agreement_id)
    actions, run = await planned(here.session, row, here.parts.clock.now())
    steps = [PlannedStep.model_validate(action) for action in actions]
    return PlanAnswer(stage=stage_on(row, _today(here)), next=steps, workflow_id=run)


def _today(here: Context) -> date:
    return local_day(here.parts.clock.now(), here.tenant.timezone)


def _shown(row: Agreement, today: date) -> AgreementAnswer:
    through = row.billed_through
    return AgreementAnswer(
        **{name: money(getattr(row, column), row.currency) for name, column in MONEY.items()},
        id=row.id,
        resident_id=row.resident_id,
        bed_id=row.bed_id,
        property_id=row.property_id,
        agreement_number=row.agreement_number,
        status=AgreementStatus(row.status),
        stage=stage_on(row, today),
        start_date=row.start_date,
        end_date=row.end_date,
        notice_period_days=row.notice_period_days,
        rent_due_day=row.rent_due_day,
        late_fee_percentage=row.late_fee_percentage,
        proration_basis=Basis(row.proration_basis),
        billed_through=None if through is None else str(Month.of(through)),
        document_url=row.document_url,
        signed_by_resident_at=row.signed_by_resident_at,
        signed_by_owner_at=row.signed_by_owner_at,
        termination_reason=row.termination_reason,
        terminated_at=row.terminated_at,
        created_at=row.recorded_at,
        updated_at=row.updated_at,
    )
