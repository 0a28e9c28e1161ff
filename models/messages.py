"""Queue something to tell a resident: one message a payer, day, purpose and subject, never two.

What the message says is read from the rows when it leaves (models/message_text.py), so a row here
holds no words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import local_day
from domain.message_delivery import DeliveryState, next_sms_time
from models.bulk import Row, insert_all, insert_new
from models.database import one
from models.message import Channel, Delivery, Message, Purpose
from models.resident import Resident

# Papers are for keeping: they go by mail alone.
MAIL_ONLY = frozenset({Purpose.RECEIPT, Purpose.INVOICE})


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to tell a resident, on the day it is now in `timezone`.

    `about_id` is the payment of a RECEIPT, the penalty of LATE_FEE and FEE_REVERSED, the invoice of
    INVOICE and PROMISE_*, nothing for a REMINDER (which lists all that is due). `facts` holds what
    the rows will not say later: `{"promised_for": "2026-10-05"}` for PROMISE_BROKEN.
    """

    resident_id: UUID
    purpose: Purpose
    timezone: str
    about_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


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

    Mail leaves at `at`, an SMS not before the quiet hours end. One that was cancelled the same day
    is queued anew.
    """
    telling = Telling(resident_id, purpose, timezone, about_id, facts or {})
    return await one(session, Message, (await tell_all(session, [telling], at))[0])


async def tell_all(session: AsyncSession, tellings: Sequence[Telling], at: datetime) -> list[UUID]:
    """The same for many, none of them twice; the ids of their messages."""
    channels = await _channels(session, tellings)
    ids = [uuid7() for _ in tellings]
    rows = [
        {
            "id": message_id,
            "resident_id": telling.resident_id,
            "day": local_day(at, telling.timezone),
            "purpose": telling.purpose,
            "about_id": telling.about_id,
            "facts": dict(telling.facts),
            "timezone": telling.timezone,
            "effective_at": at,
            "state": _STATES[bool(ways)],
        }
        for message_id, telling, ways in zip(ids, tellings, channels, strict=True)
    ]
    written = await insert_new(session, Message, rows, _IDENTITY)
    new: list[_Queued] = []
    for number, (telling, ways) in enumerate(zip(tellings, channels, strict=True)):
        if ids[number] in written:
            new.append(_Queued(ids[number], telling.timezone, ways))
        else:
            ids[number] = await _queued_anew(session, rows[number], ways, at)
    await _queue(session, new, at)
    return ids


_IDENTITY = ("resident_id", "day", "purpose", "about_id")
# Nowhere to send it is no failure: it stands in the list as cancelled.
_STATES = {True: DeliveryState.pending, False: DeliveryState.cancelled}


@dataclass(frozen=True, slots=True)
class _Queued:
    """A message to send by these ways, numbered after an earlier, cancelled queueing."""

    message_id: UUID
    timezone: str
    channels: Sequence[Channel]
    attempt: int = 1


async def _queued_anew(
    session: AsyncSession, row: Row, channels: Sequence[Channel], at: datetime
) -> UUID:
    """The message that was made before: left alone, unless it was cancelled."""
    message = await _found(session, {name: row[name] for name in _IDENTITY})
    if message.state == DeliveryState.cancelled:
        tried = await session.scalar(
            select(func.max(Delivery.attempt)).where(Delivery.message_id == message.id)
        )
        again = _Queued(message.id, message.timezone, channels, (tried or 0) + 1)
        await _queue(session, [again], at)
        message.state = _STATES[bool(channels)]
        await session.flush()
    return message.id


async def _found(session: AsyncSession, identity: dict[str, Any]) -> Message:
    """The message made before, its row locked: what a relay decides about it comes first."""
    same = [getattr(Message, name) == value for name, value in identity.items()]
    found = await session.scalars(
        select(Message).where(*same).with_for_update().execution_options(populate_existing=True)
    )
    return found.one()


async def _channels(session: AsyncSession, tellings: Sequence[Telling]) -> list[Sequence[Channel]]:
    """By what ways each may be told."""
    await session.flush()
    ids = {telling.resident_id for telling in tellings}
    rows = await session.execute(
        select(Resident.id, Resident.email, Resident.phone).where(Resident.id.in_(ids))
    )
    contacts = {row.id: row for row in rows}
    ways: list[Sequence[Channel]] = []
    for telling in tellings:
        contact = contacts[telling.resident_id]
        by_sms = contact.phone and telling.purpose not in MAIL_ONLY
        found = {Channel.EMAIL: contact.email, Channel.SMS: by_sms}
        ways.append([channel for channel, reachable in found.items() if reachable])
    return ways


async def _queue(session: AsyncSession, queued: Sequence[_Queued], at: datetime) -> None:
    """One delivery a channel."""
    rows = [
        {
            "message_id": one.message_id,
            "channel": channel,
            "attempt": one.attempt,
            "not_before": next_sms_time(at, one.timezone) if channel is Channel.SMS else at,
        }
        for one in queued
        for channel in one.channels
    ]
    await insert_all(session, Delivery, rows)
