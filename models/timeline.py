"""What happened to an invoice: events, money, messages and changes of its row, newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import Money
from models.invoice import Invoice, Reminder
from models.message import Message
from models.payment import Allocation, Payment
from models.record import AuditRow, DomainEvent

HOUSE = "innkeeper"
_AMOUNTS = ("amount_minor", "total_minor", "minor")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: when, what, who did it. `kind` is event, message or change."""

    at: datetime
    kind: str
    what: str
    who: str
    detail: str | None = None


async def timeline(session: AsyncSession, invoice: Invoice, limit: int = 200) -> list[Happening]:
    """The newest happenings of an invoice, of its late fee and of the money that paid it."""
    payments = await _payments(session, invoice.id)
    fees = await session.scalars(select(Invoice.id).where(Invoice.parent_id == invoice.id))
    subjects = {invoice.id, *(payment.id for payment in payments), *fees}
    told = [
        *_events(await _events_of(session, subjects, limit), payments),
        *_messages(await _messages_of(session, invoice.id, subjects, limit)),
        *_changes(await _changes_of(session, invoice.id, limit)),
    ]
    return sorted(told, key=lambda happening: happening.at, reverse=True)[:limit]


async def _payments(session: AsyncSession, invoice_id: UUID) -> Sequence[Payment]:
    paid = select(Allocation.payment_id).where(Allocation.invoice_id == invoice_id)
    return (await session.scalars(select(Payment).where(Payment.id.in_(paid)))).all()


async def _events_of(
    session: AsyncSession, subjects: Iterable[UUID], limit: int
) -> Sequence[DomainEvent]:
    rows = await session.scalars(
        select(DomainEvent)
        .where(DomainEvent.subject_id.in_(list(subjects)))
        .order_by(DomainEvent.effective_at.desc(), DomainEvent.id.desc())
        .limit(limit)
    )
    return rows.all()


async def _messages_of(
    session: AsyncSession, invoice_id: UUID, subjects: Iterable[UUID], limit: int
) -> Sequence[Message]:
    reminders = select(Reminder.message_id).where(Reminder.invoice_id == invoice_id)
    rows = await session.scalars(
        select(Message)
        .where(or_(Message.about_id.in_(list(subjects)), Message.id.in_(reminders)))
        .order_by(Message.effective_at.desc(), Message.id.desc())
        .limit(limit)
    )
    return rows.all()


async def _changes_of(session: AsyncSession, invoice_id: UUID, limit: int) -> Sequence[AuditRow]:
    rows = await session.scalars(
        select(AuditRow)
        .where(
            AuditRow.row_id == invoice_id,
            AuditRow.table_name == Invoice.__tablename__,
            AuditRow.operation == "update",
        )
        .order_by(AuditRow.recorded_at.desc(), AuditRow.id.desc())
        .limit(limit)
    )
    return rows.all()


def _events(rows: Iterable[DomainEvent], payments: Iterable[Payment]) -> list[Happening]:
    numbers = {payment.id: payment.payment_number for payment in payments}
    return [
        Happening(row.effective_at, "event", row.type, row.actor, _said(row, numbers))
        for row in rows
    ]


def _said(row: DomainEvent, numbers: dict[UUID, str]) -> str | None:
    """The number and the amount an event speaks of, as people read them."""
    currency = row.data.get("currency")
    minor = next((row.data[name] for name in _AMOUNTS if name in row.data), None)
    amount = Money(minor, currency).text if currency and minor is not None else None
    number = numbers.get(row.subject_id, row.data.get("number"))
    return ", ".join(word for word in (number, amount) if word) or None


def _messages(rows: Iterable[Message]) -> list[Happening]:
    return [
        Happening(row.effective_at, "message", f"message.{row.purpose}", HOUSE, row.state)
        for row in rows
    ]


def _changes(rows: Iterable[AuditRow]) -> list[Happening]:
    """Which columns changed; their values may be personal and stay in the audit log."""
    return [
        Happening(row.recorded_at, "change", "invoice.changed", row.actor, ", ".join(columns))
        for row in rows
        if (columns := _changed(row))
    ]


def _changed(row: AuditRow) -> list[str]:
    before, after = row.before or {}, row.after or {}
    return sorted(name for name in after if after[name] != before.get(name))
