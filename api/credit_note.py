"""Credit notes: what was charged is taken back, in part or whole, by a document of its own."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Select, select

from api.body import Answer, Body, MoneyField, minor_of, money
from api.page import Page, PageRequest, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.errors import InvalidInput
from models.credit import credit
from models.credit_note_query import NoteLine, invoices_of, lines_of
from models.database import one
from models.invoice import CreditNote, Invoice

router = APIRouter(tags=["credit notes"], route_class=TenantRoute)
READ, WRITE = allows(Permission.BILLING_READ), allows(Permission.BILLING_WRITE)
SORTS = {"issuedOn": CreditNote.issued_on}
Words = Annotated[str, Field(min_length=1, max_length=500)]


class CreditedLine(Body):
    """A line of the invoice by its `position`, and what goes off its price before tax."""

    position: Annotated[int, Field(ge=1, le=1000)]
    amount: MoneyField


class NewCreditNote(Body):
    """What to take back: `amount` with its tax, or parts of single lines, or all that is left.

    The tax goes back with it, at the rates it was charged with.
    """

    reason: Words
    amount: MoneyField | None = None
    lines: Annotated[list[CreditedLine], Field(alias="lineItems", max_length=100)] = Field(
        default_factory=list[CreditedLine]
    )


class CreditNoteAnswer(Answer):
    """A credit note, with the number and the day of the invoice it corrects.

    `toBalance` went off what is due; `toAdvance` had been paid already and is the payer's advance.
    """

    id: UUID
    credit_note_number: str
    invoice_id: UUID
    invoice_number: str | None
    invoice_date: date
    resident_id: UUID
    recipient_name: str
    reason: str
    issued_on: date
    subtotal: MoneyField
    cgst_amount: MoneyField
    sgst_amount: MoneyField
    igst_amount: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField
    to_balance: MoneyField
    to_advance: MoneyField
    gst_number: str | None
    place_of_supply: str | None
    created_at: datetime


class CreditNoteLineAnswer(Answer):
    """What is taken back of one line of the invoice."""

    position: int
    kind: str
    description: str
    sac: str | None
    amount: MoneyField
    tax_rate: Decimal
    cgst_amount: MoneyField
    sgst_amount: MoneyField
    igst_amount: MoneyField
    total_amount: MoneyField


class CreditNoteDetail(CreditNoteAnswer):
    """A credit note with its lines."""

    line_items: list[CreditNoteLineAnswer]


@router.post("/invoices/{invoice_id}/credit-note", status_code=201, **WRITE)
async def make_credit_note(invoice_id: UUID, body: NewCreditNote, here: Here) -> CreditNoteDetail:
    """Take back a part of an invoice, or all that is left, by a note in a series of its own.

    What had been paid already becomes the payer's advance and pays what else is open. Credited
    whole, the invoice is cancelled and keeps its number. 422 beyond what is left, 409 unless the
    invoice is issued or paid.
    """
    row = await one(here.session, Invoice, invoice_id)
    if body.amount is not None and body.lines:
        raise InvalidInput.of("amount", "ONE_OF_TWO", "is given by the lines; send one of the two")
    total = None
    if body.amount is not None:
        total = minor_of("amount", body.amount, row.currency, at_least=1)
    note = await credit(
        here.session,
        invoice_id,
        total,
        body.reason,
        here.parts.clock.now(),
        lines=_asked(body.lines, row.currency) if body.lines else None,
    )
    return await _detail(here, note)


@router.get("/invoices/{invoice_id}/credit-notes", **READ)
async def list_credit_notes_of_invoice(
    invoice_id: UUID, here: Here, paging: Paging
) -> Page[CreditNoteAnswer]:
    """The notes of one invoice."""
    await one(here.session, Invoice, invoice_id)
    query = select(CreditNote).where(CreditNote.invoice_id == invoice_id)
    return await _page(here, query, paging)


@router.get("/credit-notes", **READ)
async def list_credit_notes(
    here: Here,
    paging: Paging,
    *,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Page[CreditNoteAnswer]:
    """The tenant's credit notes; `from` and `to` are days on which they were issued."""
    query = select(CreditNote)
    for column, value in (
        (Invoice.resident_id, resident_id),
        (Invoice.property_id, property_id),
    ):
        if value is not None:
            query = query.where(
                CreditNote.invoice_id.in_(select(Invoice.id).where(column == value))
            )
    if since is not None:
        query = query.where(CreditNote.issued_on >= since)
    if until is not None:
        query = query.where(CreditNote.issued_on <= until)
    return await _page(here, query, paging)


