"""Takes back what of a late fee money dated earlier would have spared, when it arrives later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import in_words
from domain.invoice import InvoiceType
from domain.late_fee import (
    FeePart,
    Owed,
    Settled,
    daily_fee,
    fee_day,
    flat_fee,
    last_daily_day,
    late_days,
    open_before,
)
from domain.tax import split_tax
from models.collection import CollectionTerms
from models.credit_note import CREDITABLE, charges_left, take_back
from models.fee_facts import fee_facts, settlements
from models.invoice import Invoice, InvoiceLine
from models.message import Purpose
from models.messages import tell
from models.settling import locked_invoices


@dataclass(frozen=True, slots=True)
class Coming:
    """Money about to be booked on an invoice, and the day it was paid."""

    invoice_id: UUID
    minor: int
    paid_on: date


async def reverse_fees(
    session: AsyncSession, coming: Sequence[Coming], at: datetime
) -> list[Invoice]:
    """Credit of each part of a fee what this money, had it arrived on its day, would have spared.

    The residents are locked. Returns the penalties that changed; a second call finds none.
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
        return []
    ids = {invoice_id for pair in pairs for invoice_id in pair if invoice_id is not None}
    locked = await locked_invoices(session, ids)
    by_id = {invoice.id: invoice for invoice in locked}
    changed: list[Invoice] = []
    for penalty_id, parent_id in pairs:
        assert parent_id is not None
        shares = [share for share in coming if share.invoice_id == parent_id]
        if await _reversed(session, by_id[parent_id], by_id[penalty_id], shares, at):
            changed.append(by_id[penalty_id])
    return changed


async def _reversed(
    session: AsyncSession,
    parent: Invoice,
    penalty: Invoice,
    coming: Sequence[Coming],
    at: datetime,
) -> bool:
    early = [share for share in coming if share.paid_on < _counts_until(parent, penalty)]
    if not early:
        return False
    left = await charges_left(session, penalty.id)
    charged = sum(charge.amount_minor for charge in left)
    fee = max(0, charged - await _really_due(session, parent, penalty, coming))
    if fee == 0:
        return False
    total = None if fee == charged else await _with_tax(session, penalty.id, fee)
    before = "before the late fee fell due" if fee == charged else "so less of the fee was due"
    reason = f"Paid on {in_words(early[0].paid_on)}, {before}"
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


def _counts_until(parent: Invoice, penalty: Invoice) -> date:
    """Money paid before this day makes that part of the fee less."""
    terms = CollectionTerms.read(parent.terms).fee
    if penalty.sequence == FeePart.daily:
        return last_daily_day(parent.due_date, terms.grace_days)
    return fee_day(parent.due_date, terms.grace_days)


async def _really_due(
    session: AsyncSession, parent: Invoice, penalty: Invoice, coming: Sequence[Coming]
) -> int:
    """What of that part would have been charged, had the money been known on its day."""
    terms = CollectionTerms.read(parent.terms).fee
    settled = (await settlements(session, [parent.id])).get(parent.id, [])
    settled += [Settled(share.paid_on, share.minor) for share in coming]
    left = parent.total_minor - sum(one.minor for one in settled)
    if penalty.sequence == FeePart.daily:
        last = last_daily_day(parent.due_date, terms.grace_days)
        return daily_fee(terms, late_days(terms, parent.due_date, left, settled, last))
    measured = await fee_facts(session, parent, terms)
    outstanding = open_before(left, settled, fee_day(parent.due_date, terms.grace_days))
    owed = Owed(outstanding, measured.recurring_minor, measured.outstanding_fees_minor)
    return flat_fee(terms, owed)


async def _with_tax(session: AsyncSession, penalty_id: UUID, fee: int) -> int:
    """The fee with the tax it was charged with."""
    rate = await session.scalar(
        select(func.max(InvoiceLine.tax_rate)).where(InvoiceLine.invoice_id == penalty_id)
    )
    central, state = split_tax(fee, rate) if rate else (0, 0)
    return fee + central + state
