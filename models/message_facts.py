"""What the rows say, at the moment a message leaves, about what it tells.

A message holds no words: between queueing and leaving money may come, a promise be made, a fee be
taken back. So everything is read here, immediately before the call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import at_local, local_day
from domain.instalments import OpenPart
from domain.invoice import InvoiceStatus, InvoiceType
from models.collection import CollectionTerms
from models.database import one
from models.instalment import open_parts_of
from models.invoice import CreditNote, Invoice, InvoiceLine, Reminder
from models.message import Message
from models.payment import Allocation, Payment, PaymentStatus
from models.place import Property
from models.resident import Agreement

_PAUSE_ENDS = time(10)
MONEY_GONE = frozenset({PaymentStatus.BOUNCED, PaymentStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reminder asks for: an invoice's balance by its due day, or one instalment of it."""

    invoice: Invoice
    due: date
    minor: int
    part: OpenPart | None = None


def is_open(invoice: Invoice) -> bool:
    """Issued, and money is still due on it."""
    return invoice.status == InvoiceStatus.issued and invoice.balance_minor > 0


def chased(invoice: Invoice, at: datetime) -> bool:
    """Money is open and nothing was agreed that makes us wait for it."""
    return _is_asked(invoice, at) and invoice.instalments_agreed_at is None


def _is_asked(invoice: Invoice, at: datetime) -> bool:
    """The same, of an invoice paid in instalments too: one of them may be asked for."""
    paused = invoice.paused_until
    waits = paused is not None and at < at_local(paused, _PAUSE_ENDS, invoice.timezone)
    agreed = waits or invoice.promised_for is not None or invoice.disputed_at is not None
    return is_open(invoice) and not agreed


async def about_invoice(session: AsyncSession, message: Message) -> Invoice:
    """The invoice a message is about."""
    assert message.about_id is not None, "such a message names its invoice"
    return await one(session, Invoice, message.about_id)


async def about_payment(session: AsyncSession, message: Message) -> Payment:
    """The payment a receipt is for."""
    assert message.about_id is not None, "a receipt names its payment"
    return await one(session, Payment, message.about_id)


async def penalty_of(session: AsyncSession, message: Message) -> Invoice:
    """The late fee's own invoice, whether the message names it or the late one."""
    invoice = await about_invoice(session, message)
    if invoice.invoice_type == InvoiceType.penalty:
        return invoice
    found = await session.scalars(
        select(Invoice)
        .where(Invoice.parent_id == invoice.id, Invoice.invoice_type == InvoiceType.penalty)
        .order_by(Invoice.sequence)
        .limit(1)
    )
    return found.one()


async def reminded(session: AsyncSession, message: Message) -> set[UUID]:
    """The invoices whose ladder this reminder is a rung of."""
    found = await session.scalars(
        select(Reminder.invoice_id).where(Reminder.message_id == message.id)
    )
    return set(found)


async def to_remind_of(
    session: AsyncSession, message: Message, linked: set[UUID], at: datetime
) -> list[Asked]:
    """All that is due of that payer: what the reminder is linked to and what else is open by now.

    An invoice whose first reminder has come is listed too, though another step may be about to
    link it: one payer gets one reminder a day, so it must not say less than it stands for.
    """
    day = local_day(at, message.timezone)
    still_open = await open_invoices(session, message.resident_id)
    parents = {invoice.id for invoice in still_open}
    listed: list[Asked] = []
    for invoice in still_open:
        if invoice.parent_id in parents or not _is_asked(invoice, at):
            continue
        if invoice.instalments_agreed_at is not None:
            listed += await _parts_asked(session, invoice, day)
        elif invoice.id in linked or _has_its_turn(invoice, day):
            listed.append(Asked(invoice, invoice.due_date, invoice.balance_minor))
    ids = {one.invoice.id for one in listed if one.part is None}
    # A penalty stands beside the invoice it is for, and waits while that one waits.
    listed += [
        Asked(one, one.due_date, one.balance_minor)
        for one in still_open
        if one.parent_id in ids and chased(one, at)
    ]
    return sorted(listed, key=lambda one: (one.due, one.invoice.id))


