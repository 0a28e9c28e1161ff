"""What a document says, read from the rows: invoices as of now, credit notes and receipts alike.

Who prints and who mails a document reads it here, so both say the same.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import Month, local_day
from domain.credit_note import Charge, left_after, taken_back
from domain.identifiers import GST_STATES
from domain.invoice import InvoiceStatus, LineKind
from domain.money import Money
from domain.paper import (
    RECIPIENT_ADDRESS_FROM_MINOR,
    CreditNotePaper,
    InvoicePaper,
    Line,
    Party,
    ReceiptPaper,
    Settled,
    taxes,
)
from domain.tax import Document
from domain.upi import to_pay
from models import message_facts
from models.database import one
from models.invoice import CreditNote, Invoice, InvoiceLine
from models.issuing import lines_of
from models.payment import Allocation, Payment
from models.place import Property
from models.resident import Resident
from models.settling import our_tenant, timezone_of
from models.tenant import BillingSettings

_STATE_DIGITS = 2
DRAFT = "DRAFT"


async def invoice_paper(session: AsyncSession, row: Invoice) -> InvoicePaper:
    """A tax invoice (Rule 46) or bill of supply (Rule 49); a draft has no number and says so."""
    place = await _place(session, row)
    period = None if row.period is None else Month.of(row.period)
    draft = row.status == InvoiceStatus.draft
    paid, credited = await _settled(session, row.id)
    total = Money(row.total_minor, row.currency)
    balance = total if draft else Money(row.balance_minor, row.currency)
    addressed = row.total_minor >= RECIPIENT_ADDRESS_FROM_MINOR
    return InvoicePaper(
        number=row.invoice_number or DRAFT,
        issued_on=row.invoice_date,
        supplier=await _supplier(session, row.supplier_gstin, place),
        recipient=await _recipient(session, row, place if addressed else None),
        property_name=None if place is None else place.name,
        place_of_supply=_state(row.supplier_gstin),
        lines=await _lines(session, row),
        total=total,
        document=Document(row.document),
        due=row.due_date,
        first_day=None if period is None else period.first,
        last_day=None if period is None else period.last,
        late_number=await _number_of(session, row.parent_id),
        paid=Money(paid, row.currency),
        credited=Money(credited, row.currency),
        balance=balance,
        cancelled=row.status == InvoiceStatus.cancelled,
        note=row.notes,
        upi=None if draft else await _upi(session, row, balance),
    )


async def credit_note_paper(session: AsyncSession, note: CreditNote) -> CreditNotePaper:
    """A credit note (Rule 53), line by line as it took back."""
    invoice = await one(session, Invoice, note.invoice_id)
    place = await _place(session, invoice)
    return CreditNotePaper(
        number=note.credit_note_number,
        issued_on=note.issued_on,
        supplier=await _supplier(session, invoice.supplier_gstin, place),
        recipient=await _recipient(session, invoice, place),
        property_name=None if place is None else place.name,
        place_of_supply=_state(invoice.supplier_gstin),
        lines=await _taken_back(session, note),
        total=Money(note.total_minor, note.currency),
        invoice_number=invoice.invoice_number or "",
        invoice_date=invoice.invoice_date,
        reason=note.reason,
    )


async def receipt_paper(session: AsyncSession, payment: Payment) -> ReceiptPaper:
    """A receipt: what the money settles now, and what the payer still owes."""
    parts = await message_facts.settled_by(session, payment.id)
    what = await message_facts.described(session, [invoice.id for invoice, _ in parts])
    about = parts[0][0] if parts else None
    place = await message_facts.house_of(
        session, payment.resident_id, about.property_id if about else None
    )
    resident = await one(session, Resident, payment.resident_id)
    owed = await message_facts.owed_minor(session, resident.id, payment.currency)
    zone = await timezone_of(session, resident.id)
    back = payment.bounced_at
    return ReceiptPaper(
        number=payment.payment_number,
        paid_on=payment.paid_on,
        supplier=await _supplier(session, about.supplier_gstin if about else None, place),
        payer=_party(resident, f"{resident.first_name} {resident.last_name}".strip()),
        amount=Money(payment.amount_minor, payment.currency),
        method=payment.method,
        reference=payment.reference,
        settled=[_part(invoice, minor, what.get(invoice.id, "")) for invoice, minor in parts],
        remaining=Money(owed, payment.currency),
        advance=Money(payment.unallocated_minor, payment.currency),
        bounced_on=None if back is None else local_day(back, zone),
    )


async def language_of(session: AsyncSession, resident_id: UUID) -> str:
    """The language a resident's documents are written in."""
    return (await one(session, Resident, resident_id)).language


