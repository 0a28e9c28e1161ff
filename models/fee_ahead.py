"""The late fees that the plans of open invoices announce, with the amount each would ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_preview import FEE_STEPS, FeeAhead
from domain.late_fee import (
    FeePart,
    LateFeeTerms,
    Owed,
    daily_fee,
    flat_fee,
    last_daily_day,
    late_days,
)
from domain.tax import late_fee_tax
from models.collection import CollectionTerms
from models.fee_facts import Asked, FeeFacts, facts_of_fees
from models.invoice import Invoice, InvoiceLine
from models.life import PlannedAction, SubjectKind


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose money: of one property, one resident, one agreement, or of all."""

    property_id: UUID | None = None
    resident_id: UUID | None = None
    agreement_id: UUID | None = None

    @property
    def ids(self) -> tuple[UUID | None, UUID | None, UUID | None]:
        """Property, resident, agreement."""
        return self.property_id, self.resident_id, self.agreement_id


@dataclass(frozen=True, slots=True)
class OpenFee:
    """A part of a fee an open invoice will bring if nothing is paid; `why` is from its plan."""

    invoice_id: UUID
    invoice_number: str | None
    resident_id: UUID
    currency: str
    why: str
    fee: FeeAhead


async def open_fees(session: AsyncSession, scope: Scope) -> list[OpenFee]:
    """What is announced for the invoices of a scope, the next first; their terms are frozen."""
    announced = await _announced(session, scope)
    invoices = {row.Invoice.id: row.Invoice for row in announced}
    terms = {one.id: CollectionTerms.read(one.terms).fee for one in invoices.values()}
    asked = [
        (Asked(one.id, one.resident_id, one.agreement_id, one.period, one.due_date), terms[one.id])
        for one in invoices.values()
    ]
    measured = await facts_of_fees(session, asked)
    rates = await _rates(session, list(invoices))
    steps = {(row.Invoice.id, FEE_STEPS[row.what]) for row in announced}
    fees: list[OpenFee] = []
    for row in announced:
        one, part = row.Invoice, FEE_STEPS[row.what]
        minor = _flat(one, terms[one.id], measured[one.id])
        if part is FeePart.daily:
            before = minor if (one.id, FeePart.flat) in steps else 0
            minor = _daily(one, terms[one.id], measured[one.id], before)
        fee = FeeAhead(part, row.at, minor, late_fee_tax(minor, rates[one.id]))
        named = (one.id, one.invoice_number, one.resident_id, one.currency)
        fees.append(OpenFee(*named, row.why, fee))
    return fees


def _flat(invoice: Invoice, terms: LateFeeTerms, measured: FeeFacts) -> int:
    owed = Owed(invoice.balance_minor, measured.recurring_minor, measured.outstanding_fees_minor)
    return flat_fee(terms, owed, measured.fees_of_month_minor)


def _daily(invoice: Invoice, terms: LateFeeTerms, measured: FeeFacts, before: int) -> int:
    """Every late day to the last; the flat part that comes `before` takes its share of the cap."""
    due, settled = invoice.due_date, measured.settled
    last = last_daily_day(due, terms.grace_days)
    days = late_days(terms, due, invoice.balance_minor, settled, last)
    return daily_fee(terms, days, measured.fees_of_month_minor + before)


async def _announced(session: AsyncSession, scope: Scope) -> Sequence[Any]:
    query = (
        select(Invoice, PlannedAction.what, PlannedAction.at, PlannedAction.why)
        .join(PlannedAction, PlannedAction.subject_id == Invoice.id)
        .where(
            PlannedAction.subject_kind == SubjectKind.INVOICE,
            PlannedAction.what.in_(FEE_STEPS),
        )
        .order_by(PlannedAction.at, Invoice.id)
    )
    columns = (Invoice.property_id, Invoice.resident_id, Invoice.agreement_id)
    for column, value in zip(columns, scope.ids, strict=True):
        if value is not None:
            query = query.where(column == value)
    return (await session.execute(query)).all()


async def _rates(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Decimal]:
    """The rate of what each invoice is mainly for."""
    found = await session.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.tax_rate)
        .ext(distinct_on(InvoiceLine.invoice_id))
        .where(InvoiceLine.invoice_id == any_(bindparam("ids", ids, type_=ARRAY(Uuid))))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.amount_minor.desc(), InvoiceLine.position)
    )
    return {row.invoice_id: row.tax_rate for row in found}
