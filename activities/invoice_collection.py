"""Steps of the collection of an invoice. Each may run twice; the second run changes nothing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.life import LifeSteps
from domain.calendar import local_day
from domain.errors import Conflict
from domain.invoice_collection import Step, due_reminder
from domain.lives import Look
from domain.money import Money
from domain.next_action import Outlook
from models import collection
from models.event import record
from models.instalment_plan import break_instalments
from models.invoice import Invoice, Reminder
from models.late_fee import charge, charge_daily
from models.life import SubjectKind
from models.message import Purpose
from models.messages import tell
from models.plan import Planned
from models.settling import locked_invoice
from models.task import open_task

COLLECT_BY_HAND = "collect_by_hand"


class Collecting(LifeSteps[Invoice]):
    """What the life of an issued invoice does, in the order it usually happens."""

    @activity.defn(name="look_at_invoice")
    async def look(self, look: Look) -> Outlook:
        """What comes next, and when."""
        return await self._seen(look)

    @activity.defn
    async def remind(self, look: Look) -> Outlook:
        """Climb the newest rung that is due; one message a day speaks for all the payer owes."""
        return await self._taken(look, Step.remind, _remind)

    @activity.defn
    async def charge_late_fee(self, look: Look) -> Outlook:
        """Issue the one penalty of this invoice for being late at all."""
        return await self._taken(look, Step.charge_late_fee, _charge_late_fee, locked_invoice)

    @activity.defn
    async def charge_daily_fee(self, look: Look) -> Outlook:
        """Issue the one penalty for the late days of an invoice that stays open."""
        return await self._taken(look, Step.charge_daily_fee, _charge_daily_fee, locked_invoice)

    @activity.defn
    async def break_promise(self, look: Look) -> Outlook:
        """The promised day has passed without the money: what was suspended goes on."""
        return await self._taken(look, Step.break_promise, _break_promise)

    @activity.defn
    async def break_instalments(self, look: Look) -> Outlook:
        """An instalment was not paid on its day: what was suspended goes on."""
        return await self._taken(look, Step.break_instalments, break_instalments)

    @activity.defn
    async def hand_to_operator(self, look: Look) -> Outlook:
        """Every reminder was sent: a person takes over."""
        return await self._taken(look, Step.hand_to_operator, _hand_to_operator)

    async def _lock(self, session: AsyncSession, subject_id: UUID) -> Invoice:
        return await collection.locked(session, subject_id)

    async def _planned(self, session: AsyncSession, row: Invoice, at: datetime) -> Planned:
        return await collection.planned(session, row, at)


async def _remind(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    due = due_reminder(await collection.facts_of(session, invoice), at)
    if due is None:
        raise Conflict("no reminder is due")
    message = await tell(
        session,
        resident_id=invoice.resident_id,
        purpose=Purpose.REMINDER,
        at=at,
        timezone=invoice.timezone,
    )
    session.add(
        Reminder(
            invoice_id=invoice.id,
            instalment_id=None if due.part is None else due.part.part.id,
            rung=due.rung,
            message_id=message.id,
            effective_at=at,
        )
    )
    said = {"rung": due.rung, "message_id": str(message.id)}
    await record(session, "invoice.reminded", SubjectKind.INVOICE, invoice.id, at, **said)


async def _charge_late_fee(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    facts = await collection.facts_of(session, invoice)
    penalty = await charge(session, invoice, facts, at)
    await tell(
        session,
        resident_id=invoice.resident_id,
        purpose=Purpose.LATE_FEE,
        at=at,
        timezone=invoice.timezone,
        about_id=penalty.id,
    )


async def _charge_daily_fee(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    await charge_daily(session, invoice, await collection.facts_of(session, invoice), at)


async def _break_promise(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    promised = invoice.promised_for
    if promised is None:
        raise Conflict("nothing was promised")
    invoice.promised_for = None
    said = {"promised_for": promised.isoformat()}
    await record(session, "promise.broken", SubjectKind.INVOICE, invoice.id, at, **said)
    await tell(
        session,
        resident_id=invoice.resident_id,
        purpose=Purpose.PROMISE_BROKEN,
        at=at,
        timezone=invoice.timezone,
        about_id=invoice.id,
        facts=said,
    )


async def _hand_to_operator(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    invoice.handed_over_at = at
    owed = Money(invoice.balance_minor, invoice.currency).text
    late = (local_day(at, invoice.timezone) - invoice.due_date).days
    await open_task(
        session,
        kind=SubjectKind.INVOICE,
        subject_id=invoice.id,
        what=COLLECT_BY_HAND,
        title=f"Collect invoice {invoice.invoice_number} by hand",
        detail=f"{owed} is {late} days late and every reminder was sent",
        at=at,
    )
    await record(session, "invoice.handed_over", SubjectKind.INVOICE, invoice.id, at)
