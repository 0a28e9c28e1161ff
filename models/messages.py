"""Queue something to tell a resident: one message a payer, day, purpose and subject, never two.

What the message says is read from the rows when it leaves (models/message_text.py), so a row here
holds no words.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.message_delivery import DeliveryState, next_sms_time
from models.database import one, tenant_of
from models.message import Channel, Delivery, Message, Purpose
from models.resident import Resident

# Papers are for keeping: they go by mail alone.
MAIL_ONLY = frozenset({Purpose.RECEIPT, Purpose.INVOICE})


async def tell(
    session: AsyncSession,
    *,
    resident_id: UUID,
    purpose: Purpose,
    at: datetime,
    timezone: str,
    about_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Message:
    """Queue the message, or find the one of that resident, day there, purpose and subject.

    `about_id` is the payment of a RECEIPT, the penalty of LATE_FEE and FEE_REVERSED, the invoice of
    INVOICE and PROMISE_*, nothing for a REMINDER (which lists all that is due). `facts` holds what
    the rows will not say later: `{"promised_for": "2026-10-05"}` for PROMISE_BROKEN. Mail leaves at
    `at`, an SMS not before the quiet hours end. One that was cancelled the same day is queued anew.
    """
    identity = {
        "resident_id": resident_id,
        "day": local_day(at, timezone),
        "purpose": purpose,
        "about_id": about_id,
    }
    rest = {"facts": dict(facts or {}), "timezone": timezone, "effective_at": at}
    message = await _made(session, identity, rest)
    if message is None:
        message = await _found(session, identity)
        if message.state != DeliveryState.cancelled:
            return message
    channels = _channels(await one(session, Resident, resident_id), purpose)
    await _queue(session, message, channels, at)
    # Nowhere to send it is no failure: it stands in the list as cancelled.
    message.state = DeliveryState.pending if channels else DeliveryState.cancelled
    await session.flush()
    return message


async def _made(
    session: AsyncSession, identity: dict[str, Any], rest: dict[str, Any]
) -> Message | None:
    """The new message, or None when it is already there."""
    return await session.scalar(
        upsert(Message)
        .values(tenant_id=tenant_of(session), **identity, **rest)
        .on_conflict_do_nothing(index_elements=["tenant_id", *identity])
        .returning(Message)
    )


async def _found(session: AsyncSession, identity: dict[str, Any]) -> Message:
    """The message made before, its row locked: what a relay decides about it comes first."""
    same = [getattr(Message, name) == value for name, value in identity.items()]
    found = await session.scalars(
        select(Message).where(*same).with_for_update().execution_options(populate_existing=True)
    )
    return found.one()


def _channels(resident: Resident, purpose: Purpose) -> Sequence[Channel]:
    channels: list[Channel] = []
    if resident.email:
        channels.append(Channel.EMAIL)
    if resident.phone and purpose not in MAIL_ONLY:
        channels.append(Channel.SMS)
    return channels


async def _queue(
    session: AsyncSession, message: Message, channels: Sequence[Channel], at: datetime
) -> None:
    """One delivery a channel, numbered after those of an earlier, cancelled queueing."""
    tried = await session.scalar(
        select(func.max(Delivery.attempt)).where(Delivery.message_id == message.id)
    )
    rows = [
        {
            "tenant_id": tenant_of(session),
            "message_id": message.id,
            "channel": channel,
            "attempt": (tried or 0) + 1,
            "not_before": next_sms_time(at, message.timezone) if channel is Channel.SMS else at,
        }
        for channel in channels
    ]
    if rows:
        await session.execute(insert(Delivery), rows)
