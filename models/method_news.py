"""What an event of a provider is to a saved method: a reason to ask how it stands.

Events come twice, late and in any order, so none is believed: its life looks the method up.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.payment_method import ENDED
from models.payment_method import SavedMethod, asked_after, locked


async def method_told(
    session: AsyncSession, account_id: UUID, method_id: UUID | None, name: str, at: datetime
) -> bool | None:
    """The provider has news of a method of this account, by our id or its own name for it.

    None when there is no such one, False when it has ended and nothing can come of it any more.
    """
    found = await _found(session, account_id, method_id, name)
    if found is None:
        return None
    method = await locked(session, found)
    if method.status in ENDED:
        return False
    await asked_after(session, method, at)
    return True


async def _found(
    session: AsyncSession, account_id: UUID, method_id: UUID | None, name: str
) -> UUID | None:
    ours = select(SavedMethod.id).where(SavedMethod.account_id == account_id)
    if method_id is not None:
        found = await session.scalar(ours.where(SavedMethod.id == method_id))
        if found is not None:
            return found
    named = (SavedMethod.page_id == name) | (SavedMethod.provider_method_id == name)
    return await session.scalar(ours.where(named))
