"""Asking for a card to be saved, paid with first, and removed: what people change of a method.

The resident is locked first: of one resident there is one open page, and one default.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import local_day
from domain.errors import Conflict, IllegalTransition
from domain.payment_account import Provider
from domain.payment_method import BEGUN, ENDED, PAGE_LIVES, MethodKind, MethodStatus
from models import plan
from models.database import one
from models.payment_account import AccountStatus, PaymentAccount
from models.payment_method import (
    SavedMethod,
    asked_after,
    locked,
    moved,
    planned,
    stand_first,
)
from models.settling import lock_resident

# Who keeps cards; with Razorpay a saved way to pay is a mandate.
KEEPS_CARDS: Final = Provider.stripe
# A page about to close is not worth being sent to.
TOO_LATE: Final = timedelta(minutes=30)


async def ask(
    session: AsyncSession,
    resident_id: UUID,
    currency: str,
    at: datetime,
    *,
    make_default: bool = False,
) -> SavedMethod:
    """Find the page that is open for the resident to leave a card on, or ask for one.

    Conflict (NO_ACCOUNT) when the house has no account at a provider that keeps cards; NotFound
    when there is no such resident.
    """
    await lock_resident(session, resident_id)
    account = await _account(session)
    method = await _open_page(session, resident_id, account.id, at)
    if method is not None:
        method.make_default = method.make_default or make_default
        if method.unknown_since is not None:
            await asked_after(session, method, at)
        return method
    made = SavedMethod(
        id=uuid7(),
        resident_id=resident_id,
        account_id=account.id,
        provider=account.provider,
        kind=MethodKind.card,
        status=MethodStatus.created,
        currency=currency,
        make_default=make_default,
        created_at=at,
        expires_at=at + PAGE_LIVES,
    )
    session.add(made)
    await session.flush()
    made = await locked(session, made.id)
    await plan.changed(session, await planned(session, made))
    return made


async def remove(session: AsyncSession, method_id: UUID, at: datetime) -> SavedMethod:
    """Forget it, here at once and at the provider as soon as it answers. Twice is once."""
    method = await locked(session, method_id)
    if method.status in ENDED or method.status == MethodStatus.removing:
        return method
    unknown_since, look_ups = method.unknown_since, method.look_ups
    method.remove_asked_at = at
    never_asked = method.page_id is None and unknown_since is None
    never_asked = never_asked and method.provider_method_id is None
    status = MethodStatus.removed if never_asked else MethodStatus.removing
    await moved(session, method, status, at)
    if method.page_id is None and status is MethodStatus.removing:
        method.unknown_since, method.look_ups = unknown_since, look_ups
        method.asks += 1
        method.asked_at = at
    await plan.changed(session, await planned(session, method))
    return method


async def prefer(
    session: AsyncSession, method_id: UUID, at: datetime, timezone: str
) -> SavedMethod:
    """Pay with it where none is named. IllegalTransition for one that cannot be paid with."""
    known = await one(session, SavedMethod, method_id)
    await lock_resident(session, known.resident_id)
    method = await locked(session, method_id)
    if not method.usable(local_day(at, timezone)):
        raise IllegalTransition("only a card that can be paid with can be the default")
    await stand_first(session, method)
    return method


async def _open_page(
    session: AsyncSession, resident_id: UUID, account_id: UUID, at: datetime
) -> SavedMethod | None:
    found = await session.scalar(
        select(SavedMethod.id)
        .where(
            SavedMethod.resident_id == resident_id,
            SavedMethod.account_id == account_id,
            SavedMethod.status.in_(BEGUN),
            SavedMethod.expires_at > at + TOO_LATE,
        )
        .order_by(SavedMethod.id.desc())
        .limit(1)
    )
    if found is None:
        return None
    method = await locked(session, found)
    return method if method.status in BEGUN else None


async def _account(session: AsyncSession) -> PaymentAccount:
    active = await session.scalars(
        select(PaymentAccount).where(PaymentAccount.status == AccountStatus.ACTIVE)
    )
    accounts = {account.provider: account for account in active}
    if KEEPS_CARDS in accounts:
        return accounts[KEEPS_CARDS]
    has = " Razorpay keeps none without a mandate." if Provider.razorpay in accounts else ""
    words = f"saved cards need an account at Stripe, and this house has none.{has}"
    raise Conflict(words, code="NO_ACCOUNT")
