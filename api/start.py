"""`GET /`: where to look, and two lives of the demo with what happens next to them."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.language import asked_for
from api.parts import Links, Parts
from api.plan import plan_of_invoice
from domain.errors import Unavailable
from domain.invoice import InvoiceStatus
from domain.money import Money
from models.database import Actor
from models.invoice import Invoice
from models.tenant import Tenant
from models.tenant_setup import tenant_by_slug
from templates import page, policy
from templates.facts import Next, StartPage, Subject

router = APIRouter(include_in_schema=False)
DEMO = "demo"
SHOWN = 2
# A plan asks for a key, which a link cannot carry: the documentation can, and shows the route.
PLAN = "/docs#/invoices/read_plan_api_v1_invoices__invoice_id__plan_get"


@router.get("/")
async def start(request: Request) -> HTMLResponse:
    """The first page: it needs no key, so it tells of nobody but the demo of an embedded stack."""
    parts: Parts = request.app.state.parts
    try:
        tenant_name, subjects = await _demo(parts)
    except Unavailable:
        tenant_name, subjects = None, ()
    links = parts.links
    shown = StartPage(
        tenant_name=tenant_name,
        docs_url="/docs",
        temporal_url=_workflows(links) or None,
        inbox_url=f"{links.sandbox}/control/inbox" if links.sandbox else None,
        subjects=subjects,
    )
    html = page(shown, asked_for(request))
    return HTMLResponse(html, headers={"Content-Security-Policy": policy()})


async def _demo(parts: Parts) -> tuple[str | None, Sequence[Subject]]:
    tenant_id = await tenant_by_slug(parts.database, DEMO)
    if tenant_id is None or not parts.links.sandbox:
        return None, ()
    async with parts.database.tenant(tenant_id, Actor("platform:start page")) as session:
        tenant = await session.scalar(select(Tenant).where(Tenant.test_keys))
        if tenant is None:
            return None, ()
        return tenant.name, await _subjects(session, parts)


async def _subjects(session: AsyncSession, parts: Parts) -> Sequence[Subject]:
    """The invoices that are due first, each with its plan; those still open come before others."""
    open_first = (Invoice.status != InvoiceStatus.issued, Invoice.due_date, Invoice.id)
    numbered = select(Invoice).where(Invoice.invoice_number.is_not(None))
    found = await session.scalars(numbered.order_by(*open_first).limit(SHOWN))
    return [await _subject(session, invoice, parts) for invoice in found.all()]


async def _subject(session: AsyncSession, invoice: Invoice, parts: Parts) -> Subject:
    told = await plan_of_invoice(session, invoice, parts.clock.now())
    first = told.next[0] if told.next else None
    lives = _workflows(parts.links)
    return Subject(
        title=f"{invoice.invoice_number}",
        stage=told.stage,
        balance=Money(invoice.balance_minor, invoice.currency),
        next=None if first is None else Next(first.at, invoice.timezone, first.what, first.why),
        plan_url=PLAN,
        life_url=f"{lives}/{quote(told.workflow_id, safe='')}" if lives else None,
    )


def _workflows(links: Links) -> str:
    """Where Temporal's UI lists the lives; empty when nobody said where it is."""
    if not links.temporal_ui:
        return ""
    return f"{links.temporal_ui}/namespaces/{links.namespace}/workflows"