def _part(invoice: Invoice, minor: int, description: str) -> Settled:
    return Settled(
        number=invoice.invoice_number or "",
        description=description,
        amount=Money(minor, invoice.currency),
        remaining=Money(invoice.balance_minor, invoice.currency),
    )


def _state(gstin: str | None) -> str | None:
    """Lodging is supplied where the house is registered: the first digits of its GSTIN."""
    code = (gstin or "")[:_STATE_DIGITS]
    return code if code in GST_STATES else None


async def _place(session: AsyncSession, row: Invoice) -> Property | None:
    return None if row.property_id is None else await one(session, Property, row.property_id)


def _address(place: Property) -> list[str]:
    town = f"{place.city} {place.postal_code}".strip()
    lines = (place.address_line1, place.address_line2, town, place.state)
    return [line for line in lines if line]


async def _supplier(session: AsyncSession, gstin: str | None, place: Property | None) -> Party:
    tenant = await our_tenant(session)
    return Party(
        name=tenant.name,
        address=[] if place is None else _address(place),
        gstin=gstin,
        state=_state(gstin),
        email=tenant.billing_email,
    )


async def _recipient(session: AsyncSession, row: Invoice, place: Property | None) -> Party:
    """As named at issue; a resident's address is the house."""
    resident = await one(session, Resident, row.resident_id)
    address = [] if place is None else [place.name, *_address(place)]
    return _party(resident, row.recipient_name, address, _state(row.supplier_gstin))


def _party(
    resident: Resident, name: str, address: Sequence[str] = (), state: str | None = None
) -> Party:
    return Party(
        name=name, address=address, state=state, phone=resident.phone, email=resident.email
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
    return [_line(line, row.currency) for line in await _rows(session, row.id)]


async def _rows(session: AsyncSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    found = await session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position, InvoiceLine.id)
    )
    return found.all()


def _line(line: InvoiceLine, currency: str) -> Line:
    heads = (line.cgst_minor, line.sgst_minor, line.igst_minor)
    return Line(
        line.description,
        Money(line.amount_minor, currency),
        line.sac,
        taxes(currency, line.tax_rate, *heads),
        line.quantity,
        Money(line.unit_minor, currency),
    )


async def _taken_back(session: AsyncSession, note: CreditNote) -> list[Line]:
    """The part of each line in this note: what earlier notes left of it, by the rule that wrote it.

    The rule splits by weight to the last unit, so asked again it answers the same.
    """
    rows = await _rows(session, note.invoice_id)
    charges = [
        Charge(LineKind(i.kind), i.amount_minor, i.cgst_minor, i.sgst_minor, i.igst_minor)
        for i in rows
    ]
    earlier = await session.scalars(
        select(CreditNote.total_minor)
        .where(
            CreditNote.invoice_id == note.invoice_id,
            CreditNote.credit_note_number < note.credit_note_number,
        )
        .order_by(CreditNote.credit_note_number)
    )
    parts = taken_back(left_after(charges, earlier), note.total_minor)
    return [
        Line(
            row.description,
            Money(part.amount_minor, note.currency),
            row.sac,
            taxes(note.currency, row.tax_rate, part.cgst_minor, part.sgst_minor, part.igst_minor),
        )
        for row, part in zip(rows, parts, strict=True)
        if part.gross_minor
    ]


async def _settled(session: AsyncSession, invoice_id: UUID) -> tuple[int, int]:
    """What payments, and what credit notes, have on the invoice."""
    from_payment = Allocation.payment_id.is_not(None)
    minor = func.sum(Allocation.amount_minor)
    found = await session.execute(
        select(minor.filter(from_payment), minor.filter(~from_payment)).where(
            Allocation.invoice_id == invoice_id
        )
    )
    paid, credited = found.one()
    return int(paid or 0), int(credited or 0)


async def _upi(session: AsyncSession, row: Invoice, balance: Money) -> str | None:
    payee = await session.scalar(select(BillingSettings.upi_vpa))
    tenant = await our_tenant(session)
    return to_pay(payee, tenant.name, row.invoice_number or "", balance)


async def _number_of(session: AsyncSession, invoice_id: UUID | None) -> str | None:
    """The number of the invoice a late fee is for."""
    return None if invoice_id is None else (await one(session, Invoice, invoice_id)).invoice_number
