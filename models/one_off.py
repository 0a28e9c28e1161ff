"""What a single invoice asks for, taxed as the agreement it belongs to is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_run import Line
from domain.calendar import local_day
from domain.errors import InvalidInput
from domain.invoice import InvoiceType, LineKind
from domain.money import BIGINT_MAX, half_up
from domain.tax import NIL, SAC_LONG_STAY, long_stay_rate, tax_line
from models.database import one
from models.invoice import Invoice
from models.issuing import (
    NewInvoice,
    change_draft,
    issue_draft,
    lines_of,
    locked_draft,
    terms_now,
)
from models.resident import Agreement, AgreementStatus, Resident
from models.settling import our_tenant, timezone_of
from models.tenant import BillingSettings

_KIND_OF_TYPE: dict[InvoiceType, LineKind] = {
    InvoiceType.rent: LineKind.rent,
    InvoiceType.deposit: LineKind.deposit,
    InvoiceType.maintenance: LineKind.maintenance,
    InvoiceType.utility: LineKind.utility,
    InvoiceType.penalty: LineKind.late_fee,
}
_NO_STAY_DAYS = 0


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One line as it is asked for; without a kind it is what the invoice's type says."""

    description: str
    quantity: Decimal
    unit_minor: int
    kind: LineKind | None = None


@dataclass(frozen=True, slots=True)
class AskedInvoice:
    """A single invoice as it is asked for; a due day that has passed brings an old debt over.

    Without an agreement it belongs to the resident's current one, if there is one.
    """

    resident_id: UUID
    invoice_type: InvoiceType
    lines: Sequence[AskedLine]
    agreement_id: UUID | None = None
    due: date | None = None
    notes: str | None = None


async def drawn_up(session: AsyncSession, asked: AskedInvoice, at: datetime) -> NewInvoice:
    """The invoice with its tax, its place and its terms of today, ready to be issued or kept."""
    await one(session, Resident, asked.resident_id)
    agreement = await _agreement_of(session, asked)
    zone = await timezone_of(session, asked.resident_id)
    today = local_day(at, zone)
    settings = (await session.scalars(select(BillingSettings))).one()
    currency = (await our_tenant(session)).currency if agreement is None else agreement.currency
    gst = settings.gst_enabled and currency == "INR"
    return NewInvoice(
        resident_id=asked.resident_id,
        agreement_id=None if agreement is None else agreement.id,
        property_id=None if agreement is None else agreement.property_id,
        parent_id=None,
        invoice_type=asked.invoice_type,
        lines=_lines(asked, _rate(asked, agreement, today) if gst else NIL),
        due=asked.due or today + timedelta(days=settings.default_due_days),
        terms=await terms_now(session, None if agreement is None else agreement.id, currency),
        notes=asked.notes,
    )


def asked_by(draft: Invoice) -> AskedInvoice:
    """What a draft asks for, so that it can be drawn up anew by the rules of another day."""
    lines = [
        AskedLine(line.description, Decimal(line.quantity), line.unit_minor, line.kind)
        for line in lines_of(draft)
    ]
    return AskedInvoice(
        resident_id=draft.resident_id,
        invoice_type=InvoiceType(draft.invoice_type),
        lines=lines,
        agreement_id=draft.agreement_id,
        due=draft.due_date,
        notes=draft.notes,
    )


async def issue_kept(session: AsyncSession, invoice_id: UUID, at: datetime) -> Invoice:
    """Issue a draft, taxed by the rule of the day it is issued."""
    draft = await locked_draft(session, invoice_id)
    new = await drawn_up(session, asked_by(draft), at)
    draft = await change_draft(session, invoice_id, new, at)
    return await issue_draft(session, draft, at)


async def currency_of(session: AsyncSession, resident_id: UUID, agreement_id: UUID | None) -> str:
    """What a resident is billed in: the agreement's currency, else the tenant's."""
    asked = AskedInvoice(resident_id, InvoiceType.adjustment, (), agreement_id)
    agreement = await _agreement_of(session, asked)
    return (await our_tenant(session)).currency if agreement is None else agreement.currency


async def _agreement_of(session: AsyncSession, asked: AskedInvoice) -> Agreement | None:
    """The named agreement, else the active one, else the last that ever ran."""
    if asked.agreement_id is not None:
        agreement = await one(session, Agreement, asked.agreement_id)
        if agreement.resident_id != asked.resident_id:
            message = "is an agreement of another resident"
            raise InvalidInput.of("agreementId", "OTHER_RESIDENT", message)
        return agreement
    never_ran = (AgreementStatus.DRAFT, AgreementStatus.CANCELLED)
    return await session.scalar(
        select(Agreement)
        .where(Agreement.resident_id == asked.resident_id, Agreement.status.not_in(never_ran))
        .order_by(
            case((Agreement.status == AgreementStatus.ACTIVE, 0), else_=1),
            Agreement.start_date.desc(),
            Agreement.id,
        )
        .limit(1)
    )


def _rate(asked: AskedInvoice, agreement: Agreement | None, today: date) -> Decimal:
    """The rate of the stay, by the value of its month; nobody's stay is never the exempt one."""
    if agreement is None:
        value = sum(half_up(line.quantity * line.unit_minor) for line in asked.lines)
        return long_stay_rate(value, _NO_STAY_DAYS, today)
    value = agreement.rent_minor + agreement.maintenance_minor + agreement.food_minor
    start, end = agreement.start_date, agreement.end_date
    return long_stay_rate(value, None if end is None else (end - start).days + 1, today)


def _lines(asked: AskedInvoice, rate: Decimal) -> list[Line]:
    default = _KIND_OF_TYPE.get(asked.invoice_type, LineKind.other)
    return [_line(position, line, default, rate) for position, line in enumerate(asked.lines)]


def _line(position: int, asked: AskedLine, default: LineKind, rate: Decimal) -> Line:
    kind = asked.kind or default
    # A deposit is no consideration until it is applied (s.2(31) proviso CGST).
    supply = kind is not LineKind.deposit
    amount = half_up(asked.quantity * asked.unit_minor)
    if amount > BIGINT_MAX // 1000:
        raise InvalidInput.of(f"lineItems.{position}", "TOO_LARGE", "is more than can be booked")
    tax = tax_line(amount, rate if supply else NIL)
    return Line(
        kind=kind,
        description=asked.description,
        quantity=asked.quantity,
        unit_minor=asked.unit_minor,
        amount_minor=amount,
        rate=tax.rate_percent,
        cgst_minor=tax.cgst_minor,
        sgst_minor=tax.sgst_minor,
        igst_minor=tax.igst_minor,
        sac=SAC_LONG_STAY if supply else "",
    )
