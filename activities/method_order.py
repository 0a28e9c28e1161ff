"""What is asked of a provider for one saved method, and of whom: read in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from activities.attempt_order import Purse
from domain.errors import Refused
from domain.payment_account import AccountMode, Provider
from models import provider_customer
from models.database import one
from models.payment_account import PaymentAccount, credentials_of
from models.payment_method import SavedMethod
from models.resident import Resident
from providers.cards import Cards, Owner, SetupAsked
from providers.payments import Payer

# Says to our own page that the payer left a card at the provider.
LEFT: Final = "?card=left"
NO_ADDRESS: Final = "we have no public address that a resident could come back to"


@dataclass(frozen=True, slots=True)
class Order:
    """A question to one provider about one method. `asks` is how many want its answer."""

    cards: Cards
    asked: SetupAsked
    resident_id: UUID
    page_id: str | None
    card_id: str | None
    asks: int


@dataclass(frozen=True, slots=True)
class Whose:
    """Who leaves the card: as the provider knows them, or as they are made known to it."""

    row_id: UUID
    customer_id: str | None
    owner: Owner


async def order_of(session: AsyncSession, method: SavedMethod, purse: Purse) -> Order:
    """What the rows say of a locked method, as its provider is asked."""
    account = await one(session, PaymentAccount, method.account_id)
    credentials = credentials_of(purse.links.vault, account)
    page = await purse.links.url_of(session, method.resident_id)
    if page is None:
        raise Refused(NO_ADDRESS, code="NO_PUBLIC_ADDRESS")
    provider, mode = Provider(account.provider), AccountMode(account.mode)
    return Order(
        cards=purse.gateways.cards(provider, mode, credentials),
        asked=SetupAsked(
            method_id=method.id,
            currency=method.currency,
            return_url=f"{page}{LEFT}",
            cancel_url=page,
            asked_at=method.created_at,
            expires_at=method.expires_at,
        ),
        resident_id=method.resident_id,
        page_id=method.page_id,
        card_id=method.provider_method_id,
        asks=method.asks,
    )


async def whose(session: AsyncSession, method: SavedMethod, at: datetime) -> Whose:
    """The resident as a customer of the account; kept before the provider is asked for one."""
    resident = await one(session, Resident, method.resident_id)
    row = await provider_customer.locked(session, method.account_id, resident.id)
    asked_before = row.asked_at
    if row.customer_id is None and row.asked_at is None:
        row.asked_at = at
    name = f"{resident.first_name} {resident.last_name or ''}".strip()
    payer = Payer(name, resident.email, resident.phone)
    return Whose(row.id, row.customer_id, Owner(row.id, row.made, payer, asked_before))
