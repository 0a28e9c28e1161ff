"""What waits in the house's queues, and for how long: asked by whoever looks after it."""

from datetime import datetime, timedelta

from sqlalchemy import DateTime, Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

# A relay takes a wake-up within a second; one that waits longer means that none is at work.
WAKES_WAIT = timedelta(minutes=1)
# A delivery whose time has come leaves within seconds, unless its carrier or the relay is away.
DELIVERIES_WAIT = timedelta(minutes=15)

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

Waiting = tuple[int, datetime | None]


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
