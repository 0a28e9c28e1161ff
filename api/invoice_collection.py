"""Facts about the collection of an invoice: promised, paused, disputed, waived, written off.

Each is a row and news: it is committed here and works while Temporal is down. The life reads it.
"""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.body import Body, MoneyField, PlanAnswer, minor_of
from api.invoice_answer import InvoiceDetail, detail
from api.permission import Permission, allows
from api.plan import plan_of_invoice
from api.request import Here, TenantRoute
from models import credit, recovery, suspension
from models.database import one
from models.invoice import Invoice

router = APIRouter(prefix="/invoices/{invoice_id}", tags=["collection"], route_class=TenantRoute)
WRITE = allows(Permission.BILLING_WRITE)
Words = Annotated[str, Field(min_length=1, max_length=500)]


class Promise(Body):
    """The day, at the property, on which the payer will pay."""

    promised_for: date
    note: Words | None = None


class Pause(Body):
    """The day on which the collection goes on, at 10:00."""

    until: date
    reason: Words | None = None


class Recovered(Body):
    """How much of the payer's advances; all that they can unless given."""

    amount: MoneyField | None = None


class Reason(Body):
    """Why it was decided so; kept with the invoice."""

    reason: Words


@router.post("/promise", **WRITE)
async def promise(invoice_id: UUID, body: Promise, here: Here) -> PlanAnswer:
    """Note a promise: everything waits until the day has passed. Asked twice, it is noted once."""
    invoice = await suspension.promise(
        here.session, invoice_id, body.promised_for, body.note, here.parts.clock.now()
    )
    return await _planned(here, invoice)


@router.post("/pause", **WRITE)
async def pause(invoice_id: UUID, body: Pause, here: Here) -> PlanAnswer:
    """Send and charge nothing before the morning of that day."""
    invoice = await suspension.pause(
        here.session, invoice_id, body.until, body.reason, here.parts.clock.now()
    )
    return await _planned(here, invoice)


@router.post("/dispute", **WRITE)
async def dispute(invoice_id: UUID, body: Reason, here: Here) -> PlanAnswer:
    """Send and charge nothing until a person has settled it: by the task it opens, or `/resume`."""
    invoice = await suspension.dispute(
        here.session, invoice_id, body.reason, here.parts.clock.now()
    )
    return await _planned(here, invoice)


@router.post("/resume", **WRITE)
async def resume(invoice_id: UUID, here: Here) -> PlanAnswer:
    """End pause, promise and dispute now; what is overdue is done at once, one reminder only."""
    invoice = await suspension.resume(here.session, invoice_id, here.parts.clock.now())
    return await _planned(here, invoice)


@router.post("/waive-fee", **WRITE)
async def waive_fee(invoice_id: UUID, body: Reason, here: Here) -> PlanAnswer:
    """Charge no late fee; one that was charged and is open is taken back by a credit note."""
    invoice = await credit.waive_fee(here.session, invoice_id, body.reason, here.parts.clock.now())
    return await _planned(here, invoice)


@router.post("/write-off", **WRITE)
async def write_off(invoice_id: UUID, body: Reason, here: Here) -> PlanAnswer:
    """Give up what is still open: it becomes a loss in the books and nobody is asked again."""
    invoice = await credit.write_off(here.session, invoice_id, body.reason, here.parts.clock.now())
    return await _planned(here, invoice)


@router.post("/recover", **WRITE)
async def recover(invoice_id: UUID, here: Here, body: Recovered | None = None) -> InvoiceDetail:
    """Let the payer's advances make up for what was written off, or for a part of it.

    It is booked as bad debts recovered; the invoice stays written off and shows it. Money that
    comes in later recovers it too when the payment names the invoice. 409 when nothing is left.
    """
    at, asked = here.parts.clock.now(), body or Recovered()
    row = await one(here.session, Invoice, invoice_id)
    minor = None
    if asked.amount is not None:
        minor = minor_of("amount", asked.amount, row.currency, at_least=1)
    row = await recovery.recover_from_advances(here.session, invoice_id, minor, at)
    return await detail(here.session, row, at)


async def _planned(here: Here, invoice: Invoice) -> PlanAnswer:
    return await plan_of_invoice(here.session, invoice, here.parts.clock.now())
