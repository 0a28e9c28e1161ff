"""An invoice as printed: what CGST Rules 46 and 49 ask of the paper, read from the rows."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import Month
from domain.identifiers import GST_STATES
from domain.invoice import InvoiceStatus
from domain.money import Money
from domain.tax import Document
from models.database import one
from models.invoice import Invoice, InvoiceLine
from models.issuing import lines_of
from models.place import Property
from models.resident import Resident
from models.settling import our_tenant
from templates import document
from templates.facts import InvoicePaper, Line, Party, taxes

_STATE_DIGITS = 2


async def printed(session: AsyncSession, row: Invoice) -> str:
    """The invoice as a page of HTML, in its resident's language."""
    resident = await one(session, Resident, row.resident_id)
    return document(await paper_of(session, row, resident), resident.language)


async def paper_of(session: AsyncSession, row: Invoice, resident: Resident) -> InvoicePaper:
    """What the printed invoice says; a draft has no number and says so."""
    place = None if row.property_id is None else await one(session, Property, row.property_id)
    period = None if row.period is None else Month.of(row.period)
    draft = row.status == InvoiceStatus.draft
    return InvoicePaper(
        number=row.invoice_number or "DRAFT",
        issued_on=row.invoice_date,
        supplier=await _supplier(session, row, place),
        recipient=Party(
            name=row.recipient_name, state=_state(row), phone=resident.phone, email=resident.email
        ),
        property_name=None if place is None else place.name,
        place_of_supply=_state(row),
        lines=await _lines(session, row),
        total=Money(row.total_minor, row.currency),
        document=Document(row.document),
        due=row.due_date,
        first_day=None if period is None else period.first,
        last_day=None if period is None else period.last,
        late_number=await _number_of(session, row.parent_id),
        balance=Money(row.total_minor if draft else row.balance_minor, row.currency),
        cancelled=row.status == InvoiceStatus.cancelled,
        note=row.notes,
    )


def _state(row: Invoice) -> str | None:
    """Lodging is supplied where the house is registered: the first digits of its GSTIN."""
    code = (row.supplier_gstin or "")[:_STATE_DIGITS]
    return code if code in GST_STATES else None


async def _supplier(session: AsyncSession, row: Invoice, place: Property | None) -> Party:
    tenant = await our_tenant(session)
    address: list[str] = []
    if place is not None:
        lines = (place.address_line1, place.address_line2, f"{place.city} {place.postal_code}")
        address = [line for line in (*lines, place.state) if line]
    return Party(
        name=tenant.name,
        address=address,
        gstin=row.supplier_gstin,
        state=_state(row),
        email=tenant.billing_email,
    )


async def _lines(session: AsyncSession, row: Invoice) -> list[Line]:
    if row.status == InvoiceStatus.draft:
        return [
            Line(
                line.description,
                Money(line.amount_minor, row.currency),
                line.sac or None,
                taxes(row.currency, line.rate, line.cgst_minor, line.sgst_minor, line.igst_minor),
            )
            for line in lines_of(row)
        ]
    rows = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == row.id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    return [_line(line, row.currency) for line in rows]


def _line(line: InvoiceLine, currency: str) -> Line:
    heads = (line.cgst_minor, line.sgst_minor, line.igst_minor)
    return Line(
        line.description,
        Money(line.amount_minor, currency),
        line.sac,
        taxes(currency, line.tax_rate, *heads),
    )


async def _number_of(session: AsyncSession, invoice_id: UUID | None) -> str | None:
    """The number of the invoice a late fee is for."""
    return None if invoice_id is None else (await one(session, Invoice, invoice_id)).invoice_number
