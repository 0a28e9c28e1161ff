"""Credit notes as lists and answers show them: beside the invoice they refer to, and by line."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credit_note import Charge, taken_back
from domain.invoice import LineKind
from models.invoice import CreditNote, CreditNoteLine, Invoice, InvoiceLine


class NoteLine(NamedTuple):
    """What a note takes back of a line of its invoice."""

    line: InvoiceLine
    part: Charge


async def invoices_of(session: AsyncSession, notes: Iterable[CreditNote]) -> dict[UUID, Invoice]:
    """By its id, each invoice that these notes refer to."""
    found = await session.scalars(
        select(Invoice).where(Invoice.id.in_({note.invoice_id for note in notes}))
    )
    return {invoice.id: invoice for invoice in found}


async def lines_of(session: AsyncSession, note: CreditNote) -> list[NoteLine]:
    """The lines a note takes back, in the order of its invoice.

    A note from before its lines were kept takes back each line by its weight.
    """
    rows = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == note.invoice_id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    lines = rows.all()
    kept = await session.scalars(
        select(CreditNoteLine).where(CreditNoteLine.credit_note_id == note.id)
    )
    parts = {part.invoice_line_id: part for part in kept}
    if not parts:
        return _by_weight(note, lines)
    return [NoteLine(line, _charge(line, parts[line.id])) for line in lines if line.id in parts]


def _by_weight(note: CreditNote, lines: Sequence[InvoiceLine]) -> list[NoteLine]:
    taken = taken_back([_charge(line, line) for line in lines], note.total_minor)
    pairs = zip(lines, taken, strict=True)
    return [NoteLine(line, part) for line, part in pairs if part.gross_minor]


def _charge(line: InvoiceLine, part: InvoiceLine | CreditNoteLine) -> Charge:
    kind = LineKind(line.kind)
    return Charge(kind, part.amount_minor, part.cgst_minor, part.sgst_minor, part.igst_minor)
