"""Invoices one by one: made, kept as drafts, issued, sent, paid, cancelled; and their history.

Every write is a fact committed here: it works while Temporal is down, and its life reads it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Select, select

from api.body import Answer, Body, MoneyField, PlanAnswer, Prose, Text, minor_of
from api.invoice_answer import InvoiceAnswer, InvoiceDetail, detail, shown
from api.page import Page, PageRequest, Paging, page_of, paged
from api.paper import Printed
from api.paper import shown as shown_paper
from api.permission import Permission, allows
from api.plan import plan_of_invoice
from api.request import Here, TenantRoute
from domain.calendar import Month
from domain.errors import IllegalTransition
from domain.invoice import InvoiceStatus, InvoiceType, LineKind
from models import credit, issuing, money_in
from models.database import one
from models.invoice import Invoice
from models.invoice_query import ShownStatus, is_shown_as
from models.issuing import NewInvoice
from models.message import Purpose
from models.messages import tell
from models.one_off import (
    AskedInvoice,
    AskedLine,
    asked_by,
    currency_of,
    drawn_up,
    issue_kept,
)
from models.paper import invoice_paper, language_of
from models.payment import PaymentMethod
from models.timeline import timeline

router = APIRouter(prefix="/invoices", tags=["invoices"], route_class=TenantRoute)
READ, WRITE = allows(Permission.BILLING_READ), allows(Permission.BILLING_WRITE)
SORTS = {"dueDate": Invoice.due_date, "invoiceDate": Invoice.invoice_date}
Words = Annotated[str, Field(min_length=1, max_length=500)]


class LineBody(Body):
    """One line; `rate` is the price of one, `kind` what the invoice's type says unless given."""

    description: Text
    quantity: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=3)] = Decimal(1)
    rate: MoneyField
    kind: LineKind | None = None


class InvoiceBody(Body):
    """What an invoice asks for. A due date that has passed brings an old debt over.

    Without `agreementId` it belongs to the resident's current agreement; without `dueDate` it is
    due after the default due days. Tax is added by the rule of the agreement's stay.
    """

    resident_id: UUID
    agreement_id: UUID | None = None
    invoice_type: InvoiceType = InvoiceType.rent
    due_date: date | None = None
    notes: Prose | None = None
    lines: Annotated[list[LineBody], Field(alias="lineItems", min_length=1, max_length=100)]


class FirstStatus(StrEnum):
    """What a new invoice is: issued with a number at once, or a draft that may be changed."""

    draft = "draft"
    issued = "issued"


class NewInvoiceBody(InvoiceBody):
    """A single invoice to be made."""

    status: FirstStatus = FirstStatus.issued


class DraftChange(Body):
    """What changes of a draft; what is not sent stays. `status: issued` issues it as well."""

    agreement_id: UUID | None = None
    invoice_type: InvoiceType = InvoiceType.rent
    due_date: date | None = None
    notes: Prose | None = None
    lines: Annotated[list[LineBody], Field(alias="lineItems", min_length=1, max_length=100)] = (
        Field(default_factory=list[LineBody])
    )
    status: FirstStatus = FirstStatus.draft


class PaidBody(Body):
    """How the whole balance was paid; `paidOn` is today at the property unless given."""

    method: PaymentMethod = PaymentMethod.CASH
    paid_on: date | None = None
    reference: Text | None = None


class CancelBody(Body):
    """Why; it is printed on the credit note."""

    reason: Words = "Issued in error"


class HappeningAnswer(Answer):
    """One thing that happened to the invoice."""

    at: datetime
    kind: str
    what: str
    who: str
    detail: str | None


@router.post("", status_code=201, **WRITE)
async def make_invoice(body: NewInvoiceBody, here: Here) -> InvoiceDetail:
    """Issue a single invoice, or keep it as a draft. Advances pay it at once, oldest first."""
    at = here.parts.clock.now()
    new = await _asked(here, body, at)
    if body.status is FirstStatus.draft:
        return await detail(here.session, await issuing.save_draft(here.session, new, at), at)
    return await detail(here.session, await issuing.issue(here.session, new, at), at)


