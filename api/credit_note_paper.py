"""Credit notes as documents: what was taken back of which invoice, and why."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.paper import Printed, shown
from api.permission import Permission, allows
from api.request import Context, Here, TenantRoute
from domain.paper import CreditNotePaper
from models.database import one
from models.invoice import CreditNote, Invoice
from models.paper import credit_note_paper, language_of

router = APIRouter(prefix="/credit-notes", tags=["invoices"], route_class=TenantRoute)
READ = allows(Permission.BILLING_READ)


@router.get("/{credit_note_id}/html", response_class=HTMLResponse, **READ)
async def read_credit_note_page(credit_note_id: UUID, here: Here) -> HTMLResponse:
    """The credit note as a page that prints on A4."""
    return shown(*await _paper(here, credit_note_id))


@router.get("/{credit_note_id}/pdf", response_class=Printed, **READ)
async def read_credit_note_pdf(credit_note_id: UUID, here: Here) -> Printed:
    """The credit note as PDF/A-3; 503 with `Retry-After` where nothing can print."""
    return Printed(here.parts.press, *await _paper(here, credit_note_id))


async def _paper(here: Context, credit_note_id: UUID) -> tuple[CreditNotePaper, str]:
    note = await one(here.session, CreditNote, credit_note_id)
    invoice = await one(here.session, Invoice, note.invoice_id)
    language = await language_of(here.session, invoice.resident_id)
    return await credit_note_paper(here.session, note), language
