"""Payments as lists and answers show them: what of each went to which invoice."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.invoice import Invoice
from models.payment import Allocation


@dataclass(frozen=True, slots=True)
class Part:
    """What of a payment went to one invoice, what was taken back again left out."""

    invoice_id: UUID
    invoice_number: str | None
    minor: int


async def parts_of(session: AsyncSession, payment_ids: Iterable[UUID]) -> dict[UUID, list[Part]]:
    """By payment, what it paid, the oldest due first; payments that paid nothing are left out."""
    minor = func.sum(Allocation.amount_minor)
    rows = await session.execute(
        select(Allocation.payment_id, Invoice.id, Invoice.invoice_number, minor)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Allocation.payment_id.in_(list(payment_ids)))
        .group_by(Allocation.payment_id, Invoice.tenant_id, Invoice.id)
        .having(minor != 0)
        .order_by(Invoice.due_date, Invoice.invoice_number)
    )
    parts: dict[UUID, list[Part]] = {}
    for payment_id, invoice_id, number, amount in rows:
        assert payment_id is not None
        parts.setdefault(payment_id, []).append(Part(invoice_id, number, int(amount)))
    return parts
