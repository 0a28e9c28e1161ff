"""The late fees that the plans of open invoices announce, with the amount each would ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoice_collection import Step
from domain.late_fee import late_fee
from domain.tax import late_fee_tax
from models.collection import CollectionTerms
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
    """A fee an open invoice will bring if nothing is paid; `why` are the words of its plan."""

    invoice_id: UUID
    invoice_number: str | None
    resident_id: UUID
    currency: str
    at: datetime
    why: str
    fee_minor: int
    tax_minor: int


async def open_fees(session: AsyncSession, scope: Scope) -> list[OpenFee]:
    """What is announced for the invoices of a scope, the next first; their terms are frozen."""
    query = (
        select(
            Invoice.id,
            Invoice.invoice_number,
            Invoice.resident_id,
            Invoice.currency,
            Invoice.terms,
            Invoice.balance_minor,
            PlannedAction.at,
            PlannedAction.why,
        )
        .join(PlannedAction, PlannedAction.subject_id == Invoice.id)
        .where(
            PlannedAction.subject_kind == SubjectKind.INVOICE,
            PlannedAction.what == Step.charge_late_fee,
        )
        .order_by(PlannedAction.at, Invoice.id)
    )
    columns = (Invoice.property_id, Invoice.resident_id, Invoice.agreement_id)
    for column, value in zip(columns, scope.ids, strict=True):
        if value is not None:
            query = query.where(column == value)
    found = (await session.execute(query)).all()
    rates = await _rates(session, [row.id for row in found])
    fees: list[OpenFee] = []
    for row in found:
        fee = late_fee(CollectionTerms.read(row.terms).fee, row.balance_minor)
        tax = late_fee_tax(fee, rates[row.id]).total_minor
        named = (row.id, row.invoice_number, row.resident_id, row.currency)
        fees.append(OpenFee(*named, row.at, row.why, fee, tax))
    return fees


async def _rates(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Decimal]:
    """The rate of what each invoice is mainly for."""
    found = await session.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.tax_rate)
        .ext(distinct_on(InvoiceLine.invoice_id))
        .where(InvoiceLine.invoice_id == any_(bindparam("ids", ids, type_=ARRAY(Uuid))))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.amount_minor.desc(), InvoiceLine.position)
    )
    return {row.invoice_id: row.tax_rate for row in found}
