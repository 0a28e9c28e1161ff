"""What is asked of a provider for one attempt, and of whom: read in one transaction."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused
from domain.money import Money
from domain.payment_account import AccountMode, Provider
from domain.payment_attempt import PayBy
from models.database import one
from models.invoice import Invoice
from models.pay_link import PayLinks
from models.payment_account import PaymentAccount, credentials_of
from models.payment_attempt import AttemptInvoice, PaymentAttempt
from models.resident import Resident
from models.settling import our_tenant
from providers.gateways import Gateways
from providers.payments import Asked, Gateway, Payer, Standing

# The shortest of what providers print on their pages.
DESCRIPTION_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Purse:
    """What calls to providers need: who makes them, and where a payer comes back to."""

    gateways: Gateways
    links: PayLinks


@dataclass(frozen=True, slots=True)
class Order:
    """A question to one provider about one attempt. `money_waits` is authorised and not taken."""

    gateway: Gateway
    asked: Asked
    provider: Provider
    account_id: UUID
    page_id: str | None
    money_waits: tuple[str, Money] | None

    async def look_up(self) -> Standing | None:
        """What became of the page."""
        return await self.gateway.look_up(self.asked, self.page_id)


async def order_of(session: AsyncSession, attempt: PaymentAttempt, purse: Purse) -> Order:
    """What the rows say of a locked attempt, as its provider is asked."""
    account = await one(session, PaymentAccount, attempt.account_id)
    credentials = credentials_of(purse.links.vault, account)
    provider, mode = Provider(account.provider), AccountMode(account.mode)
    waits = None
    if attempt.money_waits_id is not None and attempt.money_waits_minor is not None:
        waits = attempt.money_waits_id, Money(attempt.money_waits_minor, attempt.currency)
    return Order(
        gateway=purse.gateways.of(provider, mode, credentials),
        asked=await _asked(session, attempt, purse),
        provider=provider,
        account_id=account.id,
        page_id=attempt.page_id,
        money_waits=waits,
    )


async def _asked(session: AsyncSession, attempt: PaymentAttempt, purse: Purse) -> Asked:
    resident = await one(session, Resident, attempt.resident_id)
    page = await purse.links.url_of(session, attempt.resident_id)
    if page is None:
        raise Refused("we have no public address that a payer could come back to")
    return Asked(
        attempt_id=attempt.id,
        tenant_id=attempt.tenant_id,
        by=PayBy(attempt.by),
        amount=Money(attempt.amount_minor, attempt.currency),
        description=await _description(session, attempt),
        payer=Payer(
            f"{resident.first_name} {resident.last_name or ''}".strip(),
            resident.email,
            resident.phone,
        ),
        # Our own page then knows for what money it waits.
        return_url=f"{page}?received={attempt.id}",
        asked_at=attempt.asked_at,
        expires_at=attempt.expires_at,
    )


async def _description(session: AsyncSession, attempt: PaymentAttempt) -> str:
    """Who asks, and the numbers of the invoices: what a payer finds on a statement again."""
    numbers = await session.scalars(
        select(Invoice.invoice_number)
        .join(AttemptInvoice, AttemptInvoice.invoice_id == Invoice.id)
        .where(AttemptInvoice.attempt_id == attempt.id)
        .order_by(Invoice.due_date, Invoice.invoice_number)
    )
    name = (await our_tenant(session)).name
    text = f"{name}: {', '.join(number for number in numbers if number)}"
    return text if len(text) <= DESCRIPTION_MAX else text[: DESCRIPTION_MAX - 1] + "…"
