"""An invoice paid in instalments: agree on dated parts, see how far they are, cancel them.

Facts like those of the collection: committed here, they work while Temporal is down.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.body import Answer, Body, MoneyField, PlanAnswer, minor_of, money
from api.invoice_collection import Words
from api.permission import Permission, allows
from api.plan import plan_of_invoice
from api.request import Here, TenantRoute
from domain.calendar import local_day
from domain.instalments import PARTS_MAX
from models import instalment_plan
from models.database import one
from models.instalment import open_parts_of, parts_of
from models.invoice import Invoice

router = APIRouter(
    prefix="/invoices/{invoice_id}/instalments", tags=["collection"], route_class=TenantRoute
)
READ, WRITE = allows(Permission.BILLING_READ), allows(Permission.BILLING_WRITE)


class Part(Body):
    """How much is to be there by which day."""

    due_date: date
    amount: MoneyField


class Agreed(Body):
    """The parts, one after the other; together they are what is open of the invoice."""

    instalments: Annotated[list[Part], Field(min_length=1, max_length=PARTS_MAX)]
    note: Words | None = None


class PartAnswer(Answer):
    """One instalment. Money settles the oldest first; one that is late is about to be missed."""

    number: int
    due_date: date
    amount: MoneyField
    open_amount: MoneyField
    status: Literal["paid", "open", "late"]


class InstalmentsAnswer(Answer):
    """The instalments that hold; empty when there are none."""

    items: list[PartAnswer]


@router.get("", **READ)
async def list_instalments(invoice_id: UUID, here: Here) -> InstalmentsAnswer:
    """What was agreed for the invoice and how much of each part is still open."""
    invoice = await one(here.session, Invoice, invoice_id)
    parts = await parts_of(here.session, invoice)
    left = {part.part.id: part.open_minor for part in await open_parts_of(here.session, invoice)}
    today = local_day(here.parts.clock.now(), invoice.timezone)
    return InstalmentsAnswer(
        items=[
            PartAnswer(
                number=number,
                due_date=part.due,
                amount=money(part.minor, invoice.currency),
                open_amount=money(left.get(part.id, 0), invoice.currency),
                status=_status(part.due, left.get(part.id, 0), today),
            )
            for number, part in enumerate(parts, 1)
        ]
    )


@router.post("", **WRITE)
async def agree_on_instalments(invoice_id: UUID, body: Agreed, here: Here) -> PlanAnswer:
    """Let the invoice be paid in parts: no other reminder and no late fee while each is in time.

    They replace instalments agreed before and a promise. A part that is not paid by 10:00 of the
    day after breaks them, and the collection goes on as if there had been none.
    """
    currency = (await one(here.session, Invoice, invoice_id)).currency
    parts = [
        (part.due_date, minor_of(f"instalments.{position}.amount", part.amount, currency))
        for position, part in enumerate(body.instalments)
    ]
    at = here.parts.clock.now()
    invoice = await instalment_plan.agree(here.session, invoice_id, parts, body.note, at)
    return await plan_of_invoice(here.session, invoice, at)


@router.delete("", **WRITE)
async def cancel_instalments(invoice_id: UUID, here: Here) -> PlanAnswer:
    """End the instalments now; what is overdue is done at once, the newest reminder only."""
    at = here.parts.clock.now()
    invoice = await instalment_plan.cancel(here.session, invoice_id, at)
    return await plan_of_invoice(here.session, invoice, at)


def _status(due: date, open_minor: int, today: date) -> Literal["paid", "open", "late"]:
    if open_minor == 0:
        return "paid"
    return "late" if today > due else "open"
