"""Money a resident paid too early or too much pays the next invoice: oldest payment first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.allocation import Allocation, OpenInvoice
from domain.allocation import allocate as shared_out
from domain.calendar import local_day
from domain.ledger import for_advance_use
from models import event
from models.collection import replan
from models.fee_reversal import Coming, reverse_fees
from models.invoice import Invoice
from models.late_fee import charge_days
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.payment import Payment
from models.settling import Share, allocate, lock_resident, moved, open_invoices


@dataclass(frozen=True, slots=True)
class _Use:
    """An advance that pays a part of an invoice."""

    payment: Payment
    invoice: Invoice
    minor: int


async def use_advances(session: AsyncSession, resident_id: UUID, at: datetime) -> set[UUID]:
    """Let the resident's advances pay what is open, oldest due first; the invoices that changed.

    Each changed invoice has its plan written anew and its life woken when that matters.
    """
    await lock_resident(session, resident_id)
    advances = select(Payment.currency).where(*_advances_of(resident_id)).distinct()
    touched: set[UUID] = set()
    for currency in (await session.scalars(advances.order_by(Payment.currency))).all():
        touched |= await _used_up(session, resident_id, currency, at)
    for invoice_id in sorted(touched):
        await replan(session, invoice_id, at)
    return touched


def _advances_of(resident_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (Payment.resident_id == resident_id, Payment.unallocated_minor > 0)


async def _used_up(
    session: AsyncSession, resident_id: UUID, currency: str, at: datetime
) -> set[UUID]:
    uses = await _uses(session, resident_id, currency)
    touched: set[UUID] = set()
    while changed := await reverse_fees(session, _coming(uses), at):
        touched |= {penalty.id for penalty in changed}
        uses = await _uses(session, resident_id, currency)
    late = list({use.invoice.id: use.invoice for use in uses}.values())
    if fees := await charge_days(session, late, _coming(uses), at):
        touched |= {fee.id for fee in fees}
        uses = await _uses(session, resident_id, currency)
    shares = [Share(use.invoice.id, use.minor, currency, payment_id=use.payment.id) for use in uses]
    await allocate(session, shares, at)
    for use in uses:
        use.payment.unallocated_minor -= use.minor
        await _used(session, use, at)
        touched.add(use.invoice.id)
    return touched


def _coming(uses: Sequence[_Use]) -> list[Coming]:
    return [Coming(use.invoice.id, use.minor, use.payment.paid_on) for use in uses]


async def _uses(session: AsyncSession, resident_id: UUID, currency: str) -> list[_Use]:
    """Who pays what; invoices locked by id, then payments by id."""
    invoices = await open_invoices(session, resident_id, currency)
    payments = await session.scalars(
        select(Payment)
        .where(*_advances_of(resident_id), Payment.currency == currency)
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    balances = {invoice.id: invoice.balance_minor for invoice in invoices}
    by_id = {invoice.id: invoice for invoice in invoices}
    uses: list[_Use] = []
    for payment in sorted(payments, key=lambda p: (p.paid_on, p.payment_number)):
        for invoice_id, minor in _given(payment, invoices, balances).parts:
            balances[invoice_id] -= minor
            uses.append(_Use(payment, by_id[invoice_id], minor))
    return uses


def _given(payment: Payment, invoices: Sequence[Invoice], left: dict[UUID, int]) -> Allocation:
    return shared_out(
        payment.unallocated_minor,
        [OpenInvoice(i.id, i.due_date, i.invoice_number or "", left[i.id]) for i in invoices],
    )


async def _used(session: AsyncSession, use: _Use, at: datetime) -> None:
    entry = NewEntry(
        kind="advance.used",
        subject_id=use.invoice.id,
        resident_id=use.invoice.resident_id,
        day=local_day(at, use.invoice.timezone),
        at=at,
        description=f"Advance {use.payment.payment_number} pays {use.invoice.invoice_number}",
        currency=use.invoice.currency,
        receivables=[(use.invoice.id, -use.minor)],
    )
    await post(session, entry, for_advance_use(use.minor))
    await event.record(
        session,
        "advance.used",
        SubjectKind.INVOICE,
        use.invoice.id,
        at,
        payment_id=str(use.payment.id),
        amount_minor=use.minor,
        currency=use.invoice.currency,
    )
    await moved(session, use.invoice, -use.minor, at)
