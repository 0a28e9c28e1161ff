"""Writes a credit note: takes charges back; money that had paid them becomes an advance again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import local_day
from domain.credit_note import Charge, left_after, taken_back
from domain.errors import IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus, LineKind
from domain.ledger import for_credit_note
from domain.money import Money
from domain.numbering import CREDIT_NOTE
from models import event
from models.invoice import CreditNote, Invoice, InvoiceLine
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.payment import Payment
from models.settling import Share, allocate, closed, moved, next_number, paid_by

CREDITABLE = frozenset({InvoiceStatus.issued, InvoiceStatus.paid})


async def take_back(
    session: AsyncSession, invoice: Invoice, total_minor: int | None, reason: str, at: datetime
) -> CreditNote:
    """Credit `total_minor` (None: all that is left) of an invoice locked after its resident.

    Money beyond the balance had been paid already: it becomes an advance of the payments it came
    from, the newest first. Credited whole, the invoice is cancelled. The caller replans.
    """
    if invoice.status not in CREDITABLE:
        raise IllegalTransition(f"an invoice that is {invoice.status} cannot be credited")
    left = await charges_left(session, invoice.id)
    whole = sum(charge.gross_minor for charge in left)
    total = whole if total_minor is None else total_minor
    _within(total, whole, invoice.currency)
    parts = taken_back(left, total)
    freed = max(0, total - invoice.balance_minor)
    note = await _written(session, invoice, parts, reason, at)
    shares = [Share(invoice.id, total, credit_note_id=note.id)]
    shares += [
        Share(invoice.id, -minor, payment_id=payment_id)
        for payment_id, minor in await _freed(session, invoice.id, freed)
    ]
    await allocate(session, shares, invoice.currency, at)
    await _posted(session, invoice, note, parts, freed)
    if total == whole:
        invoice.balance_minor = 0
        await closed(session, invoice, InvoiceStatus.cancelled, at)
    else:
        await moved(session, invoice, freed - total, at)
    return note


async def charges_left(session: AsyncSession, invoice_id: UUID) -> list[Charge]:
    """What of each line no credit note has taken back yet."""
    lines = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    charges = [
        Charge(LineKind(i.kind), i.amount_minor, i.cgst_minor, i.sgst_minor, i.igst_minor)
        for i in lines
    ]
    notes = await session.scalars(
        select(CreditNote.total_minor)
        .where(CreditNote.invoice_id == invoice_id)
        .order_by(CreditNote.credit_note_number)
    )
    return left_after(charges, notes)


def _within(total: int, whole: int, currency: str) -> None:
    if total <= 0:
        raise InvalidInput.of("amount", "TOO_SMALL", "a credit note takes something back")
    if total > whole:
        most = Money(whole, currency).major
        raise InvalidInput.of("amount", "TOO_LARGE", f"at most {most} is left to be credited")


async def _written(
    session: AsyncSession, invoice: Invoice, parts: Sequence[Charge], reason: str, at: datetime
) -> CreditNote:
    day = local_day(at, invoice.timezone)
    note = CreditNote(
        id=uuid7(),
        invoice_id=invoice.id,
        reason=reason,
        currency=invoice.currency,
        subtotal_minor=sum(part.amount_minor for part in parts),
        cgst_minor=sum(part.cgst_minor for part in parts),
        sgst_minor=sum(part.sgst_minor for part in parts),
        igst_minor=sum(part.igst_minor for part in parts),
        total_minor=sum(part.gross_minor for part in parts),
        issued_on=day,
        effective_at=at,
    )
    note.credit_note_number = await next_number(session, CREDIT_NOTE, day)
    session.add(note)
    await session.flush()
    await event.record(
        session,
        "credit_note.issued",
        SubjectKind.INVOICE,
        invoice.id,
        at,
        credit_note_id=str(note.id),
        total_minor=note.total_minor,
        currency=note.currency,
    )
    return note


async def _freed(session: AsyncSession, invoice_id: UUID, minor: int) -> list[tuple[UUID, int]]:
    """Take `minor` off the payments that are on the invoice; each keeps its part as an advance."""
    if minor == 0:
        return []
    on_invoice = await paid_by(session, invoice_id)
    payments = await session.scalars(
        select(Payment)
        .where(Payment.id.in_(on_invoice))
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    newest_first = sorted(payments, key=lambda p: (p.paid_on, p.payment_number), reverse=True)
    parts: list[tuple[UUID, int]] = []
    for payment in newest_first:
        part = min(minor, on_invoice[payment.id])
        if part > 0:
            payment.unallocated_minor += part
            parts.append((payment.id, part))
            minor -= part
    return parts


async def _posted(
    session: AsyncSession, invoice: Invoice, note: CreditNote, parts: Sequence[Charge], freed: int
) -> None:
    entry = NewEntry(
        kind="credit_note.issued",
        subject_id=note.id,
        resident_id=invoice.resident_id,
        day=note.issued_on,
        at=note.effective_at,
        description=f"Credit note {note.credit_note_number} to {invoice.invoice_number}",
        currency=note.currency,
        receivables=[(invoice.id, freed - note.total_minor)],
    )
    postings = for_credit_note(
        [(part.kind, part.amount_minor) for part in parts],
        note.cgst_minor,
        note.sgst_minor,
        note.igst_minor,
        to_advances=freed,
    )
    await post(session, entry, postings)
