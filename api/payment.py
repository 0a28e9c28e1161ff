"""Money that comes in over the counter: booked once, listed, taken back when a cheque bounces."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import AliasChoices, Field
from sqlalchemy import exists, select

from api.body import Answer, Body, MoneyField, Prose, Text, minor_of, money
from api.page import Page, Paging, page_of, paged
from api.paper import Printed
from api.paper import shown as shown_paper
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.calendar import local_day
from models import money_in
from models.bounce import bounce
from models.database import one
from models.money_intake import NewPayment
from models.paper import language_of, receipt_paper
from models.payment import Allocation, Payment, PaymentMethod, PaymentStatus
from models.payment_query import Part, parts_of
from models.settling import timezone_of

router = APIRouter(prefix="/payments", tags=["payments"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PAYMENTS_READ), allows(Permission.PAYMENTS_WRITE)
SORTS = {"paidOn": Payment.paid_on, "paidAt": Payment.paid_at}
Words = Annotated[str, Field(min_length=1, max_length=500)]


class NewPaymentBody(Body):
    """Money as whoever took it tells it; `paidOn` is today at the property unless given.

    The named invoice is paid first, then the oldest due; what is left is an advance.
    """

    resident_id: UUID
    amount: MoneyField
    method: Annotated[
        PaymentMethod, Field(validation_alias=AliasChoices("method", "paymentMethod"))
    ]
    paid_on: date | None = None
    reference: Annotated[
        Text | None, Field(validation_alias=AliasChoices("reference", "utrNumber"))
    ] = None
    notes: Prose | None = None
    invoice_id: UUID | None = None


class BounceBody(Body):
    """What the bank said."""

    reason: Words = "The cheque was not honoured"


class PartAnswer(Answer):
    """What of the payment went to one invoice."""

    invoice_id: UUID
    invoice_number: str | None
    amount: MoneyField


class PaymentAnswer(Answer):
    """Money that came in. `invoiceId` is the invoice it paid when that is exactly one.

    `unallocatedAmount` is the advance that waits for the next invoice.
    """

    id: UUID
    payment_number: str
    resident_id: UUID
    invoice_id: UUID | None
    amount: MoneyField
    unallocated_amount: MoneyField
    method: str
    mode: str
    status: str
    paid_on: date
    paid_at: datetime
    reference: str | None
    notes: str | None
    bounced_at: datetime | None
    bounce_reason: str | None
    allocations: list[PartAnswer]
    created_at: datetime


@router.post("", status_code=201, **WRITE)
async def make_payment(body: NewPaymentBody, here: Here) -> PaymentAnswer:
    """Book money that is there. A reference that was booked before for the same amount is a 409."""
    at = here.parts.clock.now()
    zone = await timezone_of(here.session, body.resident_id)
    currency = here.tenant.currency
    new = NewPayment(
        resident_id=body.resident_id,
        amount_minor=minor_of("amount", body.amount, currency, at_least=1),
        currency=currency,
        method=body.method,
        paid_on=body.paid_on or local_day(at, zone),
        reference=body.reference,
        notes=body.notes,
        invoice_id=body.invoice_id,
    )
    return await _one(here, await money_in.receive(here.session, new, at))


@router.get("", **READ)
async def list_payments(
    here: Here,
    paging: Paging,
    *,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    invoice_id: Annotated[UUID | None, Query(alias="invoiceId")] = None,
    status: PaymentStatus | None = None,
    method: PaymentMethod | None = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Page[PaymentAnswer]:
    """The tenant's payments; `from` and `to` are days on which they were paid."""
    query = select(Payment)
    for column, value in (
        (Payment.resident_id, resident_id),
        (Payment.status, status),
        (Payment.method, method),
    ):
        if value is not None:
            query = query.where(column == value)
    if invoice_id is not None:
        on_it = exists().where(Allocation.payment_id == Payment.id)
        query = query.where(on_it.where(Allocation.invoice_id == invoice_id))
    if since is not None:
        query = query.where(Payment.paid_on >= since)
    if until is not None:
        query = query.where(Payment.paid_on <= until)
    rows, cursor = await paged(here.session, query, Payment, paging, SORTS)
    parts = await parts_of(here.session, [row.id for row in rows])
    return page_of(rows, cursor, lambda row: _shown(row, parts.get(row.id, [])))


@router.get("/{payment_id}", **READ)
async def read_payment(payment_id: UUID, here: Here) -> PaymentAnswer:
    """One payment and what it paid."""
    return await _one(here, await one(here.session, Payment, payment_id))


@router.get("/{payment_id}/html", response_class=HTMLResponse, **READ)
async def read_receipt_page(payment_id: UUID, here: Here) -> HTMLResponse:
    """The receipt as a page that prints on A4."""
    row = await one(here.session, Payment, payment_id)
    language = await language_of(here.session, row.resident_id)
    return shown_paper(await receipt_paper(here.session, row), language)


@router.get("/{payment_id}/pdf", response_class=Printed, **READ)
async def read_receipt_pdf(payment_id: UUID, here: Here) -> Printed:
    """The receipt as PDF/A-3, named by its number; 503 with `Retry-After` without Pango."""
    row = await one(here.session, Payment, payment_id)
    language = await language_of(here.session, row.resident_id)
    return Printed(here.parts.press, await receipt_paper(here.session, row), language)


@router.post("/{payment_id}/bounce", **WRITE)
async def bounce_payment(
    payment_id: UUID, here: Here, body: BounceBody | None = None
) -> PaymentAnswer:
    """A cheque came back: what it paid is open again and is collected again."""
    at, said = here.parts.clock.now(), body or BounceBody()
    return await _one(here, await bounce(here.session, payment_id, at, said.reason))


async def _one(here: Here, row: Payment) -> PaymentAnswer:
    await here.session.flush()
    parts = await parts_of(here.session, [row.id])
    return _shown(row, parts.get(row.id, []))


def _shown(row: Payment, parts: list[Part]) -> PaymentAnswer:
    same = set(PaymentAnswer.model_fields) & set(Payment.__table__.c.keys())
    return PaymentAnswer(
        **{name: getattr(row, name) for name in same},
        amount=money(row.amount_minor, row.currency),
        unallocated_amount=money(row.unallocated_minor, row.currency),
        invoice_id=parts[0].invoice_id if len(parts) == 1 else None,
        allocations=[
            PartAnswer(
                invoice_id=part.invoice_id,
                invoice_number=part.invoice_number,
                amount=money(part.minor, row.currency),
            )
            for part in parts
        ],
        created_at=row.recorded_at,
    )
