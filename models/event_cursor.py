"""How far each consumer has read the events, and what takes them: in order, each exactly once.

A consumer's effect and its cursor move in one transaction, under the cursor's row lock: one worker
at a time reads for a consumer, and one that dies leaves nothing behind. An event that cannot be
taken is set aside and tried again after 1, 2 and 4 s (models/event_dead_letter.py); until it is
taken or dead, later events of the same subject wait behind it, and all others go on.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import BigInteger, String, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.errors import InnkeeperError
from models.base import Base
from models.database import is_away
from models.event_dead_letter import (
    PROBLEM_MAX,
    Subject,
    due,
    forget,
    postponed,
    set_aside,
    subjects_waiting,
    taken,
)
from models.event_sequence import SILENT, EventSequence
from models.happened import Happened

log = structlog.get_logger()

# So many set-aside events are tried in one turn, each by itself.
RETRIES: Final = 100


class EventCursor(Base):
    """The position up to which a consumer has taken every event, or set it aside."""

    __tablename__ = "event_cursors"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    moved_at: Mapped[datetime]


class Consumer(Protocol):
    """Something that follows the events. It writes rows and nothing else: no network, no message.

    It may meet an event after later ones of other subjects, and a replayed one after later ones of
    its own; it never meets one twice, unless it has forgotten everything before.
    """

    @property
    def name(self) -> str:
        """Under which its cursor is kept, for ever."""
        ...

    @property
    def types(self) -> Collection[str]:
        """The events it takes; others pass by it."""
        ...

    async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
        """Do what follows from these events, of any tenants, in their order; all or none."""
        ...

    async def forget(self, session: AsyncSession) -> None:
        """Undo everything it ever did, to begin anew at the first event."""
        ...


# Asked first: an insert waits for whoever moves the row it conflicts with.
_ENROL = text("""
insert into event_cursors (consumer, position, moved_at)
select :consumer, 0, clock_timestamp()
 where not exists (select from event_cursors where consumer = :consumer)
on conflict do nothing
""").bindparams(bindparam("consumer", type_=String))
_HOLD = text("""
select c.position, s.position as last,
       set_config('idle_in_transaction_session_timeout', :silent, true)
  from event_cursors c cross join event_sequence s
 where c.consumer = :consumer
   for update of c skip locked
""").bindparams(bindparam("consumer", type_=String), silent=SILENT)
_WAIT_FOR = text("select position from event_cursors where consumer = :consumer for update")
_READ = text("""
select p.position, e.tenant_id, e.id, e.type, e.subject_kind, e.subject_id, e.data, e.effective_at
  from event_positions p
  join domain_events e on e.tenant_id = p.tenant_id and e.id = p.event_id
 where p.position > :after and p.position <= :upto and e.type = any(:types)
 order by p.position
""").bindparams(bindparam("after", type_=BigInteger), bindparam("upto", type_=BigInteger))
_MOVE = text("""
update event_cursors set position = :upto, moved_at = clock_timestamp() where consumer = :consumer
""").bindparams(bindparam("upto", type_=BigInteger))


async def enrol(session: AsyncSession, consumer: Consumer) -> None:
    """Give a new consumer its cursor, before the first event."""
    await session.execute(_ENROL, {"consumer": consumer.name})


async def advance(session: AsyncSession, consumer: Consumer, batch: int) -> int:
    """Let the consumer take what is due of what was set aside, then the next positions.

    How many positions and events that were; 0 also while another worker reads for it. Raises what
    the database says when it is away: nothing was done then.
    """
    held = (await session.execute(_HOLD, {"consumer": consumer.name})).first()
    if held is None:
        return 0
    again = await due(session, consumer.name, RETRIES)
    for event in again:
        await _again(session, consumer, event)
    upto = min(held.position + batch, held.last)
    if upto <= held.position:
        return len(again)
    span = {"after": held.position, "upto": upto, "types": list(consumer.types)}
    events = [Happened(*row) for row in await session.execute(_READ, span)]
    if events:
        behind = await subjects_waiting(session, consumer.name, events)
        await _taken(session, consumer, events, behind)
    await session.execute(_MOVE, {"consumer": consumer.name, "upto": upto})
    return len(again) + upto - held.position


async def newest(session: AsyncSession) -> int:
    """The last position there is."""
    return await session.scalar(select(EventSequence.position)) or 0


async def position_of(session: AsyncSession, consumer: Consumer) -> int:
    """How far the consumer is."""
    place = select(EventCursor.position).where(EventCursor.consumer == consumer.name)
    return await session.scalar(place) or 0


async def begin_anew(session: AsyncSession, consumer: Consumer) -> None:
    """Forget all the consumer did and let it take every event again; waits for who reads now."""
    await enrol(session, consumer)
    await session.execute(_WAIT_FOR, {"consumer": consumer.name})
    await forget(session, consumer.name)
    await consumer.forget(session)
    await session.execute(_MOVE, {"consumer": consumer.name, "upto": 0})


async def _taken(
    session: AsyncSession, consumer: Consumer, events: Sequence[Happened], behind: set[Subject]
) -> None:
    """All in one go; if that fails by halves, until the one that cannot be taken stands alone."""
    await set_aside(session, consumer.name, [one for one in events if one.subject in behind])
    free = [one for one in events if one.subject not in behind]
    if not free:
        return
    problem = await _problem(session, consumer, free)
    if problem is None:
        return
    if len(free) == 1:
        await set_aside(session, consumer.name, free, problem)
        behind.add(free[0].subject)
        return
    middle = len(free) // 2
    await _taken(session, consumer, free[:middle], behind)
    await _taken(session, consumer, free[middle:], behind)


async def _again(session: AsyncSession, consumer: Consumer, event: Happened) -> None:
    problem = await _problem(session, consumer, [event])
    if problem is None:
        await taken(session, consumer.name, event)
    else:
        await postponed(session, consumer.name, event, problem)


async def _problem(
    session: AsyncSession, consumer: Consumer, events: Sequence[Happened]
) -> str | None:
    """Why these cannot be taken, with nothing of them done; None when they are taken."""
    try:
        async with session.begin_nested():
            await consumer.take(session, events)
    except Exception as error:
        if is_away(error):
            raise
        if len(events) == 1:
            log.exception(
                "an event cannot be taken", consumer=consumer.name, event_id=str(events[0].id)
            )
        said = error.detail if isinstance(error, InnkeeperError) else type(error).__name__
        return said[:PROBLEM_MAX]
    return None
