"""The late fee of an invoice: a penalty invoice that names its parent, charged once."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_run import Line
from domain.calendar import in_words, local_day
from domain.errors import Conflict
from domain.invoice import InvoiceType, LineKind
from domain.invoice_collection import CollectionFacts
from domain.late_fee import late_fee
from domain.tax import late_fee_tax
from models.collection import CollectionTerms
from models.event import record
from models.invoice import Invoice, InvoiceLine
from models.issuing import NewInvoice, issue
from models.life import SubjectKind


async def charge(
    session: AsyncSession, parent: Invoice, facts: CollectionFacts, at: datetime
) -> Invoice:
    """Issue the penalty of a locked invoice, due on the day it is issued; its payer is locked too.

    It is part of the supply it is late for, so it is taxed at the rate of that.
    """
    fee = late_fee(facts.late_fee, facts.outstanding_without_fees_minor)
    if fee == 0:
        raise Conflict("no late fee is due")
    new = NewInvoice(
        resident_id=parent.resident_id,
        agreement_id=parent.agreement_id,
        property_id=parent.property_id,
        parent_id=parent.id,
        invoice_type=InvoiceType.penalty,
        lines=[_line(parent, await _principal(session, parent), fee)],
        due=local_day(at, parent.timezone),
        terms=CollectionTerms.read(parent.terms),
    )
    penalty = await issue(session, new, at)
    said = {
        "penalty_id": str(penalty.id),
        "minor": penalty.total_minor,
        "currency": parent.currency,
    }
    await record(session, "late_fee.charged", SubjectKind.INVOICE, parent.id, at, **said)
    return penalty


async def _principal(session: AsyncSession, parent: Invoice) -> InvoiceLine:
    """The line that says what the invoice is mainly for."""
    lines = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == parent.id)
        .order_by(InvoiceLine.amount_minor.desc(), InvoiceLine.position)
        .limit(1)
    )
    return lines.one()


def _line(parent: Invoice, principal: InvoiceLine, fee_minor: int) -> Line:
    tax = late_fee_tax(fee_minor, principal.tax_rate)
    return Line(
        kind=LineKind.late_fee,
        description=f"Late fee, invoice {parent.invoice_number} due {in_words(parent.due_date)}",
        quantity=1,
        unit_minor=fee_minor,
        amount_minor=fee_minor,
        rate=tax.rate_percent,
        cgst_minor=tax.cgst_minor,
        sgst_minor=tax.sgst_minor,
        igst_minor=tax.igst_minor,
        sac=principal.sac or "",
    )
