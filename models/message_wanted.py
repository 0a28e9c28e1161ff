"""Whether a message should still leave; asked immediately before each call.

Money stops everything at once, also what is queued.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoice import InvoiceStatus
from domain.invoice_collection import due_rung
from domain.message_delivery import DeliveryState
from models.collection import facts_of
from models.database import one
from models.invoice import CreditNote, Invoice, Reminder
from models.message import Message, Purpose
from models.message_facts import (
    MONEY_GONE,
    about_invoice,
    about_payment,
    chased,
    is_open,
    penalty_of,
    reminded,
    to_remind_of,
)
from models.resident import Resident

_OUT_OF_THE_HOUSE = frozenset({InvoiceStatus.issued, InvoiceStatus.paid})
# What waits still will not leave: a fee that was credited is not told any more.
_NOT_HEARD = frozenset({DeliveryState.pending, DeliveryState.cancelled})
Question = Callable[[AsyncSession, Message, datetime], Awaitable[bool]]


async def still_wanted(session: AsyncSession, message: Message, at: datetime) -> bool:
    """By its purpose, from the rows as they are now. A person who was erased is told nothing."""
    resident = await one(session, Resident, message.resident_id)
    return resident.deleted_at is None and await _ASK[Purpose(message.purpose)](
        session, message, at
    )


async def _reminder(session: AsyncSession, message: Message, at: datetime) -> bool:
    """At least one invoice it is a rung of still asks for money, and no later rung has come."""
    linked = await reminded(session, message)
    asking = await to_remind_of(session, message, linked, at)
    mine = [one.invoice for one in asking if one.invoice.id in linked]
    return any([not await _overtaken(session, message, invoice, at) for invoice in mine])


async def _overtaken(
    session: AsyncSession, message: Message, invoice: Invoice, at: datetime
) -> bool:
    """A later rung is due, or climbed: after downtime only the latest reminder leaves."""
    facts = await facts_of(session, invoice)
    if due_rung(facts, at) is not None:
        return True
    mine = await session.scalar(
        select(func.max(Reminder.effective_at)).where(
            Reminder.invoice_id == invoice.id, Reminder.message_id == message.id
        )
    )
    newest = await session.scalar(
        select(func.max(Reminder.effective_at)).where(Reminder.invoice_id == invoice.id)
    )
    return mine is not None and newest is not None and newest > mine


async def _late_fee(session: AsyncSession, message: Message, _at: datetime) -> bool:
    penalty = await penalty_of(session, message)
    credited = await session.scalar(select(exists().where(CreditNote.invoice_id == penalty.id)))
    return is_open(penalty) and not credited


async def _fee_reversed(session: AsyncSession, message: Message, _at: datetime) -> bool:
    """Taking back a fee nobody heard of would only worry them."""
    penalty = await penalty_of(session, message)
    told = await session.scalars(
        select(Message.state).where(
            Message.purpose == Purpose.LATE_FEE,
            Message.about_id.in_([penalty.id, penalty.parent_id]),
        )
    )
    states = told.all()
    return not states or any(state not in _NOT_HEARD for state in states)


async def _receipt(session: AsyncSession, message: Message, _at: datetime) -> bool:
    return (await about_payment(session, message)).status not in MONEY_GONE


async def _invoice(session: AsyncSession, message: Message, _at: datetime) -> bool:
    return (await about_invoice(session, message)).status in _OUT_OF_THE_HOUSE


async def _promise_noted(session: AsyncSession, message: Message, _at: datetime) -> bool:
    invoice = await about_invoice(session, message)
    return is_open(invoice) and invoice.promised_for is not None


async def _promise_broken(session: AsyncSession, message: Message, at: datetime) -> bool:
    """Nothing was agreed since: neither another promise nor a pause."""
    return chased(await about_invoice(session, message), at)


async def _instalments_agreed(session: AsyncSession, message: Message, _at: datetime) -> bool:
    invoice = await about_invoice(session, message)
    return is_open(invoice) and invoice.instalments_agreed_at is not None


_ASK: dict[Purpose, Question] = {
    Purpose.REMINDER: _reminder,
    Purpose.LATE_FEE: _late_fee,
    Purpose.FEE_REVERSED: _fee_reversed,
    Purpose.RECEIPT: _receipt,
    Purpose.INVOICE: _invoice,
    Purpose.PROMISE_NOTED: _promise_noted,
    Purpose.PROMISE_BROKEN: _promise_broken,
    Purpose.INSTALMENTS_AGREED: _instalments_agreed,
    Purpose.INSTALMENTS_BROKEN: _promise_broken,
}
