"""An invoice paid in instalments: agreed, replaced, cancelled, broken; money says how far it is."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.errors import Conflict, IllegalTransition
from domain.instalments import check_agreed
from domain.invoice import InvoiceStatus
from models.collection import locked, replan
from models.database import tenant_of
from models.event import record
from models.instalment import Instalment, InstalmentsEnd, open_parts_of
from models.invoice import Invoice
from models.life import SubjectKind
from models.message import Purpose
from models.messages import tell


async def agree(
    session: AsyncSession,
    invoice_id: UUID,
    parts: Sequence[tuple[date, int]],
    note: str | None,
    at: datetime,
) -> Invoice:
    """Let what is open be paid in dated parts: while each comes on its day, nothing else happens.

    They take the place of earlier instalments and of a promise. IllegalTransition unless the
    invoice is issued; InvalidInput unless the parts follow each other and add up to its balance.
    """
    invoice = await locked(session, invoice_id)
    if invoice.status != InvoiceStatus.issued:
        raise IllegalTransition(
            f"the invoice is {invoice.status}; only an issued one can be paid in instalments"
        )
    today = local_day(at, invoice.timezone)
    check_agreed(parts, invoice.balance_minor, invoice.currency, today)
    await _ended(session, invoice, InstalmentsEnd.REPLACED, at)
    invoice.promised_for = None
    invoice.instalments_agreed_at = at
    await session.execute(insert(Instalment), _rows(session, invoice, parts, note, at))
    said = {"parts": len(parts), "minor": invoice.balance_minor, "currency": invoice.currency}
    await record(session, "instalments.agreed", SubjectKind.INVOICE, invoice.id, at, **said)
    await _tell(session, invoice, Purpose.INSTALMENTS_AGREED, at)
    await replan(session, invoice.id, at)
    return invoice


async def cancel(session: AsyncSession, invoice_id: UUID, at: datetime) -> Invoice:
    """End the instalments now; the whole is due as if there had been none.

    IllegalTransition unless the invoice is paid in instalments.
    """
    invoice = await locked(session, invoice_id)
    if invoice.instalments_agreed_at is None or invoice.status != InvoiceStatus.issued:
        raise IllegalTransition("no instalments are agreed on, so there is nothing to cancel")
    await _ended(session, invoice, InstalmentsEnd.CANCELLED, at)
    await record(session, "instalments.cancelled", SubjectKind.INVOICE, invoice.id, at)
    await replan(session, invoice.id, at)
    return invoice


async def break_instalments(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    """A part of a locked invoice was not paid on its day: the usual collection goes on."""
    missed = next(iter(await open_parts_of(session, invoice)), None)
    if missed is None:
        raise Conflict("no instalment is open")
    await _ended(session, invoice, InstalmentsEnd.BROKEN, at)
    said = {"missed_on": missed.part.due.isoformat(), "part": missed.number, "of": missed.of}
    all_said = {**said, "minor": missed.open_minor, "currency": invoice.currency}
    await record(session, "instalments.broken", SubjectKind.INVOICE, invoice.id, at, **all_said)
    await _tell(session, invoice, Purpose.INSTALMENTS_BROKEN, at, **said)


async def _ended(
    session: AsyncSession, invoice: Invoice, why: InstalmentsEnd, at: datetime
) -> None:
    if invoice.instalments_agreed_at is None:
        return
    invoice.instalments_agreed_at = None
    await session.execute(
        update(Instalment)
        .where(Instalment.invoice_id == invoice.id, Instalment.ended_at.is_(None))
        .values(ended_at=at, ended_as=why)
    )


def _rows(
    session: AsyncSession,
    invoice: Invoice,
    parts: Sequence[tuple[date, int]],
    note: str | None,
    at: datetime,
) -> list[dict[str, object]]:
    return [
        {
            "tenant_id": tenant_of(session),
            "invoice_id": invoice.id,
            "number": number,
            "due_date": due,
            "amount_minor": minor,
            "agreed_at": at,
            "note": note,
        }
        for number, (due, minor) in enumerate(parts, 1)
    ]


async def _tell(
    session: AsyncSession, invoice: Invoice, purpose: Purpose, at: datetime, **facts: object
) -> None:
    await tell(
        session,
        resident_id=invoice.resident_id,
        purpose=purpose,
        at=at,
        timezone=invoice.timezone,
        about_id=invoice.id,
        facts=facts,
    )
