"""What waits for a person because nothing could be made of it: one list of both kinds.

Events of providers that could not be settled, and events of ours that a consumer could not take.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, literal, null, select, union_all
from sqlalchemy import Uuid as UuidType
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from domain.errors import NotFound
from models import event_dead_letter, provider_event
from models.base import WalledRow
from models.database import tenant_of
from models.event_dead_letter import EventDeadLetter
from models.gateway_log import GatewayLog
from models.record import DomainEvent


class Origin(StrEnum):
    """Who told what could not be dealt with."""

    PROVIDER = "provider"
    HOUSE = "house"


_OF_PROVIDERS = select(
    GatewayLog.tenant_id,
    GatewayLog.id,
    literal(Origin.PROVIDER.value, String).label("origin"),
    GatewayLog.kind,
    GatewayLog.event_id,
    GatewayLog.provider,
    GatewayLog.account_id,
    cast(null(), String).label("consumer"),
    GatewayLog.status,
    GatewayLog.tries,
    GatewayLog.problem,
    GatewayLog.effective_at,
    GatewayLog.recorded_at,
)
_OF_THE_HOUSE = select(
    EventDeadLetter.tenant_id,
    EventDeadLetter.id,
    literal(Origin.HOUSE.value, String).label("origin"),
    DomainEvent.type,
    cast(EventDeadLetter.event_id, String),
    cast(null(), String),
    cast(null(), UuidType),
    EventDeadLetter.consumer,
    EventDeadLetter.status,
    EventDeadLetter.tries,
    EventDeadLetter.problem,
    DomainEvent.effective_at,
    EventDeadLetter.recorded_at,
).join(
    DomainEvent,
    (DomainEvent.tenant_id == EventDeadLetter.tenant_id)
    & (DomainEvent.id == EventDeadLetter.event_id),
)
_LETTERS = union_all(_OF_PROVIDERS, _OF_THE_HOUSE).subquery("letters")


class Letter(WalledRow):
    """An event that was set aside, as a list shows it; read only, those that are dead `failed`."""

    __table__ = _LETTERS
    __mapper_args__: dict[str, Any] = {  # noqa: RUF012 (SQLAlchemy's own spelling)
        "primary_key": [_LETTERS.c.tenant_id, _LETTERS.c.id]
    }

    id: Mapped[UUID]
    origin: Mapped[str]
    kind: Mapped[str]
    event_id: Mapped[str]
    provider: Mapped[str | None]
    account_id: Mapped[UUID | None]
    consumer: Mapped[str | None]
    status: Mapped[str]
    tries: Mapped[int]
    problem: Mapped[str | None]
    effective_at: Mapped[datetime]


async def replay(session: AsyncSession, letter_id: UUID) -> Letter:
    """Have a dead letter tried again from the start; NotFound, IllegalTransition if it is not dead.

    An event of ours is taken after what followed it: consumers are made so that they can.
    """
    letter = await _letter(session, letter_id)
    if letter.origin == Origin.PROVIDER:
        await provider_event.replay(session, letter_id)
    else:
        await event_dead_letter.replay(session, letter_id)
    await session.flush()
    return await _letter(session, letter_id)


async def _letter(session: AsyncSession, letter_id: UUID) -> Letter:
    key = (tenant_of(session), letter_id)
    letter = await session.get(Letter, key, populate_existing=True)
    if letter is None:
        raise NotFound(f"there is no dead letter {letter_id}")
    return letter
