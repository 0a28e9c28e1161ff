"""Writes a credit note: takes charges back; money that had paid them becomes an advance again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import local_day
from domain.credit_note import Charge, left_after, lines_taken_back, taken_back
from domain.errors import IllegalTransition
from domain.invoice import InvoiceStatus, LineKind
from domain.ledger import for_credit_note
from domain.numbering import CREDIT_NOTE
from models import event
from models.database import tenant_of
from models.invoice import CreditNote, CreditNoteLine, Invoice, InvoiceLine
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.payment import Payment
from models.settling import Share, allocate, closed, moved, next_number, paid_by

CREDITABLE = frozenset({InvoiceStatus.issued, InvoiceStatus.paid})


async def take_back(
    session: AsyncSession,
    invoice: Invoice,
    total_minor: int | None,
    reason: str,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
) -> CreditNote:
    """Credit `total_minor` (None: all that is left) of an invoice locked after its resident.

    Never more than is left: what was given up is a loss already. `lines` names by position what
    goes off the price of each line instead, its tax with it. Money beyond the balance had been paid
    already: it becomes an advance of the payments it came from, the newest first. Credited whole,
    the invoice is cancelled. The caller replans.
    """
    if invoice.status not in CREDITABLE:
        raise IllegalTransition(f"an invoice that is {invoice.status} cannot be credited")
    rows = await _lines_of(session, invoice.id)
    left = await _left(session, invoice.id, rows)
    parts = _parts(invoice, rows, left, total_minor, lines)
    total = sum(part.gross_minor for part in parts)
    freed = max(0, total - invoice.balance_minor)
    note = await _written(session, invoice, parts, at, reason=reason, freed=freed)
    await _kept(session, note, rows, parts)
    shares = [Share(invoice.id, total, invoice.currency, credit_note_id=note.id)]
    shares += [
        Share(invoice.id, -minor, invoice.currency, payment_id=payment_id)
        for payment_id, minor in await _freed(session, invoice.id, freed)
    ]
    await allocate(session, shares, at)
    await _posted(session, invoice, note, parts, freed)
    if total == sum(charge.gross_minor for charge in left):
        invoice.balance_minor = 0
        await closed(session, invoice, InvoiceStatus.cancelled, at)
    else:
        await moved(session, invoice, freed - total, at)
    return note


async def charges_left(session: AsyncSession, invoice_id: UUID) -> list[Charge]:
    """What of each line no credit note has taken back yet."""
    return await _left(session, invoice_id, await _lines_of(session, invoice_id))


def creditable(invoice: Invoice, left: Sequence[Charge]) -> int:
    """What a note may still take back: what no note did, less what was given up."""
    return sum(charge.gross_minor for charge in left) - invoice.written_off_minor


async def _lines_of(session: AsyncSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    lines = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    return lines.all()


async def _left(
    session: AsyncSession, invoice_id: UUID, lines: Sequence[InvoiceLine]
) -> list[Charge]:
    notes = await session.execute(
        select(CreditNote.id, CreditNote.total_minor)
        .where(CreditNote.invoice_id == invoice_id)
        .order_by(CreditNote.credit_note_number)
    )
    totals = notes.all()
    parts = await session.scalars(
        select(CreditNoteLine).where(CreditNoteLine.credit_note_id.in_([n for n, _ in totals]))
    )
    by_note: dict[UUID, dict[UUID, CreditNoteLine]] = {}
    for part in parts:
        by_note.setdefault(part.credit_note_id, {})[part.invoice_line_id] = part
    taken = [
        [_charge(line, by_note[note_id].get(line.id)) for line in lines]
        if note_id in by_note
        else total
        for note_id, total in totals
    ]
    return left_after([_charge(line, line) for line in lines], taken)


def _charge(line: InvoiceLine, part: InvoiceLine | CreditNoteLine | None) -> Charge:
    kind = LineKind(line.kind)
    if part is None:
        return Charge(kind, 0, 0, 0)
    return Charge(kind, part.amount_minor, part.cgst_minor, part.sgst_minor, part.igst_minor)


def _parts(
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    left: Sequence[Charge],
    total_minor: int | None,
    lines: Mapping[int, int] | None,
) -> list[Charge]:
    most = creditable(invoice, left)
    if lines is None:
        return taken_back(left, most if total_minor is None else min(total_minor, most))
    place = {row.position: number for number, row in enumerate(rows)}
    return lines_taken_back(left, {place[at]: minor for at, minor in lines.items()})


async def _kept(
    session: AsyncSession, note: CreditNote, rows: Sequence[InvoiceLine], parts: Sequence[Charge]
) -> None:
    """What the note took back of each line, so that a later one knows what is left of it."""
    written = [
        {
            "tenant_id": tenant_of(session),
            "credit_note_id": note.id,
            "invoice_line_id": row.id,
            "amount_minor": part.amount_minor,
            "cgst_minor": part.cgst_minor,
            "sgst_minor": part.sgst_minor,
            "igst_minor": part.igst_minor,
        }
        for row, part in zip(rows, parts, strict=True)
        if part.gross_minor
    ]
    await session.execute(insert(CreditNoteLine).values(written))


async def _written(
    session: AsyncSession,
    invoice: Invoice,
    parts: Sequence[Charge],
    at: datetime,
    *,
    reason: str,
    freed: int,
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
        to_advance_minor=freed,
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
        number=note.credit_note_number,
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
