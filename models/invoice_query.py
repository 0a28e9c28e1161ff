"""Invoices as lists and answers show them: the derived state in SQL, and what was paid of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoice import InvoiceStatus
from models.invoice import Invoice
from models.payment import Allocation


class ShownStatus(StrEnum):
    """What a list can be narrowed to: the stored words, and those shown instead of issued."""

    draft = "draft"
    issued = "issued"
    paid = "paid"
    cancelled = "cancelled"
    written_off = "written_off"
    sent = "sent"
    viewed = "viewed"
    partially_paid = "partially_paid"
    overdue = "overdue"


@dataclass(frozen=True, slots=True)
class Settled:
    """What money and credit notes took off an invoice, in minor units; recoveries stand apart."""

    paid_minor: int = 0
    credited_minor: int = 0


def is_shown_as(status: ShownStatus, at: datetime) -> ColumnElement[bool]:
    """Invoices of that state at an instant; `issued` are all open ones, however they are shown.

    The same rule as domain.invoice_collection.derived_status, by each invoice's own calendar.
    """
    if status.value in set(InvoiceStatus):
        return Invoice.status == status.value
    now = bindparam("now", at, type_=DateTime(timezone=True))
    today = cast(func.timezone(Invoice.timezone, now), Date)
    issued = Invoice.status == InvoiceStatus.issued
    late = (Invoice.balance_minor > 0) & (Invoice.due_date < today)
    partly = Invoice.balance_minor < Invoice.total_minor
    match status:
        case ShownStatus.overdue:
            return issued & late
        case ShownStatus.partially_paid:
            return issued & ~late & partly
        case ShownStatus.viewed:
            return issued & ~late & ~partly & Invoice.viewed_at.is_not(None)
        case _:
            seen = Invoice.viewed_at.is_(None) & Invoice.sent_at.is_not(None)
            return issued & ~late & ~partly & seen


_PAID = func.sum(Allocation.amount_minor).filter(
    Allocation.payment_id.is_not(None), ~Allocation.recovered
)
_CREDITED = func.sum(Allocation.amount_minor).filter(Allocation.credit_note_id.is_not(None))
_SETTLED = (
    select(Allocation.invoice_id, func.coalesce(_PAID, 0), func.coalesce(_CREDITED, 0))
    .where(Allocation.invoice_id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .group_by(Allocation.invoice_id)
)


async def settled_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Settled]:
    """What was paid and credited of each invoice; those without either are left out."""
    rows = await session.execute(_SETTLED, {"ids": ids})
    return {found: Settled(int(money), int(notes)) for found, money, notes in rows}
