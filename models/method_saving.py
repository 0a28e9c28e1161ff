"""What becomes of a saved method by what its provider answered: open, left, ended, forgotten.

The resident is locked by the caller, then the method: of one resident one card stands by default.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.payment_method import MethodStatus, SavedCard
from models.payment_method import SavedMethod, moved, stand_first
from models.settling import our_tenant


async def opened(
    session: AsyncSession,
    method: SavedMethod,
    page: tuple[str, str | None, datetime],
    at: datetime,
) -> None:
    """The page is there: its name, its address, and when it ends. Of one to remove: it must end."""
    page_id, url, ends = page
    if method.status == MethodStatus.removing:
        method.page_id = method.page_id or page_id
        method.unknown_since, method.look_ups = None, 0
    elif method.status == MethodStatus.created:
        method.page_id, method.expires_at, method.opened_at = page_id, ends, at
        await moved(session, method, MethodStatus.pending, at)
        method.setup_url = url
    elif method.status == MethodStatus.pending:
        method.look_ups += 1


async def saved(session: AsyncSession, method: SavedMethod, card: SavedCard, at: datetime) -> None:
    """A card was left, or is as it is now. The first that can be paid with stands by default."""
    method.provider_method_id = card.provider_id
    method.brand, method.last4 = card.brand, card.last4
    method.expiry_month, method.expiry_year = card.expiry_month, card.expiry_year
    if method.status == MethodStatus.removing:
        method.unknown_since, method.look_ups = None, 0
        method.tries, method.tried_at = 0, None
    elif method.status in (MethodStatus.created, MethodStatus.pending):
        method.saved_at = at
        await moved(session, method, MethodStatus.active, at)
        if method.make_default or not await _has_default(session, method, at):
            await stand_first(session, method)


async def over(session: AsyncSession, method: SavedMethod, at: datetime) -> None:
    """Nobody can leave a card on its page any more."""
    if method.status in (MethodStatus.created, MethodStatus.pending):
        await moved(session, method, MethodStatus.expired, at)
    elif method.status == MethodStatus.removing and method.provider_method_id is None:
        await moved(session, method, MethodStatus.removed, at)


async def never_opened(session: AsyncSession, method: SavedMethod, at: datetime) -> None:
    """The provider knows of no such page: it may be asked for again, if it is still wanted."""
    if method.status == MethodStatus.created:
        method.unknown_since, method.look_ups = None, 0
    else:
        await over(session, method, at)


async def forgotten(session: AsyncSession, method: SavedMethod, at: datetime) -> None:
    """The provider keeps the card no more, whoever told it so."""
    if method.status in (MethodStatus.active, MethodStatus.removing):
        await moved(session, method, MethodStatus.removed, at)


async def _has_default(session: AsyncSession, method: SavedMethod, at: datetime) -> bool:
    """Whether another card stands by default and can be paid with today."""
    await session.flush()
    other = await session.scalar(
        select(SavedMethod).where(
            SavedMethod.resident_id == method.resident_id, SavedMethod.is_default
        )
    )
    today = local_day(at, (await our_tenant(session)).timezone)
    return other is not None and other.usable(today)
