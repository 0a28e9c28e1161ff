"""The demo tenant of an embedded stack: made once, with test keys, furnished, credentials kept."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from cli.demo_accounts import demo_accounts
from cli.door import opened
from cli.import_roster import Asked, import_text
from cli.state import StateFolder, read_json, write_private
from cli.tenant import create_tenant
from domain.billing_run import Line
from domain.calendar import Month, local_day
from domain.errors import Conflict
from domain.invoice import InvoiceType, LineKind
from domain.tax import NIL, SAC_LONG_STAY
from models.database import Actor, Database
from models.invoice import Invoice
from models.issuing import NewInvoice, issue, terms_now
from models.resident import Agreement
from models.tenant_setup import Credentials, NewTenant, tenant_by_slug
from models.vault import Vault
from runtime.clock import SystemClock
from runtime.pay_links import vault_of
from runtime.settings import Settings

DEMO = NewTenant(
    name="Demo House",
    slug="demo",
    owner_email="owner@demo.example",
    country="IN",
    currency="INR",
    timezone="Asia/Kolkata",
    test_keys=True,
)
ROSTER = """\
property,property_type,area,city,state,floor,room,sharing,bed,rent,deposit,meals,first_name,\
last_name,email,phone,gender,date_of_birth,pan,move_in,rent_due_day
Lake View,pg,Banjara Hills,Hyderabad,Telangana,1,101,2,A,9500,10000,All Meals,Asha,Rao,\
asha@demo.example,+919876543210,female,2001-05-14,,{moved_in},5
Lake View,pg,Banjara Hills,Hyderabad,Telangana,1,101,2,B,8200,10000,All Meals,Meera,Iyer,\
meera@demo.example,+919876543211,female,2000-11-02,,{moved_in},5
"""
# One invoice is overdue and its late fee to come, of the other the first reminder is to come.
DUE = (timedelta(days=-2), timedelta(days=5))
ISSUED_BEFORE_DUE = timedelta(days=10)


async def demo_tenant(state: StateFolder, settings: Settings) -> dict[str, str] | None:
    """The demo's credentials as `stack.json` shows them; None if they are lost."""
    known = read_json(state.demo_file)
    if known is None:
        try:
            known = _shown(await create_tenant(settings.database, DEMO))
        except Conflict:
            return None
        write_private(state.demo_file, json.dumps(known, indent=2) + "\n")
    vault = vault_of(settings)
    async with opened(settings.database) as database:
        await furnish(database, vault, SystemClock().now())
        await demo_accounts(database, vault, settings, DEMO.slug)
    return known


async def furnish(database: Database, vault: Vault, at: datetime) -> None:
    """Two residents in a room of a house, an invoice each: nothing once the demo has an invoice."""
    tenant_id = await tenant_by_slug(database, DEMO.slug)
    if tenant_id is None:
        return
    today = local_day(at, DEMO.timezone)
    text = ROSTER.format(moved_in=Month.of(today).previous().first)
    await import_text(database, vault, Asked(text, DEMO.slug, Month.of(today), dry_run=False), at)
    async with database.tenant(tenant_id, Actor("platform:furnish the demo")) as session:
        if await session.scalar(select(exists().select_from(Invoice))):
            return
        first = select(Agreement).order_by(Agreement.agreement_number).limit(len(DUE))
        for agreement, due in zip(await session.scalars(first), DUE, strict=False):
            issued = min(at, at + due - ISSUED_BEFORE_DUE)
            await _bill(session, agreement, today + due, issued)


async def _bill(session: AsyncSession, agreement: Agreement, due: date, at: datetime) -> None:
    """The rent of one agreement, issued at an instant."""
    rent = Line(
        kind=LineKind.rent,
        description=f"Rent, {Month.of(due).text}",
        quantity=Decimal(1),
        unit_minor=agreement.rent_minor,
        amount_minor=agreement.rent_minor,
        rate=NIL,
        cgst_minor=0,
        sgst_minor=0,
        igst_minor=0,
        sac=SAC_LONG_STAY,
    )
    new = NewInvoice(
        resident_id=agreement.resident_id,
        agreement_id=agreement.id,
        property_id=agreement.property_id,
        parent_id=None,
        invoice_type=InvoiceType.rent,
        lines=[rent],
        due=due,
        terms=await terms_now(session, agreement.id, agreement.currency),
        period=Month.of(due).first,
    )
    await issue(session, new, at)


def _shown(credentials: Credentials) -> dict[str, str]:
    return {
        "tenantId": str(credentials.tenant_id),
        "slug": DEMO.slug,
        "apiKey": credentials.api_key,
        "publicKey": credentials.public_key,
        "ownerEmail": DEMO.owner_email,
        "ownerPassword": credentials.password,
    }
