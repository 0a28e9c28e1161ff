"""What waits in the house's queues, and for how long: asked by whoever looks after it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import DateTime, Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

# A relay takes a wake-up within a second; one that waits longer means that none is at work.
WAKES_WAIT = timedelta(minutes=1)
# A delivery whose time has come leaves within seconds, unless its carrier or the relay is away.
DELIVERIES_WAIT = timedelta(minutes=15)
# An event of a provider, or of ours, is dealt with in a second; this long means that nobody is.
EVENTS_WAIT = timedelta(minutes=5)

_WAKES = text("""
select count(*) as amount, min(recorded_at) as since from wakes
 where recorded_at < clock_timestamp() - :patience
""").bindparams(bindparam("patience", WAKES_WAIT, Interval))
_DELIVERIES = text("""
select count(*) as amount, min(not_before) as since from deliveries
 where not_before < :now - :patience
   and ((state = 'pending' and (leased_until is null or leased_until < clock_timestamp()))
     or (state = 'processing' and leased_until < clock_timestamp() - :patience))
""").bindparams(
    bindparam("patience", DELIVERIES_WAIT, Interval),
    bindparam("now", type_=DateTime(timezone=True)),
)
_TASKS = text(
    "select count(*) as amount, min(due_at) as since from tasks"
    " where status = 'open' and due_at < :now"
).bindparams(bindparam("now", type_=DateTime(timezone=True)))
_PROVIDER_EVENTS = text("""
select count(*) as amount, min(due_at) as since from gateway_logs
 where status in ('received', 'processing') and due_at < clock_timestamp() - :patience
   and (leased_until is null or leased_until < clock_timestamp())
""").bindparams(bindparam("patience", EVENTS_WAIT, Interval))
_UNREAD = text("""
select sum(s.position - c.position)::bigint as amount, min(p.recorded_at) as since
  from event_cursors c cross join event_sequence s
  join event_positions p on p.position = c.position + 1
 where p.recorded_at < clock_timestamp() - :patience
""").bindparams(bindparam("patience", EVENTS_WAIT, Interval))
_CONSUMERS = text("""
select c.consumer, s.position - c.position as behind,
       (select count(*) from event_dead_letters d
         where d.consumer = c.consumer and d.status = 'received') as waiting,
       (select count(*) from event_dead_letters d
         where d.consumer = c.consumer and d.status = 'failed') as dead
  from event_cursors c cross join event_sequence s
 order by c.consumer
""")
_DEAD_LETTERS = text("""
select (select count(*) from gateway_logs where status = 'failed')
       + (select count(*) from event_dead_letters where status = 'failed')
""")

Waiting = tuple[int, datetime | None]


class Following(NamedTuple):
    """A consumer of events: how many positions it is behind, what it tries again, what is dead."""

    consumer: str
    behind: int
    waiting: int
    dead: int


async def old_wakes(session: AsyncSession) -> Waiting:
    """Wake-ups nobody delivers, and since when the oldest waits."""
    row = (await session.execute(_WAKES)).one()
    return row.amount, row.since


async def stuck_deliveries(session: AsyncSession, now: datetime) -> Waiting:
    """Messages whose time has come and that nobody carries, and for when the oldest was."""
    row = (await session.execute(_DELIVERIES, {"now": now})).one()
    return row.amount, row.since


async def overdue_tasks(session: AsyncSession, now: datetime) -> Waiting:
    """Tasks a person should have settled by now, and by when the oldest."""
    row = (await session.execute(_TASKS, {"now": now})).one()
    return row.amount, row.since


async def stuck_provider_events(session: AsyncSession) -> Waiting:
    """Events of providers that nobody settles, and since when the oldest could be."""
    row = (await session.execute(_PROVIDER_EVENTS)).one()
    return row.amount, row.since


async def unread_events(session: AsyncSession) -> Waiting:
    """Positions that consumers have not come to, and since when the oldest is there to be read."""
    row = (await session.execute(_UNREAD)).one()
    return row.amount or 0, row.since


async def consumers(session: AsyncSession) -> Sequence[Following]:
    """Everybody who follows the events."""
    return [Following(*row) for row in await session.execute(_CONSUMERS)]


async def dead_letters(session: AsyncSession) -> int:
    """Events of either kind that wait for a person."""
    return await session.scalar(_DEAD_LETTERS) or 0
