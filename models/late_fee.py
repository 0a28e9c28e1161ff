"""The late fee of an invoice: penalty invoices that name their parent, each part charged once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_run import Line
from domain.calendar import in_words, local_day
from domain.errors import Conflict
from domain.invoice import InvoiceType, LineKind
from domain.invoice_collection import CollectionFacts, daily_fee_due, daily_fee_with, flat_fee_due
from domain.late_fee import DailyFee, FeePart, Settled
from domain.tax import late_fee_tax
from models.collection import CollectionTerms, facts_of, replan
from models.event import record
from models.fee_facts import capped_beside
from models.fee_reversal import Coming
from models.invoice import Invoice, InvoiceLine
from models.invoice_writing import NewInvoice, drawn_up, written
from models.life import SubjectKind
from models.message import Purpose
from models.messages import tell


async def charge(
    session: AsyncSession, parent: Invoice, facts: CollectionFacts, at: datetime
) -> Invoice:
    """Issue the flat part of a locked invoice, due on the day it is issued; its payer is locked.

    It is part of the supply it is late for, so it is taxed at the rate of that. No advance can pay
    it: one would have paid the invoice that is late.
    """
    fee = flat_fee_due(facts)
    if fee == 0:
        raise Conflict("no late fee is due")
    said = f"Late fee, invoice {parent.invoice_number} due {in_words(parent.due_date)}"
    penalty = await _issued(session, parent, FeePart.flat, _Charge(said, 1, fee), at)
    await _told(session, "late_fee.charged", parent, penalty, at)
    await _planned(session, parent, penalty, facts, at)
    return penalty


async def charge_daily(
    session: AsyncSession, parent: Invoice, facts: CollectionFacts, at: datetime
) -> Invoice:
    """Issue the part for each late day of a locked invoice that is still open after the last."""
    penalty = await _issued_daily(session, parent, daily_fee_due(facts), at)
    await _planned(session, parent, penalty, facts, at)
    return penalty


async def charge_days(
    session: AsyncSession, invoices: Sequence[Invoice], coming: Sequence[Coming], at: datetime
) -> list[Invoice]:
    """Issue that part of each locked invoice that the money about to be booked settles.

    The money pays the penalties that are returned too, as far as it goes. The invoice and its
    penalty are planned by whoever books it.
    """
    charged: list[Invoice] = []
    for invoice in invoices:
        shares = [Settled(one.paid_on, one.minor) for one in coming if one.invoice_id == invoice.id]
        if not shares or not _has_days(invoice):
            continue
        fee = daily_fee_with(await facts_of(session, invoice), shares, at)
        if fee.minor:
            charged.append(await _issued_daily(session, invoice, fee, at))
    return charged


async def penalties_of(session: AsyncSession, invoice_id: UUID) -> list[Invoice]:
    """The parts of an invoice's late fee, locked after it, in the order they are charged."""
    found = await session.scalars(
        select(Invoice)
        .where(Invoice.parent_id == invoice_id, Invoice.invoice_type == InvoiceType.penalty)
        .order_by(Invoice.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return sorted(found, key=lambda penalty: penalty.sequence)


def has_more_to_charge(invoice: Invoice, penalties: Sequence[Invoice]) -> bool:
    """A part of the late fee that the terms know was not charged yet."""
    parts = {penalty.sequence for penalty in penalties}
    return FeePart.flat not in parts or (_has_days(invoice) and FeePart.daily not in parts)


@dataclass(frozen=True, slots=True)
class _Charge:
    """What the penalty's line says: so many of so much."""

    said: str
    quantity: int
    unit_minor: int


async def _issued_daily(
    session: AsyncSession, parent: Invoice, fee: DailyFee, at: datetime
) -> Invoice:
    if fee.minor == 0:
        raise Conflict("no fee for late days is due")
    days = "1 late day" if fee.days == 1 else f"{fee.days} late days"
    said = f"Late fee for {days}, invoice {parent.invoice_number} due {in_words(parent.due_date)}"
    each = CollectionTerms.read(parent.terms).fee.per_day_minor
    uncapped = fee.minor == each * fee.days
    charge = _Charge(said, fee.days, each) if uncapped else _Charge(said, 1, fee.minor)
    penalty = await _issued(session, parent, FeePart.daily, charge, at)
    await _told(session, "daily_fee.charged", parent, penalty, at)
    await tell(
        session,
        resident_id=parent.resident_id,
        purpose=Purpose.LATE_FEE,
        at=at,
        timezone=parent.timezone,
        about_id=penalty.id,
    )
    return penalty


async def _issued(
    session: AsyncSession, parent: Invoice, part: FeePart, charge: _Charge, at: datetime
) -> Invoice:
    new = NewInvoice(
        resident_id=parent.resident_id,
        agreement_id=parent.agreement_id,
        property_id=parent.property_id,
        parent_id=parent.id,
        invoice_type=InvoiceType.penalty,
        lines=[_line(await _principal(session, parent), charge)],
        due=local_day(at, parent.timezone),
        terms=CollectionTerms.read(parent.terms),
        sequence=part,
    )
    penalty = await drawn_up(session, new, at)
    await written(session, penalty, new.lines, at)
    return penalty


async def _told(
    session: AsyncSession, what: str, parent: Invoice, penalty: Invoice, at: datetime
) -> None:
    said = {
        "penalty_id": str(penalty.id),
        "minor": penalty.total_minor,
        "currency": parent.currency,
    }
    await record(session, what, SubjectKind.INVOICE, parent.id, at, **said)


async def _planned(
    session: AsyncSession, parent: Invoice, penalty: Invoice, facts: CollectionFacts, at: datetime
) -> None:
    """Plan the penalty, and the invoices for which the month's cap now leaves less."""
    await replan(session, penalty.id, at)
    if facts.late_fee.cap_minor is not None:
        for beside in await capped_beside(session, parent):
            await replan(session, beside, at)


async def _principal(session: AsyncSession, parent: Invoice) -> InvoiceLine:
    """The line that says what the invoice is mainly for."""
    lines = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == parent.id)
        .order_by(InvoiceLine.amount_minor.desc(), InvoiceLine.position)
        .limit(1)
    )
    return lines.one()


def _line(principal: InvoiceLine, charge: _Charge) -> Line:
    fee_minor = charge.unit_minor * charge.quantity
    tax = late_fee_tax(fee_minor, principal.tax_rate)
    return Line(
        kind=LineKind.late_fee,
        description=charge.said,
        quantity=charge.quantity,
        unit_minor=charge.unit_minor,
        amount_minor=fee_minor,
        rate=tax.rate_percent,
        cgst_minor=tax.cgst_minor,
        sgst_minor=tax.sgst_minor,
        igst_minor=tax.igst_minor,
        sac=principal.sac or "",
    )


def _has_days(invoice: Invoice) -> bool:
    return CollectionTerms.read(invoice.terms).fee.per_day_minor > 0