@router.get("/credit-notes/{credit_note_id}", **READ)
async def read_credit_note(credit_note_id: UUID, here: Here) -> CreditNoteDetail:
    """One note with its lines and the invoice it refers to."""
    return await _detail(here, await one(here.session, CreditNote, credit_note_id))


def _asked(lines: Sequence[CreditedLine], currency: str) -> dict[int, int]:
    """By position, what goes off each line; a line named twice is refused."""
    asked: dict[int, int] = {}
    for number, line in enumerate(lines):
        field = f"lineItems.{number}"
        if line.position in asked:
            message = f"line {line.position} is named twice"
            raise InvalidInput.of(f"{field}.position", "NAMED_TWICE", message)
        asked[line.position] = minor_of(f"{field}.amount", line.amount, currency, at_least=1)
    return asked


async def _page(
    here: Here, query: Select[CreditNote], paging: PageRequest
) -> Page[CreditNoteAnswer]:
    rows, cursor = await paged(here.session, query, CreditNote, paging, SORTS)
    invoices = await invoices_of(here.session, rows)
    return page_of(
        rows, cursor, lambda row: CreditNoteAnswer(**_fields(row, invoices[row.invoice_id]))
    )


async def _detail(here: Here, row: CreditNote) -> CreditNoteDetail:
    invoice = await one(here.session, Invoice, row.invoice_id)
    lines = await lines_of(here.session, row)
    return CreditNoteDetail(
        **_fields(row, invoice), line_items=[_line(line, row.currency) for line in lines]
    )


def _fields(row: CreditNote, invoice: Invoice) -> dict[str, Any]:
    minor = {
        "subtotal": row.subtotal_minor,
        "cgst_amount": row.cgst_minor,
        "sgst_amount": row.sgst_minor,
        "igst_amount": row.igst_minor,
        "tax_amount": row.cgst_minor + row.sgst_minor + row.igst_minor,
        "total_amount": row.total_minor,
        "to_balance": row.total_minor - row.to_advance_minor,
        "to_advance": row.to_advance_minor,
    }
    return {
        **{name: money(value, row.currency) for name, value in minor.items()},
        "id": row.id,
        "credit_note_number": row.credit_note_number,
        "invoice_id": invoice.id,
        "invoice_number": invoice.invoice_number,
        "invoice_date": invoice.invoice_date,
        "resident_id": invoice.resident_id,
        "recipient_name": invoice.recipient_name,
        "reason": row.reason,
        "issued_on": row.issued_on,
        "gst_number": invoice.supplier_gstin,
        "place_of_supply": invoice.place_of_supply,
        "created_at": row.recorded_at,
    }


def _line(of: NoteLine, currency: str) -> CreditNoteLineAnswer:
    part = of.part
    return CreditNoteLineAnswer(
        position=of.line.position,
        kind=of.line.kind,
        description=of.line.description,
        sac=of.line.sac,
        amount=money(part.amount_minor, currency),
        tax_rate=of.line.tax_rate,
        cgst_amount=money(part.cgst_minor, currency),
        sgst_amount=money(part.sgst_minor, currency),
        igst_amount=money(part.igst_minor, currency),
        total_amount=money(part.gross_minor, currency),
    )
