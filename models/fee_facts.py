"""What a late fee is measured by, read from the rows; only as much as the terms ask for.

A fee belongs to the month of the invoice it is for (its period, else the month it is due in), and
to that invoice's agreement, else to its resident: so far reaches a cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.invoice import RECURRING, InvoiceStatus, InvoiceType
from domain.late_fee import LateFeeBase, LateFeeTerms, Settled, fee_day
from models.invoice import CreditNote, Invoice, InvoiceLine
from models.payment import Allocation, Payment

# For each that is asked: every fee part of its month charged so far before tax, less what was taken
# back; and the fees of its account, tax included, that were open when its fee day began.
_BESIDE = """
with asked as (
  select * from unnest(cast(:ids as uuid[]), cast(:residents as uuid[]),
                       cast(:agreements as uuid[]), cast(:months as date[]), cast(:days as date[]))
                a(id, resident_id, agreement_id, month, day)
), fees as (
  select a.id, a.month, a.day, f.id as fee_id, f.invoice_date, f.status, f.total_minor,
         f.subtotal_minor, coalesce(l.period, date_trunc('month', l.due_date)::date) as of_month
    from asked a
    cross join lateral (
      select * from invoices i
       where a.agreement_id is not null and i.agreement_id = a.agreement_id
      union all
      select * from invoices i
       where a.agreement_id is null and i.agreement_id is null and i.resident_id = a.resident_id
    ) l
    join invoices f on f.parent_id = l.id and f.invoice_type = 'penalty'
)
select id,
       coalesce(sum(subtotal_minor - back) filter (where of_month = month), 0)::bigint as of_month,
       coalesce(sum(total_minor - settled) filter (
         where invoice_date < day and status not in ('draft', 'written_off')), 0)::bigint as open
  from fees
  cross join lateral (
    select coalesce(sum(c.subtotal_minor), 0) as back
      from credit_notes c where c.invoice_id = fee_id) credited
  cross join lateral (
    select coalesce(sum(x.amount_minor), 0) as settled
      from allocations x
      left join payments p on p.id = x.payment_id
      left join credit_notes n on n.id = x.credit_note_id
     where x.invoice_id = fee_id and coalesce(p.paid_on, n.issued_on) < day) taken
 group by id
