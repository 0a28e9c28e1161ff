"""Lives that the rows expect and Temporal may have lost: found by query, woken the ordinary way.

PostgreSQL is the truth. Waking a life that is well costs one look and changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, Interval, String, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

# A plan without a life that is older than this was lost between commit and wake-up.
NO_LIFE_AFTER = timedelta(minutes=5)
# A life that slept past its own hour by this much is not going to look by itself.
OVERSLEPT_AFTER = timedelta(minutes=15)
ANSWERS_KEPT = timedelta(days=30)
# After what is new (3), before what only tells a life to end (5).
PRIORITY = 4

# Of a tenant's billing runs only the first open one is woken: its close wakes the next.
_LOST = """
with first_run as (
  select distinct on (tenant_id) *
    from billing_runs where status in ('queued', 'running')
   order by tenant_id, period, property_id is not null, id
), lost as (
  select a.tenant_id, a.subject_kind, a.subject_id, 'no life' as reason,
         case a.subject_kind when 'invoice' then 'invoice/' when 'message' then 'message/'
           when 'payment_attempt' then 'attempt/' when 'payment_method' then 'method/' end
           || a.tenant_id || '/' || a.subject_id as workflow_id
    from next_actions a
   where a.ordinal = 0
     and a.recorded_at < clock_timestamp() - :no_life_after
  union all
  select r.tenant_id, 'billing_run', r.id, 'no life',
         'billing/' || r.tenant_id || '/' || to_char(r.period, 'YYYY-MM')
           || coalesce('/' || r.property_id, '')
    from first_run r
   where r.recorded_at < clock_timestamp() - :no_life_after
), found as (
  select * from lost
   where not exists (select 1 from lives l where l.tenant_id = lost.tenant_id
                        and l.subject_id = lost.subject_id)
  union all
  select tenant_id, subject_kind, subject_id,
         case when store_id <> :store then 'another store' else 'overslept' end, workflow_id
    from lives where store_id <> :store or awaits_at < :now - :overslept_after
)
select * from found
 where workflow_id is not null
   and not exists (select 1 from wakes w where w.tenant_id = found.tenant_id
                      and w.subject_id = found.subject_id)
"""
_ASKED = (
    bindparam("store", type_=String),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("no_life_after", NO_LIFE_AFTER, Interval),
    bindparam("overslept_after", OVERSLEPT_AFTER, Interval),
)

FIND = text(_LOST).bindparams(*_ASKED)
WAKE = text(
    "insert into wakes (tenant_id, subject_kind, subject_id, workflow_id, priority)"  # noqa: S608 (ours)
    f" select tenant_id, subject_kind, subject_id, workflow_id, {PRIORITY} from ({_LOST}) lost"
    " returning subject_id"
).bindparams(*_ASKED)
FORGET = text(
    "delete from idempotent_answers where claimed_at < clock_timestamp() - :kept returning id"
).bindparams(bindparam("kept", ANSWERS_KEPT, Interval))


@dataclass(frozen=True, slots=True)
class Lost:
    """A life to look after, and how it is known."""

    tenant_id: UUID
    workflow_id: str
    reason: str


async def find_the_lost(session: AsyncSession, store_id: str, now: datetime) -> list[Lost]:
    """Every life that should be looked after and that nobody is waking already."""
    rows = await session.execute(FIND, {"store": store_id, "now": now})
    return [Lost(row.tenant_id, row.workflow_id, row.reason) for row in rows]


async def wake_the_lost(session: AsyncSession, store_id: str, now: datetime) -> int:
    """Ask the relay to wake every one of them; how many."""
    return len((await session.execute(WAKE, {"store": store_id, "now": now})).all())


async def forget_old_answers(session: AsyncSession) -> int:
    """Remove stored answers past their 30 days, by the wall clock; how many."""
    return len((await session.execute(FORGET)).all())
