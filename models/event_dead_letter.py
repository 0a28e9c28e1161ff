"""Events that a consumer could not take: tried again in a second, in two, in four; then dead.

A dead letter waits for a person, who may have it tried again from the start. Only the first event
of a subject that waits is tried; those behind it keep their order.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import (
    Index,
    Integer,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.errors import IllegalTransition
from models.base import TenantRow, one_of
from models.database import one
from models.happened import Happened, Subject

TRY_AGAIN_SECONDS: Final = (1, 2, 4)
PROBLEM_MAX: Final = 300


class LetterStatus(StrEnum):
    """`received` waits to be tried (again), `failed` is dead and waits for a person."""

    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"


class EventDeadLetter(TenantRow):
    """One event set aside by one consumer. `due_at` and `failed_at` are wall time.

    `tries` counts how often it was tried; one that waits behind another of its subject: never yet.
    """

    __tablename__ = "event_dead_letters"
    __table_args__ = (
        UniqueConstraint("tenant_id", "consumer", "event_id"),
        one_of("status", LetterStatus),
        Index(
            "ix_event_dead_letters_queue",
            "consumer",
            "tenant_id",
            "subject_id",
            "position",
            postgresql_where=text("status = 'received'"),
        ),
        Index(
            "ix_event_dead_letters_failed",
            "tenant_id",
            "id",
            postgresql_where=text("status = 'failed'"),
        ),
    )

    consumer: Mapped[str]
    event_id: Mapped[UUID]
    position: Mapped[int]
    subject_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(server_default=LetterStatus.RECEIVED)
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    problem: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


_DUE = text("""
with heads as (
  select distinct on (tenant_id, subject_id) tenant_id, event_id, position, due_at
    from event_dead_letters
   where consumer = :consumer and status = 'received'
   order by tenant_id, subject_id, position
)
select h.position, e.tenant_id, e.id, e.type, e.subject_kind, e.subject_id, e.data, e.effective_at
  from heads h
  join domain_events e on e.tenant_id = h.tenant_id and e.id = h.event_id
 where h.due_at <= clock_timestamp()
 order by h.due_at, h.position
 limit :most
""").bindparams(bindparam("most", type_=Integer))
_SUBJECTS = text("""
select distinct d.tenant_id, d.subject_id
  from unnest(cast(:tenants as uuid[]), cast(:subjects as uuid[])) s(tenant_id, subject_id)
  join event_dead_letters d on d.tenant_id = s.tenant_id and d.subject_id = s.subject_id
   and d.consumer = :consumer and d.status = 'received'
""")
_TAKEN = text("""
update event_dead_letters
   set status = 'done', tries = tries + 1, problem = null, done_at = clock_timestamp()
 where tenant_id = :tenant_id and consumer = :consumer and event_id = :event_id
""")
_POSTPONED = text("""
update event_dead_letters
   set tries = tries + 1, problem = :problem,
       status = case when tries < :most then 'received' else 'failed' end,
       due_at = case when tries < :most
                     then clock_timestamp()
                          + make_interval(secs => (cast(:seconds as int[]))[tries + 1])
                     else due_at end,
       failed_at = case when tries < :most then null else clock_timestamp() end
 where tenant_id = :tenant_id and consumer = :consumer and event_id = :event_id
""").bindparams(bindparam("most", len(TRY_AGAIN_SECONDS), Integer), seconds=list(TRY_AGAIN_SECONDS))


async def due(session: AsyncSession, consumer: str, most: int) -> list[Happened]:
    """What may be tried now: of each subject the first that waits, the longest due first."""
    found = await session.execute(_DUE, {"consumer": consumer, "most": most})
    return [Happened(*row) for row in found]


async def subjects_waiting(
    session: AsyncSession, consumer: str, events: Sequence[Happened]
) -> set[Subject]:
    """Of these events' subjects those of which an earlier event waits."""
    asked = {
        "consumer": consumer,
        "tenants": [one.tenant_id for one in events],
        "subjects": [one.subject_id for one in events],
    }
    return {(row.tenant_id, row.subject_id) for row in await session.execute(_SUBJECTS, asked)}


async def set_aside(
    session: AsyncSession, consumer: str, events: Sequence[Happened], problem: str | None = None
) -> None:
    """Keep events for later: tried once and why not, or only behind another of their subject."""
    if not events:
        return
    wait = timedelta(seconds=0 if problem is None else TRY_AGAIN_SECONDS[0])
    await session.execute(
        insert(EventDeadLetter).values(
            [
                {
                    "tenant_id": event.tenant_id,
                    "consumer": consumer,
                    "event_id": event.id,
                    "position": event.position,
                    "subject_id": event.subject_id,
                    "tries": 0 if problem is None else 1,
                    "problem": problem,
                    "due_at": func.clock_timestamp() + wait,
                }
                for event in events
            ]
        )
    )


async def taken(session: AsyncSession, consumer: str, event: Happened) -> None:
    """It was taken after all, in this transaction."""
    await session.execute(_TAKEN, _named(consumer, event))


async def postponed(session: AsyncSession, consumer: str, event: Happened, problem: str) -> None:
    """It could not be taken again: in two seconds, in four; then it is dead."""
    await session.execute(_POSTPONED, {**_named(consumer, event), "problem": problem})


async def forget(session: AsyncSession, consumer: str) -> None:
    """A consumer begins anew and meets every event again, these too."""
    await session.execute(delete(EventDeadLetter).where(EventDeadLetter.consumer == consumer))


async def replay(session: AsyncSession, letter_id: UUID) -> EventDeadLetter:
    """Try a dead letter again from the start. IllegalTransition for one that is not dead."""
    letter = await one(session, EventDeadLetter, letter_id, lock=True)
    if letter.status != LetterStatus.FAILED:
        raise IllegalTransition(f"the event is {letter.status}; only a dead letter is tried again")
    letter.status, letter.tries, letter.problem = LetterStatus.RECEIVED, 0, None
    letter.due_at = await session.scalar(select(func.clock_timestamp())) or letter.due_at
    letter.failed_at = None
    return letter


def _named(consumer: str, event: Happened) -> dict[str, object]:
    return {"tenant_id": event.tenant_id, "consumer": consumer, "event_id": event.id}
