"""What suspends the collection of an invoice: a promise, a pause, a dispute; and its end."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import at_local, in_words, local_day
from domain.errors import IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus
from domain.invoice_collection import TEN
from models.collection import locked, replan
from models.event import record
from models.invoice import Invoice
from models.life import SubjectKind
from models.message import Purpose
from models.messages import tell
from models.task import close_tasks, open_task

PROMISE_DAYS_MAX = 92
PAUSE_DAYS_MAX = 366
# The task that a dispute opens: whoever answers it ends the dispute.
SETTLE_DISPUTE = "settle_dispute"


async def promise(
    session: AsyncSession, invoice_id: UUID, on: date, note: str | None, at: datetime
) -> Invoice:
    """Note that the payer promised to pay on a day: everything else waits until it has passed.

    A new promise replaces the one before. IllegalTransition unless the invoice is issued, and
    while it is paid in instalments.
    """
    invoice = await _issued(session, invoice_id, "promised for")
    if invoice.instalments_agreed_at is not None:
        raise IllegalTransition("the invoice is paid in instalments; cancel them to note a promise")
    today = local_day(at, invoice.timezone)
    _within("promisedFor", on, today, today + timedelta(days=PROMISE_DAYS_MAX))
    invoice.promised_for = on
    invoice.promise_note = note
    await _told(session, invoice, "promise.made", at, promised_for=on.isoformat())
    await tell(
        session,
        resident_id=invoice.resident_id,
        purpose=Purpose.PROMISE_NOTED,
        at=at,
        timezone=invoice.timezone,
        about_id=invoice.id,
    )
    await replan(session, invoice.id, at)
    return invoice


async def pause(
    session: AsyncSession, invoice_id: UUID, until: date, reason: str | None, at: datetime
) -> Invoice:
    """Do nothing before 10:00 of that day. IllegalTransition unless the invoice is issued."""
    invoice = await _issued(session, invoice_id, "paused")
    today = local_day(at, invoice.timezone)
    _within("until", until, today + timedelta(days=1), today + timedelta(days=PAUSE_DAYS_MAX))
    invoice.paused_until = until
    invoice.pause_reason = reason
    await _told(session, invoice, "collection.paused", at, until=until.isoformat())
    await replan(session, invoice.id, at)
    return invoice


async def dispute(session: AsyncSession, invoice_id: UUID, reason: str, at: datetime) -> Invoice:
    """The payer says it is not owed: nothing is done until a person has settled it.

    A task says so; its answer, or resuming, ends the dispute. IllegalTransition unless the invoice
    is issued, and while it is disputed already.
    """
    invoice = await _issued(session, invoice_id, "disputed")
    if invoice.disputed_at is not None:
        raise IllegalTransition("the invoice is disputed already")
    invoice.disputed_at = at
    await open_task(
        session,
        kind=SubjectKind.INVOICE,
        subject_id=invoice.id,
        what=SETTLE_DISPUTE,
        title=f"{invoice.invoice_number} is disputed",
        detail=reason,
        at=at,
    )
    await _told(session, invoice, "collection.disputed", at)
    await replan(session, invoice.id, at)
    return invoice


async def settle_dispute(session: AsyncSession, invoice_id: UUID, at: datetime) -> None:
    """The task was answered: the collection goes on. Whoever answers plans it anew."""
    invoice = await locked(session, invoice_id)
    invoice.disputed_at = None
    await _told(session, invoice, "collection.resumed", at)
    await session.flush()


async def resume(session: AsyncSession, invoice_id: UUID, at: datetime) -> Invoice:
    """End what suspends the collection now: pause, promise, dispute; the overdue is due again.

    IllegalTransition unless the invoice is issued and suspended.
    """
    invoice = await _issued(session, invoice_id, "resumed")
    agreed = invoice.promised_for is not None or invoice.disputed_at is not None
    if not agreed and not _is_paused(invoice, at):
        raise IllegalTransition("the collection is not suspended, so there is nothing to resume")
    if invoice.disputed_at is not None:
        await close_tasks(session, invoice.id, "the collection was resumed", at, SETTLE_DISPUTE)
    invoice.disputed_at = None
    invoice.promised_for = None
    invoice.paused_until = None
    await _told(session, invoice, "collection.resumed", at)
    await replan(session, invoice.id, at)
    return invoice


async def _issued(session: AsyncSession, invoice_id: UUID, what: str) -> Invoice:
    invoice = await locked(session, invoice_id)
    if invoice.status != InvoiceStatus.issued:
        raise IllegalTransition(
            f"the invoice is {invoice.status}; only an issued one can be {what}"
        )
    return invoice


def _is_paused(invoice: Invoice, at: datetime) -> bool:
    until = invoice.paused_until
    return until is not None and at < at_local(until, TEN, invoice.timezone)


def _within(field: str, day: date, first: date, last: date) -> None:
    if not first <= day <= last:
        message = f"is {day}; may be from {in_words(first)} to {in_words(last)}"
        raise InvalidInput.of(field, "OUT_OF_RANGE", message)


async def _told(
    session: AsyncSession, invoice: Invoice, what: str, at: datetime, **said: str
) -> None:
    await record(session, what, SubjectKind.INVOICE, invoice.id, at, **said)
