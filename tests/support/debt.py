"""Invoices that somebody owes: issued through the models, on terms a test can count on."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain import keys
from domain.billing_run import Line
from domain.calendar import at_local, local_day
from domain.invoice import InvoiceType, LineKind
from domain.late_fee import LateFeeKind, LateFeeTerms
from domain.lives import Look, Subject
from domain.tax import SAC_LONG_STAY, tax_line
from models.collection import CollectionTerms
from models.database import one
from models.invoice import Invoice
from models.issuing import NewInvoice, issue
from models.money_in import receive
from models.money_intake import NewPayment
from models.payment import Payment, PaymentMethod
from tests.support.house import INR, ZONE, House, Place, a_property, a_resident, an_agreement

RENT_MINOR = 10_000_00
FEE_MINOR = 500_00
TERMS = CollectionTerms(
    reminders=True,
    rungs=(-3, 0, 1, 7, 15),
    fee=LateFeeTerms(
        enabled=True,
        kind=LateFeeKind.percent,
        percent=Decimal(5),
        fixed_minor=0,
        grace_days=3,
        cap_minor=None,
        minimum_balance_minor=0,
    ),
)
DAY_MINOR = 100_00
DAILY_TERMS = replace(TERMS, fee=replace(TERMS.fee, per_day_minor=DAY_MINOR))


def ten(day: date) -> datetime:
    """10:00 of a day in India."""
    return at_local(day, time(10), ZONE)


@dataclass(frozen=True, slots=True)
class Debt:
    """An invoice of a resident, and its life's id."""

    house: House
    resident_id: UUID
    invoice_id: UUID
    due: date
    workflow_id: str = field(init=False)

    def __post_init__(self) -> None:
        workflow_id = keys.invoice_collection(self.house.tenant_id, self.invoice_id)
        object.__setattr__(self, "workflow_id", workflow_id)

    @property
    def subject(self) -> Subject:
        """As its life is told."""
        return Subject(self.house.tenant_id, self.invoice_id, self.workflow_id)

    def look(self, at: datetime) -> Look:
        """One look at it."""
        return Look(self.subject, at)

    def after(self, days: int) -> datetime:
        """10:00 of the day that many days after it is due."""
        return ten(self.due + timedelta(days=days))

    async def row(self) -> Invoice:
        """Its row as it is now."""
        async with self.house.session() as session:
            return await one(session, Invoice, self.invoice_id)

    async def penalty(self) -> Invoice | None:
        """Its late fee, if one was charged: the flat part of it."""
        async with self.house.session() as session:
            return await session.scalar(
                select(Invoice)
                .where(Invoice.parent_id == self.invoice_id)
                .order_by(Invoice.sequence)
                .limit(1)
            )

    async def fees(self) -> list[tuple[int, int, str]]:
        """The parts of its late fee: which one, its amount before tax, and how it stands."""
        async with self.house.session() as session:
            rows = await session.scalars(
                select(Invoice)
                .where(Invoice.parent_id == self.invoice_id)
                .order_by(Invoice.sequence)
            )
            return [(row.sequence, row.subtotal_minor, row.status) for row in rows]


async def a_debt(
    house: House,
    due: date,
    *,
    place: Place | None = None,
    bed: int = 0,
    resident_id: UUID | None = None,
    issued: datetime | None = None,
    rent_minor: int = RENT_MINOR,
    rate: Decimal = Decimal(0),
    terms: CollectionTerms = TERMS,
    period: date | None = None,
) -> Debt:
    """An invoice over rent, issued at noon ten days before it is due unless told otherwise."""
    issued = issued or at_local(due - timedelta(days=10), time(12), ZONE)
    if resident_id is None:
        resident_id = (await a_resident(house)).id
    place = place or await a_property(house)
    start = due.replace(day=1)
    agreement = await an_agreement(house, resident_id, place, bed=bed, start=start)
    new = NewInvoice(
        resident_id=resident_id,
        agreement_id=agreement.id,
        property_id=place.property_id,
        parent_id=None,
        invoice_type=InvoiceType.rent,
        lines=[a_line(rent_minor, rate)],
        due=due,
        terms=terms,
        period=period,
    )
    async with house.session() as session:
        invoice = await issue(session, new, issued)
    return Debt(house, resident_id, invoice.id, due)


def a_line(minor: int, rate: Decimal = Decimal(0)) -> Line:
    """One line of rent with its tax."""
    tax = tax_line(minor, rate)
    return Line(
        kind=LineKind.rent,
        description="Rent",
        quantity=1,
        unit_minor=minor,
        amount_minor=minor,
        rate=rate,
        cgst_minor=tax.cgst_minor,
        sgst_minor=tax.sgst_minor,
        igst_minor=0,
        sac=SAC_LONG_STAY,
    )


async def pay(
    debt: Debt,
    at: datetime,
    minor: int = RENT_MINOR,
    *,
    method: PaymentMethod = PaymentMethod.CASH,
    paid_on: date | None = None,
) -> Payment:
    """Money of the debt's payer arrives, for this debt first."""
    async with debt.house.session() as session:
        return await pay_within(session, debt, minor, at, method=method, paid_on=paid_on)


async def pay_within(
    session: AsyncSession,
    debt: Debt,
    minor: int,
    at: datetime,
    *,
    method: PaymentMethod = PaymentMethod.CASH,
    paid_on: date | None = None,
) -> Payment:
    """The same in a transaction that is open."""
    new = NewPayment(
        resident_id=debt.resident_id,
        amount_minor=minor,
        currency=INR,
        method=method,
        paid_on=paid_on or local_day(at, ZONE),
        invoice_id=debt.invoice_id,
    )
    return await receive(session, new, at)
