"""Cards that residents leave, as tests make and tell of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from domain.payment_method import MethodStatus, SavedCard
from models import method_asking, method_saving
from models.payment_method import SavedMethod, locked
from models.settling import lock_resident
from tests.support.house import INR, House

VISA = SavedCard("pm_of_the_till", "visa", "4242", 12, 2034)


async def a_method(
    house: House, resident_id: UUID, at: datetime, *, make_default: bool = False
) -> SavedMethod:
    """A resident wants to leave a card."""
    async with house.session() as session:
        return await method_asking.ask(session, resident_id, INR, at, make_default=make_default)


async def opened_method(house: House, method: SavedMethod, at: datetime) -> SavedMethod:
    """Its page stands open at the provider."""
    page = f"cs_{method.id.hex}", f"https://pay.example/cs_{method.id.hex}", method.expires_at
    async with house.session() as session:
        row = await locked(session, method.id)
        await method_saving.opened(session, row, page, at)
        return row


async def kept(
    house: House, method: SavedMethod, at: datetime, card: SavedCard = VISA
) -> SavedMethod:
    """A card was left."""
    async with house.session() as session:
        await lock_resident(session, method.resident_id)
        row = await locked(session, method.id)
        await method_saving.saved(session, row, card, at)
        assert row.status == MethodStatus.active
        return row


async def method_row(house: House, method_id: UUID) -> SavedMethod:
    """The method as it is now."""
    async with house.session() as session:
        return (await session.scalars(select(SavedMethod).where(SavedMethod.id == method_id))).one()
