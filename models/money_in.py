"""Books money: the one function that does, for routers and relay alike, and its reversal.

Payment, allocations, postings, balances, status `paid`, events, receipt, plans and wakes are
written in one transaction, so a collection never reminds of money that is there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.allocation import Allocation, OpenInvoice
from domain.allocation import allocate as shared_out
from domain.calendar import local_day
from domain.errors import Conflict, IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus
from domain.ledger import for_bounce, for_payment
from domain.numbering import PAYMENT
from models import event
from models.advances import use_advances
from models.attempt_news import captured
from models.collection import replan
from models.database import one
from models.fee_reversal import Coming, reverse_fees
from models.invoice import Invoice
from models.late_fee import charge_days
from models.ledger_entry import NewEntry, post
from models.message import Purpose
from models.messages import tell
from models.payment import Payment, PaymentMethod, PaymentMode, PaymentStatus
from models.recovery import Recovery, recover, recoverable
from models.settling import (
    Share,
    allocate,
    lock_resident,
    locked_invoice,
    locked_invoices,
    moved,
    next_number,
    open_invoices,
    paid_to,
    timezone_of,
)

__all__ = ["NewPayment", "bounce", "pay_in_full", "receive", "use_advances"]

_SUBJECT = "payment"


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


async def receive(session: AsyncSession, new: NewPayment, at: datetime) -> Payment:
    """Book money: the named invoices first, then the oldest due; what is left is an advance.

    What of a late fee this money, dated earlier, would have spared is credited; where it settles
    an invoice that costs more each late day, those days are charged with it. Naming an invoice
    that was written off recovers what was given up, and nothing else ever does. Conflict for a
    reference that was booked before, IllegalTransition when the named invoice is not open; money
    that a provider has taken is never refused for that.
    """
    await lock_resident(session, new.resident_id)
    zone = await timezone_of(session, new.resident_id)
    await _acceptable(session, new, local_day(at, zone))
    invoices = await open_invoices(session, new.resident_id, new.currency, named=new.invoice_id)
    recoveries = recoverable(new.amount_minor, new.invoice_id, invoices)
    if not recoveries and new.through is None:
        await _named_is_open(session, new, invoices)
    recovered = sum(recovery.minor for recovery in recoveries)
    for_open = replace(new, amount_minor=new.amount_minor - recovered)
    shared = _shared(for_open, invoices)
    reversed_fees: set[UUID] = set()
    while changed := await reverse_fees(session, _coming(new, shared), at):
        reversed_fees |= changed
        shared = _shared(for_open, invoices)
    invoices += await charge_days(session, invoices, _coming(new, shared), at)
    shared = _shared(for_open, invoices)
    payment = await _written(session, new, shared.rest_minor, local_day(at, zone), at)
    await _booked(session, payment, shared.parts, invoices, recovered=recovered)
    await recover(session, payment, recoveries, at)
    touched = {invoice_id for invoice_id, _ in shared.parts} | reversed_fees
    if reversed_fees:
        touched -= await use_advances(session, new.resident_id, at)
    await tell(
        session,
        resident_id=new.resident_id,
        purpose=Purpose.RECEIPT,
        at=at,
        timezone=zone,
        about_id=payment.id,
    )
    if payment.attempt_id is not None:
        await captured(session, payment, at)
    await _replanned(session, touched, at)
    return payment


async def pay_in_full(
    session: AsyncSession,
    invoice_id: UUID,
    method: PaymentMethod,
    at: datetime,
    *,
    paid_on: date | None = None,
    reference: str | None = None,
) -> Payment:
    """Book exactly the balance of an issued invoice, paid on that day (None: today there)."""
    invoice = await locked_invoice(session, invoice_id)
    _open(invoice)
    new = NewPayment(
        resident_id=invoice.resident_id,
        amount_minor=invoice.balance_minor,
        currency=invoice.currency,
        method=method,
        paid_on=paid_on or local_day(at, invoice.timezone),
        reference=reference,
        invoice_id=invoice.id,
    )
    return await receive(session, new, at)


async def bounce(session: AsyncSession, payment_id: UUID, at: datetime, reason: str) -> Payment:
    """A cheque came back: its money is gone from every invoice, which is open again.

    IllegalTransition unless it is a cheque whose money is in the books.
    """
    payment = await one(session, Payment, payment_id)
    await lock_resident(session, payment.resident_id)
    parts = await paid_to(session, payment_id)
    recovered = await paid_to(session, payment_id, recovered=True)
    locked = await locked_invoices(session, {*parts, *recovered})
    invoices = [invoice for invoice in locked if invoice.id in parts]
    payment = await one(session, Payment, payment_id, lock=True)
    _may_bounce(payment)
    zone = await timezone_of(session, payment.resident_id)
    shares = [Share(invoice.id, -parts[invoice.id], payment_id=payment.id) for invoice in invoices]
    await allocate(session, shares, payment.currency, at)
    lost = [invoice for invoice in locked if invoice.id in recovered]
    await recover(session, payment, [Recovery(i, -recovered[i.id]) for i in lost], at)
    entry = NewEntry(
        kind="payment.bounced",
        subject_id=payment.id,
        resident_id=payment.resident_id,
        day=local_day(at, zone),
        at=at,
        description=f"{payment.payment_number} came back",
        currency=payment.currency,
        receivables=sorted(parts.items()),
    )
    postings = for_bounce(
        payment.method, sum(parts.values()), payment.unallocated_minor, sum(recovered.values())
    )
    await post(session, entry, postings)
    payment.status = PaymentStatus.BOUNCED
    payment.unallocated_minor = 0
    payment.bounced_at = at
    payment.bounce_reason = reason
    await _told(session, "payment.bounced", payment, local_day(at, zone), at)
    for invoice in invoices:
        await moved(session, invoice, parts[invoice.id], at)
    touched = await use_advances(session, payment.resident_id, at)
    await _replanned(session, set(parts) - touched, at)
    return payment


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
    _open(named)
    raise InvalidInput.of("amount.currency", "CURRENCY", f"the invoice is in {named.currency}")


def _open(invoice: Invoice) -> None:
    if invoice.status != InvoiceStatus.issued:
        raise IllegalTransition(
            f"the invoice is {invoice.status} and takes no money; name no invoice to keep it as an"
            " advance"
        )


def _shared(new: NewPayment, invoices: Iterable[Invoice]) -> Allocation:
    """Who gets how much of it, by what the invoices owe now."""
    takes = [invoice for invoice in invoices if invoice.status == InvoiceStatus.issued]
    first = [i for i in takes if i.id in new.first_ids]
    rest = [i for i in takes if i.id not in new.first_ids]
    named = shared_out(new.amount_minor, _due(first))
    others = shared_out(named.rest_minor, _due(rest))
    return Allocation([*named.parts, *others.parts], others.rest_minor)


def _due(invoices: Iterable[Invoice]) -> list[OpenInvoice]:
    return [
        OpenInvoice(i.id, i.due_date, i.invoice_number or "", i.balance_minor) for i in invoices
    ]


def _coming(new: NewPayment, shared: Allocation) -> list[Coming]:
    return [Coming(invoice_id, minor, new.paid_on) for invoice_id, minor in shared.parts]


async def _written(
    session: AsyncSession, new: NewPayment, rest_minor: int, today: date, at: datetime
) -> Payment:
    through = new.through
    payment = Payment(
        id=uuid7(),
        resident_id=new.resident_id,
        payment_number=await next_number(session, PAYMENT, today),
        amount_minor=new.amount_minor,
        unallocated_minor=rest_minor,
        currency=new.currency,
        method=new.method,
        mode=PaymentMode.MANUAL if through is None else through.mode,
        provider_payment_id=None if through is None else through.provider_payment_id,
        account_id=None if through is None else through.account_id,
        attempt_id=None if through is None else through.attempt_id,
        status=PaymentStatus.COMPLETED,
        paid_on=new.paid_on,
        paid_at=at,
        reference=new.reference,
        notes=new.notes,
    )
    session.add(payment)
    await _told(session, "payment.completed", payment, payment.paid_on, at)
    return payment


async def _booked(
    session: AsyncSession,
    payment: Payment,
    parts: Sequence[tuple[UUID, int]],
    invoices: Sequence[Invoice],
    *,
    recovered: int,
) -> None:
    """Allocations, the entry with its postings, and the balances they leave."""
    at = payment.paid_at
    shares = [Share(invoice_id, minor, payment_id=payment.id) for invoice_id, minor in parts]
    await allocate(session, shares, payment.currency, at)
    entry = NewEntry(
        kind="payment.received",
        subject_id=payment.id,
        resident_id=payment.resident_id,
        day=payment.paid_on,
        at=at,
        description=f"Payment {payment.payment_number}",
        currency=payment.currency,
        receivables=[(invoice_id, -minor) for invoice_id, minor in parts],
    )
    used = sum(minor for _, minor in parts)
    postings = for_payment(
        payment.method,
        used,
        payment.unallocated_minor,
        recovered,
        by_provider=payment.mode != PaymentMode.MANUAL,
    )
    await post(session, entry, postings)
    by_id = {invoice.id: invoice for invoice in invoices}
    for invoice_id, minor in parts:
        await moved(session, by_id[invoice_id], -minor, at)


def _may_bounce(payment: Payment) -> None:
    if payment.method != PaymentMethod.CHEQUE:
        raise IllegalTransition(f"{payment.payment_number} was paid by {payment.method}, no cheque")
    if payment.status != PaymentStatus.COMPLETED:
        raise IllegalTransition(f"{payment.payment_number} is {payment.status} already")


async def _told(
    session: AsyncSession, what: str, payment: Payment, day: date, at: datetime
) -> None:
    """`day` is the day at the house on which the money came or went."""
    await event.record(
        session,
        what,
        _SUBJECT,
        payment.id,
        at,
        resident_id=str(payment.resident_id),
        number=payment.payment_number,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        mode=payment.mode,
        method=payment.method,
        day=day.isoformat(),
    )


async def _replanned(session: AsyncSession, invoice_ids: set[UUID], at: datetime) -> None:
    for invoice_id in sorted(invoice_ids):
        await replan(session, invoice_id, at)
