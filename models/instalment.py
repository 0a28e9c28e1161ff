"""The dated parts an invoice is paid in, as they were agreed."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from domain.instalments import OpenPart, Part, open_parts
from models.base import TenantRow, within_tenant
from models.invoice import Invoice, Reminder


class InstalmentsEnd(StrEnum):
    """Why instalments no longer hold."""

    REPLACED = "replaced"
    CANCELLED = "cancelled"
    BROKEN = "broken"


class Instalment(TenantRow):
    """One part of an invoice, to be paid by a day.

    What was agreed is never rewritten: other parts are new rows, and the old ones say when and why
    they ended. What is open of a part follows from the invoice's balance (domain/instalments.py).
    """

    __tablename__ = "instalments"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        Index(
            "uq_instalments_invoice",
            "tenant_id",
            "invoice_id",
            "number",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        CheckConstraint("amount_minor > 0", name="asks_for_something"),
        CheckConstraint("ended_as in ('replaced', 'cancelled', 'broken')", name="ended_as_known"),
        CheckConstraint("(ended_at is null) = (ended_as is null)", name="ends_for_a_reason"),
    )

    invoice_id: Mapped[UUID]
    number: Mapped[int]
    due_date: Mapped[date]
    amount_minor: Mapped[int]
    agreed_at: Mapped[datetime]
    note: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[str | None]


async def parts_of(session: AsyncSession, invoice: Invoice) -> tuple[Part, ...]:
    """The parts that hold, the oldest first, with the rungs sent of each; () when there are none.

    Nothing is read for an invoice that is not paid in instalments.
    """
    if invoice.instalments_agreed_at is None:
        return ()
    sent = (
        select(func.array_agg(Reminder.rung))
        .where(Reminder.instalment_id == Instalment.id)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Instalment, sent.label("sent"))
        .where(Instalment.invoice_id == invoice.id, Instalment.ended_at.is_(None))
        .order_by(Instalment.number)
    )
    return tuple(
        Part(row.id, row.due_date, row.amount_minor, row.agreed_at, frozenset(rungs or ()))
        for row, rungs in rows
    )


async def open_parts_of(session: AsyncSession, invoice: Invoice) -> list[OpenPart]:
    """The instalments of an invoice that are not paid yet, the oldest first."""
    return open_parts(await parts_of(session, invoice), invoice.balance_minor)
