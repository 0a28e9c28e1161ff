"""How an invoice is answered: in a list, and alone with its lines and the money that paid it."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.body import Answer, MoneyField, money
from domain.billing_run import Line
from domain.calendar import Month, local_day
from domain.invoice import InvoiceStatus
from domain.invoice_collection import derived_status
from models.invoice import Invoice, InvoiceLine
from models.invoice_query import Settled, settled_of
from models.issuing import lines_of
from models.payment import Allocation


class InvoiceAnswer(Answer):
    """An invoice. `status` is the derived word; a draft's balance is what it would ask for.

    Paid, credited, written off and due make the total; what was recovered of what was written off
    stands apart. `replacesId` is the cancelled invoice it was issued anew for.
    """

    id: UUID
    invoice_number: str | None
    invoice_type: str
    document: str
    status: str
    resident_id: UUID
    agreement_id: UUID | None
    property_id: UUID | None
    parent_id: UUID | None
    replaces_id: UUID | None
    recipient_name: str
    period: str | None
    invoice_date: date
    due_date: date
    days_overdue: int
    subtotal: MoneyField
    discount_amount: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField
    amount_paid: MoneyField
    amount_credited: MoneyField
    amount_written_off: MoneyField
    amount_recovered: MoneyField
    balance_due: MoneyField
    gst_number: str | None
    place_of_supply: str | None
    notes: str | None
    issued_at: datetime | None
    sent_at: datetime | None
    viewed_at: datetime | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    closing_reason: str | None
    paused_until: date | None
    promised_for: date | None
    instalments_agreed_at: datetime | None
    disputed_at: datetime | None
    fee_waived_at: datetime | None
    created_at: datetime


_SAME = sorted(set(InvoiceAnswer.model_fields) & set(Invoice.__table__.c.keys()))


class LineAnswer(Answer):
    """One line of an invoice; `rate` is the price of one, `position` names it to a credit note."""

    position: int
    kind: str
    description: str
    sac: str | None
    quantity: Decimal
    rate: MoneyField
    amount: MoneyField
    tax_rate: Decimal
    cgst_amount: MoneyField
    sgst_amount: MoneyField
    igst_amount: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField


class AllocationAnswer(Answer):
    """Money of a payment, or of a credit note, on the invoice; below zero: taken back.

    `recovered` money came for what had been written off.
    """

    payment_id: UUID | None
    credit_note_id: UUID | None
    amount: MoneyField
    recovered: bool
    effective_at: datetime


class InvoiceNamed(Answer):
    """Another invoice, by its id and number."""

    id: UUID
    invoice_number: str | None


class InvoiceDetail(InvoiceAnswer):
    """An invoice with everything on it, and the one it was issued anew for, or is replaced by."""

    replaces: InvoiceNamed | None
    replaced_by: InvoiceNamed | None
    line_items: list[LineAnswer]
    allocations: list[AllocationAnswer]


async def detail(session: AsyncSession, row: Invoice, at: datetime) -> InvoiceDetail:
    """The invoice with its lines and allocations, as it stands at an instant."""
    await session.flush()
    settled = (await settled_of(session, [row.id])).get(row.id, Settled())
    allocations = await session.scalars(
        select(Allocation)
        .where(Allocation.invoice_id == row.id)
        .order_by(Allocation.recorded_at, Allocation.id)
    )
    return InvoiceDetail(
        **_fields(row, settled, at),
        replaces=await _named(session, Invoice.id == row.replaces_id),
        replaced_by=await _named(session, Invoice.replaces_id == row.id),
        line_items=await _lines(session, row),
        allocations=[
            AllocationAnswer(
                payment_id=part.payment_id,
                credit_note_id=part.credit_note_id,
                amount=money(part.amount_minor, part.currency),
                recovered=part.recovered,
                effective_at=part.effective_at,
            )
            for part in allocations
        ],
    )


async def _named(session: AsyncSession, which: ColumnElement[bool]) -> InvoiceNamed | None:
    row = await session.scalar(select(Invoice).where(which))
    return None if row is None else InvoiceNamed.model_validate(row)


async def shown(
    session: AsyncSession, rows: Sequence[Invoice], at: datetime
) -> dict[UUID, InvoiceAnswer]:
    """The answers for the invoices of a page, with one query for what was paid of them."""
    settled = await settled_of(session, [row.id for row in rows])
    return {
        row.id: InvoiceAnswer(**_fields(row, settled.get(row.id, Settled()), at)) for row in rows
    }


def _fields(row: Invoice, settled: Settled, at: datetime) -> dict[str, Any]:
    return {**_copied(row), **_amounts(row, settled), **_standing(row, at)}


def _copied(row: Invoice) -> dict[str, Any]:
    """Read past the attributes, whose bookkeeping is a fifth of a long list's time."""
    held = vars(row)
    return {name: held[name] if name in held else getattr(row, name) for name in _SAME}


def _amounts(row: Invoice, settled: Settled) -> dict[str, Any]:
    draft = row.status == InvoiceStatus.draft
    minor = {
        "subtotal": row.subtotal_minor,
        "discount_amount": row.discount_minor,
        "tax_amount": row.tax_minor,
        "total_amount": row.total_minor,
        "amount_paid": settled.paid_minor,
        "amount_credited": settled.credited_minor,
        "amount_written_off": row.written_off_minor,
        "amount_recovered": row.recovered_minor,
        "balance_due": row.total_minor if draft else row.balance_minor,
    }
    return {name: money(value, row.currency) for name, value in minor.items()}


def _standing(row: Invoice, at: datetime) -> dict[str, Any]:
    today = local_day(at, row.timezone)
    status = derived_status(
        row.status,
        sent=row.sent_at is not None,
        viewed=row.viewed_at is not None,
        total_minor=row.total_minor,
        balance_minor=row.balance_minor,
        due=row.due_date,
        today=today,
    )
    late = (today - row.due_date).days if status == "overdue" else 0
    return {
        "status": status,
        "days_overdue": late,
        "period": None if row.period is None else str(Month.of(row.period)),
        "gst_number": row.supplier_gstin,
        "created_at": row.recorded_at,
    }


async def _lines(session: AsyncSession, row: Invoice) -> list[LineAnswer]:
    if row.status == InvoiceStatus.draft:
        return [
            answered(line, line.rate, row.currency, position)
            for position, line in enumerate(lines_of(row), 1)
        ]
    rows = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == row.id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    return [answered(line, line.tax_rate, row.currency, line.position) for line in rows]


def answered(line: InvoiceLine | Line, rate: Decimal, currency: str, position: int) -> LineAnswer:
    """A line of an invoice, a draft or a preview."""
    tax = line.cgst_minor + line.sgst_minor + line.igst_minor
    return LineAnswer(
        position=position,
        kind=line.kind,
        description=line.description,
        sac=line.sac or None,
        quantity=Decimal(line.quantity),
        rate=money(line.unit_minor, currency),
        amount=money(line.amount_minor, currency),
        tax_rate=rate,
        cgst_amount=money(line.cgst_minor, currency),
        sgst_amount=money(line.sgst_minor, currency),
        igst_amount=money(line.igst_minor, currency),
        tax_amount=money(tax, currency),
        total_amount=money(line.amount_minor + tax, currency),
    )
