"""What an issued invoice is: number, frozen terms, lines, postings and event, written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.billing_run import Line
from domain.calendar import local_day
from domain.errors import InvalidInput
from domain.invoice import InvoiceStatus, InvoiceType, LineKind
from domain.ledger import for_invoice
from domain.numbering import series_of
from domain.tax import document_for
from models import event
from models.collection import CollectionTerms
from models.database import one, tenant_of
from models.invoice import Invoice, InvoiceLine
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.place import Property
from models.resident import Agreement, Resident
from models.settling import next_number, our_tenant
from models.tenant import BillingSettings


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What is asked for, of whom, until when; `terms` are frozen on the invoice at issue.

    `parent_id` is the invoice a penalty is the late fee of, `replaces_id` the one it is issued
    anew for.
    """

    resident_id: UUID
    agreement_id: UUID | None
    property_id: UUID | None
    parent_id: UUID | None
    invoice_type: InvoiceType
    lines: Sequence[Line]
    due: date
    terms: CollectionTerms
    period: date | None = None
    sequence: int = 0
    notes: str | None = None
    replaces_id: UUID | None = None


async def drawn_up(session: AsyncSession, new: NewInvoice, at: datetime) -> Invoice:
    """The invoice as a draft that owes nothing: every name and term copied, nothing added."""
    subtotal = sum(line.amount_minor for line in new.lines)
    tax = sum(_tax_of(line) for line in new.lines)
    if subtotal + tax <= 0:
        raise InvalidInput.of(
            "lineItems", "NOTHING_ASKED", "the lines must ask for more than nothing"
        )
    tenant = await our_tenant(session)
    resident = await one(session, Resident, new.resident_id)
    place = None if new.property_id is None else await one(session, Property, new.property_id)
    settings = (await session.scalars(select(BillingSettings))).one()
    zone = tenant.timezone if place is None else place.timezone
    gstin = settings.gst_number if settings.gst_enabled else None
    if place is not None:
        gstin = place.gst_number or gstin
    return Invoice(
        id=uuid7(),
        resident_id=resident.id,
        agreement_id=new.agreement_id,
        property_id=new.property_id,
        parent_id=new.parent_id,
        replaces_id=new.replaces_id,
        invoice_type=new.invoice_type,
        document=document_for(taxed=any(line.rate for line in new.lines)),
        status=InvoiceStatus.draft,
        period=new.period,
        sequence=new.sequence,
        invoice_date=local_day(at, zone),
        due_date=new.due,
        currency=await _currency(session, new.agreement_id, tenant.currency),
        subtotal_minor=subtotal,
        tax_minor=tax,
        total_minor=subtotal + tax,
        balance_minor=0,
        terms=new.terms.written(),
        timezone=zone,
        recipient_name=f"{resident.first_name} {resident.last_name}".strip(),
        supplier_gstin=gstin,
        place_of_supply=None if place is None else place.state,
        notes=new.notes,
        draft_lines=[_kept(line) for line in new.lines],
    )


async def _currency(session: AsyncSession, agreement_id: UUID | None, tenants: str) -> str:
    return (
        tenants if agreement_id is None else (await one(session, Agreement, agreement_id)).currency
    )


async def written(
    session: AsyncSession, invoice: Invoice, lines: Sequence[Line], at: datetime
) -> None:
    """Number a drawn-up invoice and write what belongs to it; its resident is locked.

    The caller lets advances pay it and plans its collection.
    """
    settings = (await session.scalars(select(BillingSettings))).one()
    invoice.status = InvoiceStatus.issued
    invoice.issued_at = at
    invoice.balance_minor = invoice.total_minor
    invoice.draft_lines = None
    series = series_of(invoice.document, settings.invoice_prefix)
    with session.no_autoflush:
        invoice.invoice_number = await next_number(session, series, invoice.invoice_date)
    session.add(invoice)
    await session.flush()
    rows = [_row(session, invoice.id, line, position) for position, line in enumerate(lines, 1)]
    await session.execute(insert(InvoiceLine).values(rows))
    await _posted(session, invoice, lines, at)
    await event.record(
        session,
        "invoice.issued",
        SubjectKind.INVOICE,
        invoice.id,
        at,
        number=invoice.invoice_number,
        total_minor=invoice.total_minor,
        balance_minor=invoice.balance_minor,
        currency=invoice.currency,
    )


async def _posted(
    session: AsyncSession, invoice: Invoice, lines: Sequence[Line], at: datetime
) -> None:
    entry = NewEntry(
        kind="invoice.issued",
        subject_id=invoice.id,
        resident_id=invoice.resident_id,
        day=invoice.invoice_date,
        at=at,
        description=f"{invoice.invoice_type.capitalize()} invoice {invoice.invoice_number}",
        currency=invoice.currency,
        receivables=[(invoice.id, invoice.total_minor)],
    )
    postings = for_invoice(
        [(line.kind, line.amount_minor) for line in lines],
        sum(line.cgst_minor for line in lines),
        sum(line.sgst_minor for line in lines),
        sum(line.igst_minor for line in lines),
    )
    await post(session, entry, postings)


def _tax_of(line: Line) -> int:
    return line.cgst_minor + line.sgst_minor + line.igst_minor


def _row(session: AsyncSession, invoice_id: UUID, line: Line, position: int) -> dict[str, Any]:
    return {
        "tenant_id": tenant_of(session),
        "invoice_id": invoice_id,
        "position": position,
        "kind": line.kind,
        "description": line.description,
        "sac": line.sac or None,
        "quantity": line.quantity,
        "unit_minor": line.unit_minor,
        "amount_minor": line.amount_minor,
        "tax_rate": line.rate,
        "cgst_minor": line.cgst_minor,
        "sgst_minor": line.sgst_minor,
        "igst_minor": line.igst_minor,
    }


def _kept(line: Line) -> dict[str, Any]:
    """A line as a draft keeps it; decimals as text, so nothing is rounded."""
    return {
        "kind": line.kind.value,
        "description": line.description,
        "quantity": str(line.quantity),
        "unit_minor": line.unit_minor,
        "amount_minor": line.amount_minor,
        "rate": str(line.rate),
        "cgst_minor": line.cgst_minor,
        "sgst_minor": line.sgst_minor,
        "igst_minor": line.igst_minor,
        "sac": line.sac,
    }


def lines_of(draft: Invoice) -> list[Line]:
    """The lines a draft keeps; empty for an issued invoice, whose lines are rows."""
    return [
        Line(
            kind=LineKind(kept["kind"]),
            description=kept["description"],
            quantity=Decimal(kept["quantity"]),
            unit_minor=kept["unit_minor"],
            amount_minor=kept["amount_minor"],
            rate=Decimal(kept["rate"]),
            cgst_minor=kept["cgst_minor"],
            sgst_minor=kept["sgst_minor"],
            igst_minor=kept["igst_minor"],
            sac=kept["sac"],
        )
        for kept in draft.draft_lines or []
    ]
