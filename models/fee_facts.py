"""What a late fee is measured by, read from the rows; only as much as the terms ask for.

A fee belongs to the month of the invoice it is for (its period, else the month it is due in), and
to that invoice's agreement, else to its resident: so far reaches a cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.invoice import RECURRING, InvoiceStatus, InvoiceType
from domain.late_fee import LateFeeBase, LateFeeTerms, Settled, fee_day
from models.invoice import CreditNote, Invoice, InvoiceLine
from models.payment import Allocation, Payment

_NO_FEE = frozenset({InvoiceStatus.draft, InvoiceStatus.written_off})


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """Amounts in minor units; zero and empty where the terms do not ask."""

    recurring_minor: int = 0
    outstanding_fees_minor: int = 0
    fees_of_month_minor: int = 0
    settled: tuple[Settled, ...] = ()


NOTHING_ASKED = FeeFacts()


async def fee_facts(session: AsyncSession, invoice: Invoice, terms: LateFeeTerms) -> FeeFacts:
    """What the terms of an invoice need to know; nothing is read for ordinary ones."""
    plain = terms.base is LateFeeBase.outstanding_excluding_fees
    if not terms.enabled or invoice.invoice_type == InvoiceType.penalty:
        return NOTHING_ASKED
    if plain and terms.cap_minor is None and not terms.per_day_minor:
        return NOTHING_ASKED
    recurring = fees = of_month = 0
    settled: Sequence[Settled] = ()
    if terms.base is LateFeeBase.recurring:
        recurring = await _recurring(session, invoice.id)
    if terms.base is LateFeeBase.outstanding:
        day = fee_day(invoice.due_date, terms.grace_days)
        fees = await _open_fees(session, invoice, day)
    if terms.cap_minor is not None:
        of_month = await _fees_of_month(session, invoice)
    if terms.per_day_minor:
        settled = await settlements(session, invoice.id)
    return FeeFacts(recurring, fees, of_month, tuple(settled))


async def settlements(session: AsyncSession, invoice_id: UUID) -> list[Settled]:
    """What was taken off an invoice, by the day it was paid or credited; of a bounce nothing."""
    day = func.coalesce(Payment.paid_on, CreditNote.issued_on)
    total = func.sum(Allocation.amount_minor)
    rows = await session.execute(
        select(day, total)
        .select_from(Allocation)
        .outerjoin(Payment, Payment.id == Allocation.payment_id)
        .outerjoin(CreditNote, CreditNote.id == Allocation.credit_note_id)
        .where(Allocation.invoice_id == invoice_id)
        .group_by(day)
        .having(total != 0)
        .order_by(day)
    )
    return [Settled(on, int(minor)) for on, minor in rows]


async def capped_beside(session: AsyncSession, invoice: Invoice) -> Sequence[UUID]:
    """The other open invoices whose fees count for the same month's cap, in order of their ids."""
    beside = aliased(Invoice)
    found = await session.scalars(
        select(beside.id)
        .where(
            *_same_month(beside, invoice),
            beside.id != invoice.id,
            beside.status == InvoiceStatus.issued,
            beside.invoice_type != InvoiceType.penalty,
        )
        .order_by(beside.id)
    )
    return found.all()


async def _recurring(session: AsyncSession, invoice_id: UUID) -> int:
    minor = await session.scalar(
        select(func.coalesce(func.sum(InvoiceLine.amount_minor), 0)).where(
            InvoiceLine.invoice_id == invoice_id, InvoiceLine.kind.in_(RECURRING)
        )
    )
    return int(minor or 0)


async def _fees_of_month(session: AsyncSession, invoice: Invoice) -> int:
    """Every part charged so far before tax, less what was taken back of it."""
    fee, late = aliased(Invoice), aliased(Invoice)
    fees = (
        select(fee.id, fee.subtotal_minor)
        .join(late, late.id == fee.parent_id)
        .where(fee.invoice_type == InvoiceType.penalty, *_same_month(late, invoice))
        .cte()
    )
    back = select(func.coalesce(func.sum(CreditNote.subtotal_minor), 0)).where(
        CreditNote.invoice_id.in_(select(fees.c.id))
    )
    charged = func.coalesce(func.sum(fees.c.subtotal_minor), 0)
    return int(await session.scalar(select(charged - back.scalar_subquery())) or 0)


async def _open_fees(session: AsyncSession, invoice: Invoice, day: date) -> int:
    """The late fees of the account that were open when the day began, tax included."""
    fee = aliased(Invoice)
    settled_on = func.coalesce(Payment.paid_on, CreditNote.issued_on)
    settled = (
        select(func.coalesce(func.sum(Allocation.amount_minor), 0))
        .outerjoin(Payment, Payment.id == Allocation.payment_id)
        .outerjoin(CreditNote, CreditNote.id == Allocation.credit_note_id)
        .where(Allocation.invoice_id == fee.id, settled_on < day)
        .scalar_subquery()
    )
    minor = await session.scalar(
        select(func.coalesce(func.sum(fee.total_minor - settled), 0)).where(
            fee.invoice_type == InvoiceType.penalty,
            fee.status.not_in(_NO_FEE),
            fee.invoice_date < day,
            *_same_account(fee, invoice),
        )
    )
    return int(minor or 0)


def _same_account(other: type[Invoice], invoice: Invoice) -> tuple[ColumnElement[bool], ...]:
    if invoice.agreement_id is not None:
        return (other.agreement_id == invoice.agreement_id,)
    return (other.agreement_id.is_(None), other.resident_id == invoice.resident_id)


def _same_month(other: type[Invoice], invoice: Invoice) -> tuple[ColumnElement[bool], ...]:
    month = (invoice.period or invoice.due_date).replace(day=1)
    of_due = cast(func.date_trunc("month", other.due_date), Date)
    return (func.coalesce(other.period, of_due) == month, *_same_account(other, invoice))