@router.get("", **READ)
async def list_invoices(
    here: Here,
    paging: Paging,
    *,
    period: Annotated[str | None, Query(description="as 2026-10")] = None,
    status: ShownStatus | None = None,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    agreement_id: Annotated[UUID | None, Query(alias="agreementId")] = None,
) -> Page[InvoiceAnswer]:
    """The tenant's invoices; `status=issued` finds every open one, however it is shown."""
    query = select(Invoice)
    if period is not None:
        query = query.where(Invoice.period == Month.parse(period).first)
    if status is not None:
        query = query.where(is_shown_as(status, here.parts.clock.now()))
    for column, value in (
        (Invoice.resident_id, resident_id),
        (Invoice.property_id, property_id),
        (Invoice.agreement_id, agreement_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return await _page(here, query, paging)


@router.get("/overdue", **READ)
async def list_overdue(
    here: Here,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[InvoiceAnswer]:
    """What is open past its due day at its property, the oldest first."""
    query = select(Invoice).where(is_shown_as(ShownStatus.overdue, here.parts.clock.now()))
    if property_id is not None:
        query = query.where(Invoice.property_id == property_id)
    return await _page(here, query, PageRequest(limit, cursor, "dueDate"))


@router.get("/{invoice_id}", response_model=InvoiceDetail, **READ)
async def read_invoice(
    invoice_id: UUID, here: Here, accept: Annotated[str, Header()] = ""
) -> InvoiceDetail | HTMLResponse:
    """One invoice with its lines and the money on it; `Accept: text/html` is the printed one."""
    row = await one(here.session, Invoice, invoice_id)
    if accept.partition(",")[0].strip().startswith("text/html"):
        return await _html(here, row)
    return await detail(here.session, row, here.parts.clock.now())


@router.get("/{invoice_id}/html", response_class=HTMLResponse, **READ)
async def read_printed_invoice(invoice_id: UUID, here: Here) -> HTMLResponse:
    """The invoice as a page that prints on A4."""
    return await _html(here, await one(here.session, Invoice, invoice_id))


@router.get("/{invoice_id}/pdf", response_class=Printed, **READ)
async def read_invoice_pdf(invoice_id: UUID, here: Here) -> Printed:
    """The same page as PDF/A-3, named by its number; 503 with `Retry-After` without Pango."""
    row = await one(here.session, Invoice, invoice_id)
    language = await language_of(here.session, row.resident_id)
    return Printed(here.parts.press, await invoice_paper(here.session, row), language)


@router.put("/{invoice_id}", **WRITE)
async def change_invoice(invoice_id: UUID, body: DraftChange, here: Here) -> InvoiceDetail:
    """Change what is sent of a draft; once issued, an invoice is corrected by a credit note."""
    at = here.parts.clock.now()
    draft = await issuing.locked_draft(here.session, invoice_id)
    asked = await _changed(here, asked_by(draft), body)
    row = await issuing.change_draft(
        here.session, invoice_id, await drawn_up(here.session, asked, at), at
    )
    if body.status is FirstStatus.issued:
        row = await issuing.issue_draft(here.session, row, at)
    return await detail(here.session, row, at)


@router.delete("/{invoice_id}", status_code=204, **WRITE)
async def delete_invoice(invoice_id: UUID, here: Here) -> None:
    """Remove a draft; what is issued keeps its number and is cancelled instead."""
    await here.session.delete(await issuing.locked_draft(here.session, invoice_id))


@router.post("/{invoice_id}/send", status_code=202, **WRITE)
async def send_invoice(invoice_id: UUID, here: Here) -> InvoiceDetail:
    """Send it by mail, once a day however often it is asked; a draft is issued first."""
    at = here.parts.clock.now()
    row = await one(here.session, Invoice, invoice_id)
    if row.status == InvoiceStatus.draft:
        row = await issue_kept(here.session, invoice_id, at)
    if row.status not in (InvoiceStatus.issued, InvoiceStatus.paid):
        raise IllegalTransition(f"an invoice that is {row.status} is not sent")
    await tell(
        here.session,
        resident_id=row.resident_id,
        purpose=Purpose.INVOICE,
        at=at,
        timezone=row.timezone,
        about_id=row.id,
    )
    row.sent_at = row.sent_at or at
    return await detail(here.session, row, at)


@router.post("/{invoice_id}/mark-paid", **allows(Permission.PAYMENTS_WRITE))
async def mark_paid(invoice_id: UUID, here: Here, body: PaidBody | None = None) -> InvoiceDetail:
    """Book exactly what is open, with a receipt; 409 when nothing is."""
    at, paid = here.parts.clock.now(), body or PaidBody()
    await money_in.pay_in_full(
        here.session, invoice_id, paid.method, at, paid_on=paid.paid_on, reference=paid.reference
    )
    return await detail(here.session, await one(here.session, Invoice, invoice_id), at)


@router.post("/{invoice_id}/cancel", **WRITE)
async def cancel_invoice(
    invoice_id: UUID, here: Here, body: CancelBody | None = None
) -> InvoiceDetail:
    """Reverse an invoice nobody has paid anything of, by a credit note for the whole."""
    at = here.parts.clock.now()
    row = await credit.cancel(here.session, invoice_id, (body or CancelBody()).reason, at)
    return await detail(here.session, row, at)


@router.get("/{invoice_id}/plan", **READ)
async def read_plan(invoice_id: UUID, here: Here) -> PlanAnswer:
    """What happens to it next, when, why, and who may change that."""
    row = await one(here.session, Invoice, invoice_id)
    return await plan_of_invoice(here.session, row, here.parts.clock.now())


@router.get("/{invoice_id}/timeline", **READ)
async def read_timeline(invoice_id: UUID, here: Here) -> Page[HappeningAnswer]:
    """What happened to it, newest first, the last two hundred things."""
    row = await one(here.session, Invoice, invoice_id)
    told = await timeline(here.session, row)
    return Page(items=[HappeningAnswer.model_validate(happening) for happening in told])


async def _asked(here: Here, body: InvoiceBody, at: datetime) -> NewInvoice:
    currency = await currency_of(here.session, body.resident_id, body.agreement_id)
    asked = AskedInvoice(
        resident_id=body.resident_id,
        invoice_type=body.invoice_type,
        lines=_lines(body.lines, currency),
        agreement_id=body.agreement_id,
        due=body.due_date,
        notes=body.notes,
    )
    return await drawn_up(here.session, asked, at)


async def _changed(here: Here, asked: AskedInvoice, body: DraftChange) -> AskedInvoice:
    given = body.given()
    given.pop("status", None)
    if "due_date" in given:
        given["due"] = given.pop("due_date")
    if "lines" in given:
        agreement_id = given.get("agreement_id", asked.agreement_id)
        currency = await currency_of(here.session, asked.resident_id, agreement_id)
        given["lines"] = _lines(body.lines, currency)
    return replace(asked, **given)


def _lines(lines: Sequence[LineBody], currency: str) -> list[AskedLine]:
    return [
        AskedLine(
            line.description,
            line.quantity,
            minor_of(f"lineItems.{position}.rate", line.rate, currency),
            line.kind,
        )
        for position, line in enumerate(lines)
    ]


async def _page(here: Here, query: Select[Invoice], paging: PageRequest) -> Page[InvoiceAnswer]:
    rows, cursor = await paged(here.session, query, Invoice, paging, SORTS)
    answers = await shown(here.session, rows, here.parts.clock.now())
    return page_of(rows, cursor, lambda row: answers[row.id])


async def _html(here: Here, row: Invoice) -> HTMLResponse:
    language = await language_of(here.session, row.resident_id)
    return shown_paper(await invoice_paper(here.session, row), language)
