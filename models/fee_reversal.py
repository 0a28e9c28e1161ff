"""Takes a late fee back when money dated before the fee day arrives after it was charged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import in_words
from domain.invoice import InvoiceType
from domain.late_fee import fee_day, fee_to_reverse
from domain.tax import split_tax
from models.collection import CollectionTerms
from models.credit_note import CREDITABLE, charges_left, take_back
from models.invoice import CreditNote, Invoice, InvoiceLine
from models.message import Purpose
from models.messages import tell
from models.payment import Allocation, Payment
from models.settling import locked_invoices


@dataclass(frozen=True, slots=True)
class Coming:
    """Money about to be booked on an invoice, and the day it was paid."""

    invoice_id: UUID
    minor: int
    paid_on: date


async def reverse_fees(session: AsyncSession, coming: Sequence[Coming], at: datetime) -> set[UUID]:
    """Credit each fee that this money, had it arrived on its day, would have spared or lessened.

    The resident is locked. Returns the penalties that changed; a second call finds none.
    """
    found = await session.execute(
        select(Invoice.id, Invoice.parent_id).where(
            Invoice.parent_id.in_({share.invoice_id for share in coming}),
            Invoice.invoice_type == InvoiceType.penalty,
            Invoice.status.in_(CREDITABLE),
        )
    )
    pairs = found.all()
    if not pairs:
        return set()
    ids = {invoice_id for pair in pairs for invoice_id in pair if invoice_id is not None}
    locked = await locked_invoices(session, ids)
    by_id = {invoice.id: invoice for invoice in locked}
    changed: set[UUID] = set()
    for penalty_id, parent_id in pairs:
        assert parent_id is not None
        shares = [share for share in coming if share.invoice_id == parent_id]
        if await _reversed(session, by_id[parent_id], by_id[penalty_id], shares, at):
            changed.add(penalty_id)
    return changed


async def _reversed(
    session: AsyncSession,
    parent: Invoice,
    penalty: Invoice,
    coming: Sequence[Coming],
    at: datetime,
) -> bool:
    terms = CollectionTerms.read(parent.terms).fee
    day = fee_day(parent.due_date, terms.grace_days)
    early = [share for share in coming if share.paid_on < day]
    if not early:
        return False
    outstanding = parent.total_minor - sum(share.minor for share in early)
    outstanding -= await _settled_before(session, parent.id, day)
    left = await charges_left(session, penalty.id)
    charged = sum(charge.amount_minor for charge in left)
    fee = fee_to_reverse(terms, charged, outstanding)
    if fee == 0:
        return False
    total = None if fee == charged else await _with_tax(session, penalty.id, fee)
    reason = f"Paid on {in_words(early[0].paid_on)}, before the late fee fell due"
    await take_back(session, penalty, total, reason, at)
    await tell(
        session,
        resident_id=parent.resident_id,
        purpose=Purpose.FEE_REVERSED,
        at=at,
        timezone=parent.timezone,
        about_id=penalty.id,
    )
    return True


async def _settled_before(session: AsyncSession, invoice_id: UUID, day: date) -> int:
    """What was booked so far of money paid, and of credit given, before that day."""
    paid = await session.scalar(
        select(func.coalesce(func.sum(Allocation.amount_minor), 0))
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(Allocation.invoice_id == invoice_id, Payment.paid_on < day)
    )
    credited = await session.scalar(
        select(func.coalesce(func.sum(CreditNote.total_minor), 0)).where(
            CreditNote.invoice_id == invoice_id, CreditNote.issued_on < day
        )
    )
    return int(paid or 0) + int(credited or 0)


async def _with_tax(session: AsyncSession, penalty_id: UUID, fee: int) -> int:
    """The fee with the tax it was charged with."""
    rate = await session.scalar(
        select(func.max(InvoiceLine.tax_rate)).where(InvoiceLine.invoice_id == penalty_id)
    )
    central, state = split_tax(fee, rate) if rate else (0, 0)
    return fee + central + state