async def _parts_asked(session: AsyncSession, invoice: Invoice, day: date) -> list[Asked]:
    """The open instalments whose first reminder has come."""
    terms = CollectionTerms.read(invoice.terms)
    ahead = timedelta(days=min((*terms.rungs, 0)))
    return [
        Asked(invoice, one.part.due, one.open_minor, one)
        for one in await open_parts_of(session, invoice)
        if one.part.due + ahead <= day
    ]


async def open_invoices(session: AsyncSession, resident_id: UUID) -> Sequence[Invoice]:
    """Every issued invoice of the payer with money open, the oldest due day first."""
    found = await session.scalars(
        select(Invoice)
        .where(
            Invoice.resident_id == resident_id,
            Invoice.status == InvoiceStatus.issued,
            Invoice.balance_minor > 0,
        )
        .order_by(Invoice.due_date, Invoice.id)
    )
    return found.all()


async def owed_minor(session: AsyncSession, resident_id: UUID, currency: str) -> int:
    """All the payer owes in that currency, in minor units."""
    found = await session.scalar(
        select(func.coalesce(func.sum(Invoice.balance_minor), 0)).where(
            Invoice.resident_id == resident_id,
            Invoice.status == InvoiceStatus.issued,
            Invoice.currency == currency,
        )
    )
    return int(found or 0)


async def described(session: AsyncSession, invoices: Iterable[UUID]) -> dict[UUID, str]:
    """What each invoice is for, in the words of its lines."""
    lines = await lines_of(session, invoices)
    return {
        invoice_id: ", ".join(line.description for line in of_invoice)
        for invoice_id, of_invoice in lines.items()
    }


async def lines_of(
    session: AsyncSession, invoices: Iterable[UUID]
) -> dict[UUID, Sequence[InvoiceLine]]:
    """The lines of each invoice, in their order."""
    found = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id.in_(list(invoices)))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.position)
    )
    lines: dict[UUID, list[InvoiceLine]] = {}
    for line in found:
        lines.setdefault(line.invoice_id, []).append(line)
    return dict(lines)


async def settled_by(session: AsyncSession, payment_id: UUID) -> list[tuple[Invoice, int]]:
    """The invoices a payment went to, and how much of it in minor units, as of now."""
    amount = func.sum(Allocation.amount_minor)
    found = await session.execute(
        select(Invoice, amount)
        .join(
            Allocation,
            (Allocation.tenant_id == Invoice.tenant_id) & (Allocation.invoice_id == Invoice.id),
        )
        .where(Allocation.payment_id == payment_id)
        .group_by(Invoice.tenant_id, Invoice.id)
        .having(amount > 0)
        .order_by(Invoice.due_date, Invoice.id)
    )
    return [(invoice, int(minor)) for invoice, minor in found]


async def credit_note_of(session: AsyncSession, invoice_id: UUID) -> CreditNote:
    """The latest credit note of an invoice."""
    found = await session.scalars(
        select(CreditNote)
        .where(CreditNote.invoice_id == invoice_id)
        .order_by(CreditNote.effective_at.desc(), CreditNote.id.desc())
        .limit(1)
    )
    return found.one()


async def money_dated(session: AsyncSession, invoice_id: UUID, before: date) -> date | None:
    """The day of the latest payment dated before that day which went to an invoice."""
    return await session.scalar(
        select(func.max(Payment.paid_on))
        .join(
            Allocation,
            (Allocation.tenant_id == Payment.tenant_id) & (Allocation.payment_id == Payment.id),
        )
        .where(
            Allocation.invoice_id == invoice_id,
            Payment.paid_on < before,
            Payment.status.not_in(MONEY_GONE),
        )
    )


async def house_of(
    session: AsyncSession, resident_id: UUID, property_id: UUID | None
) -> Property | None:
    """The house a message speaks for: the invoice's, else where the resident lived last."""
    if property_id is None:
        property_id = await session.scalar(
            select(Agreement.property_id)
            .where(Agreement.resident_id == resident_id)
            .order_by(Agreement.start_date.desc(), Agreement.id.desc())
            .limit(1)
        )
    return None if property_id is None else await one(session, Property, property_id)


def _has_its_turn(invoice: Invoice, day: date) -> bool:
    """Its first reminder has come, or it is overdue though nobody reminds of it."""
    terms = CollectionTerms.read(invoice.terms)
    first = min(terms.rungs, default=1) if terms.reminders else 1
    return invoice.due_date + timedelta(days=first) <= day