"""


class Asked(NamedTuple):
    """An invoice, issued or about to be, whose fee is measured."""

    id: UUID
    resident_id: UUID
    agreement_id: UUID | None
    period: date | None
    due: date


class Beside(NamedTuple):
    """The fees of its month so far, and the open ones of its account, in minor units."""

    of_month_minor: int = 0
    open_minor: int = 0


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """Amounts in minor units; zero and empty where the terms do not ask."""

    recurring_minor: int = 0
    outstanding_fees_minor: int = 0
    fees_of_month_minor: int = 0
    settled: tuple[Settled, ...] = ()


NOTHING_ASKED = FeeFacts()
ALONE = Beside()


async def fee_facts(session: AsyncSession, invoice: Invoice, terms: LateFeeTerms) -> FeeFacts:
    """What the terms of an invoice need to know; nothing is read for ordinary ones."""
    return (await fee_facts_of(session, [(invoice, terms)]))[invoice.id]


async def fee_facts_of(
    session: AsyncSession, invoices: Sequence[tuple[Invoice, LateFeeTerms]]
) -> dict[UUID, FeeFacts]:
    """The same for many, by their ids."""
    asked = [
        (Asked(one.id, one.resident_id, one.agreement_id, one.period, one.due_date), terms)
        for one, terms in invoices
        if one.invoice_type != InvoiceType.penalty
    ]
    nothing = {one.id: NOTHING_ASKED for one, _ in invoices}
    return nothing | await facts_of_fees(session, asked)


async def facts_of_fees(
    session: AsyncSession, invoices: Sequence[tuple[Asked, LateFeeTerms]]
) -> dict[UUID, FeeFacts]:
    """The same for many invoices that are no penalties, by their ids."""
    wanted = [(asked, terms) for asked, terms in invoices if terms.enabled]
    by_recurring = [a.id for a, terms in wanted if terms.base is LateFeeBase.recurring]
    by_day = [a.id for a, terms in wanted if terms.per_day_minor]
    recurring = await _recurring(session, by_recurring)
    settled = await settlements(session, by_day)
    beside = await fees_beside(session, wanted)
    facts: dict[UUID, FeeFacts] = {}
    for asked, terms in invoices:
        near = beside.get(asked.id, ALONE)
        facts[asked.id] = FeeFacts(
            recurring_minor=recurring.get(asked.id, 0),
            outstanding_fees_minor=near.open_minor if _wants_open(terms) else 0,
            fees_of_month_minor=near.of_month_minor if _wants_month(terms) else 0,
            settled=tuple(settled.get(asked.id, ())),
        )
    return facts


async def fees_beside(
    session: AsyncSession, invoices: Sequence[tuple[Asked, LateFeeTerms]]
) -> dict[UUID, Beside]:
    """Other fees that count, by the invoice; only for terms that ask for them, where any are."""
    wanted = [one for one in invoices if _wants_open(one[1]) or _wants_month(one[1])]
    if not wanted:
        return {}
    asked = [one for one, _ in wanted]
    found = await session.execute(
        text(_BESIDE),
        {
            "ids": [one.id for one in asked],
            "residents": [one.resident_id for one in asked],
            "agreements": [one.agreement_id for one in asked],
            "months": [(one.period or one.due).replace(day=1) for one in asked],
            "days": [fee_day(one.due, terms.grace_days) for one, terms in wanted],
        },
    )
    return {row.id: Beside(row.of_month, row.open) for row in found}


def _wants_open(terms: LateFeeTerms) -> bool:
    return terms.base is LateFeeBase.outstanding


def _wants_month(terms: LateFeeTerms) -> bool:
    return terms.cap_minor is not None


async def settlements(
    session: AsyncSession, invoice_ids: Sequence[UUID]
) -> dict[UUID, list[Settled]]:
    """What was taken off each, by the day it was paid or credited; of a bounce nothing."""
    settled: dict[UUID, list[Settled]] = {}
    if not invoice_ids:
        return settled
    day = func.coalesce(Payment.paid_on, CreditNote.issued_on)
    total = func.sum(Allocation.amount_minor)
    rows = await session.execute(
        select(Allocation.invoice_id, day, total)
        .select_from(Allocation)
        .outerjoin(Payment, Payment.id == Allocation.payment_id)
        .outerjoin(CreditNote, CreditNote.id == Allocation.credit_note_id)
        .where(Allocation.invoice_id.in_(invoice_ids))
        .group_by(Allocation.invoice_id, day)
        .having(total != 0)
        .order_by(day)
    )
    for invoice_id, on, minor in rows:
        settled.setdefault(invoice_id, []).append(Settled(on, int(minor)))
    return settled


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


async def _recurring(session: AsyncSession, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    if not invoice_ids:
        return {}
    rows = await session.execute(
        select(InvoiceLine.invoice_id, func.sum(InvoiceLine.amount_minor))
        .where(InvoiceLine.invoice_id.in_(invoice_ids), InvoiceLine.kind.in_(RECURRING))
        .group_by(InvoiceLine.invoice_id)
    )
    return {invoice_id: int(minor) for invoice_id, minor in rows}


def _same_account(other: type[Invoice], invoice: Invoice) -> tuple[ColumnElement[bool], ...]:
    if invoice.agreement_id is not None:
        return (other.agreement_id == invoice.agreement_id,)
    return (other.agreement_id.is_(None), other.resident_id == invoice.resident_id)


def _same_month(other: type[Invoice], invoice: Invoice) -> tuple[ColumnElement[bool], ...]:
    month = (invoice.period or invoice.due_date).replace(day=1)
    of_due = cast(func.date_trunc("month", other.due_date), Date)
    return (func.coalesce(other.period, of_due) == month, *_same_account(other, invoice))
