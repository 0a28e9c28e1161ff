"""Money on its way into the books: what it may pay, and who gets how much of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.allocation import Allocation, OpenInvoice
from domain.allocation import allocate as shared_out
from domain.calendar import local_day
from domain.errors import Conflict, IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus
from models.database import one
from models.fee_reversal import Coming, reverse_fees
from models.invoice import Invoice
from models.late_fee import charge_days
from models.payment import Payment, PaymentMethod, PaymentMode, PaymentStatus
from models.recovery import Recovery, recoverable
from models.settling import (
    lock_residents,
    open_invoices_of,
    timezones_of,
)


@dataclass(frozen=True, slots=True)
class Through:
    """How money came through a provider: its name there, our account, and what it was asked for.

    `invoice_ids` are served first, where they are still open.
    """

    mode: PaymentMode
    provider_payment_id: str
    account_id: UUID
    attempt_id: UUID | None = None
    invoice_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class NewPayment:
    """Money that came in, as whoever saw it tells it; `paid_on` is a day at the house."""

    resident_id: UUID
    amount_minor: int
    currency: str
    method: PaymentMethod
    paid_on: date
    reference: str | None = None
    notes: str | None = None
    invoice_id: UUID | None = None
    through: Through | None = None

    @property
    def first_ids(self) -> frozenset[UUID]:
        """The invoices that are served before all others."""
        asked = frozenset[UUID]() if self.through is None else self.through.invoice_ids
        return asked if self.invoice_id is None else asked | {self.invoice_id}


@dataclass(slots=True, eq=False)
class Intake:
    """A payment on its way into the books; its resident and `invoices` are locked."""

    new: NewPayment
    zone: str
    invoices: list[Invoice]
    recoveries: Sequence[Recovery]
    shared: Allocation
    reversed_fees: set[UUID] = field(default_factory=set[UUID])
    replanned: set[UUID] = field(default_factory=set[UUID])
    written: Payment | None = None

    @property
    def payment(self) -> Payment:
        """Its row, once it is written."""
        assert self.written is not None, "asked only after it is written"
        return self.written

    @property
    def recovered_minor(self) -> int:
        """What of it is for debts that were given up."""
        return sum(recovery.minor for recovery in self.recoveries)

    @property
    def coming(self) -> list[Coming]:
        """What each invoice is about to get."""
        return [Coming(found, minor, self.new.paid_on) for found, minor in self.shared.parts]

    @property
    def touched(self) -> set[UUID]:
        """The invoices it changed whose plans are not written yet."""
        return ({found for found, _ in self.shared.parts} | self.reversed_fees) - self.replanned

    def share_out(self) -> None:
        """Who gets how much of it, by what the invoices owe now."""
        minor = self.new.amount_minor - self.recovered_minor
        self.shared = _shared(minor, self.new.first_ids, self.invoices)


async def begun(session: AsyncSession, news: Sequence[NewPayment], at: datetime) -> list[Intake]:
    """Each with what it can pay; refused where it names what takes no money."""
    residents = {new.resident_id for new in news}
    assert len(residents) == len(news), "two payments of one resident are booked one after another"
    await lock_residents(session, residents)
    zones = await timezones_of(session, residents)
    for new in news:
        await _acceptable(session, new, local_day(at, zones[new.resident_id]))
    named = {new.invoice_id for new in news if new.invoice_id is not None}
    opened = await open_invoices_of(session, residents, named)
    return [
        await _begun_with(session, new, zones[new.resident_id], opened[new.resident_id])
        for new in news
    ]


async def _begun_with(
    session: AsyncSession, new: NewPayment, zone: str, opened: Sequence[Invoice]
) -> Intake:
    invoices = [invoice for invoice in opened if invoice.currency == new.currency]
    recoveries = recoverable(new.amount_minor, new.invoice_id, invoices)
    if not recoveries and new.through is None:
        await _named_is_open(session, new, invoices)
    return Intake(new, zone, invoices, recoveries, Allocation([], new.amount_minor))


async def share_all(session: AsyncSession, intakes: Sequence[Intake], at: datetime) -> None:
    """Share each out, with the fees it spares and the days it is charged for."""
    by_resident = {intake.new.resident_id: intake for intake in intakes}
    for intake in intakes:
        intake.share_out()
    while changed := await reverse_fees(session, _coming(intakes), at):
        for penalty in changed:
            by_resident[penalty.resident_id].reversed_fees.add(penalty.id)
        for intake in intakes:
            intake.share_out()
    invoices = [invoice for intake in intakes for invoice in intake.invoices]
    for fee in await charge_days(session, invoices, _coming(intakes), at):
        by_resident[fee.resident_id].invoices.append(fee)
        by_resident[fee.resident_id].share_out()


def _coming(intakes: Sequence[Intake]) -> list[Coming]:
    return [share for intake in intakes for share in intake.coming]


async def _acceptable(session: AsyncSession, new: NewPayment, today: date) -> None:
    if new.amount_minor <= 0:
        raise InvalidInput.of("amount", "TOO_SMALL", "must be more than zero")
    if new.paid_on > today:
        message = f"{new.paid_on} lies ahead; money is booked on the day it is there"
        raise InvalidInput.of("paidOn", "IN_FUTURE", message)
    if new.reference is None or new.through is not None:
        return
    known = await session.scalar(
        select(Payment.payment_number)
        .where(
            Payment.resident_id == new.resident_id,
            Payment.method == new.method,
            Payment.reference == new.reference,
            Payment.amount_minor == new.amount_minor,
            Payment.status != PaymentStatus.BOUNCED,
        )
        .limit(1)
    )
    if known is not None:
        raise Conflict(
            f"this {new.method} with reference {new.reference} is booked already as {known}",
            code="ALREADY_BOOKED",
        )


async def _named_is_open(
    session: AsyncSession, new: NewPayment, invoices: Sequence[Invoice]
) -> None:
    open_ids = {i.id for i in invoices if i.status == InvoiceStatus.issued}
    if new.invoice_id is None or new.invoice_id in open_ids:
        return
    named = await one(session, Invoice, new.invoice_id)
    if named.resident_id != new.resident_id:
        raise InvalidInput.of("invoiceId", "OTHER_RESIDENT", "is an invoice of another resident")
    must_be_open(named)
    raise InvalidInput.of("amount.currency", "CURRENCY", f"the invoice is in {named.currency}")


def must_be_open(invoice: Invoice) -> None:
    """IllegalTransition for an invoice that takes no money."""
    if invoice.status != InvoiceStatus.issued:
        raise IllegalTransition(
            f"the invoice is {invoice.status} and takes no money; name no invoice to keep it as an"
            " advance"
        )


def _shared(minor: int, first_ids: Collection[UUID], invoices: Iterable[Invoice]) -> Allocation:
    takes = [invoice for invoice in invoices if invoice.status == InvoiceStatus.issued]
    first = [i for i in takes if i.id in first_ids]
    rest = [i for i in takes if i.id not in first_ids]
    named = shared_out(minor, _due(first))
    others = shared_out(named.rest_minor, _due(rest))
    return Allocation([*named.parts, *others.parts], others.rest_minor)


def _due(invoices: Iterable[Invoice]) -> list[OpenInvoice]:
    return [
        OpenInvoice(i.id, i.due_date, i.invoice_number or "", i.balance_minor) for i in invoices
    ]
