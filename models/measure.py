"""What the house tells its watchers: a few figures over all tenants, none of which names one.

Cheap enough for every scrape: queues by their index, lives by their row. What is dear is read
from the last reading (models/reading.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import DateTime, Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.numbering import BILL_OF_SUPPLY
from models import invariants
from models.backlog import Following, consumers
from models.database import Database
from models.event_sequence import SLACK
from models.reading import Reading, latest
from models.repair import NO_LIFE_AFTER

SLOW = "slow figures"
PATIENCE = text("set local statement_timeout = '3s'")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; seconds for what ends in `_seconds`, `total` for what only grows."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


_FIGURES = text("""
select 'lives' as name, count(*)::float8 as value, subject_kind as kind, stage as word
  from lives group by subject_kind, stage
 union all
select 'wakes_waiting', count(*), null, null from wakes
 union all
select 'wakes_oldest_seconds',
       coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0), null, null from wakes
 union all
select 'deliveries_open', count(*), channel, state from deliveries
 where state in ('pending', 'processing') group by channel, state
 union all
select 'deliveries_due', count(*), null, null from deliveries
 where state = 'pending' and not_before <= :now
 union all
select 'deliveries_oldest_due_seconds',
       coalesce(extract(epoch from cast(:now as timestamptz) - min(not_before)), 0), null, null
  from deliveries where state = 'pending' and not_before <= :now
 union all
select 'tasks_open', count(*), null, null from tasks where status = 'open'
 union all
select 'tasks_overdue', count(*), null, null from tasks where status = 'open' and due_at < :now
 union all
select 'billing_runs_open', count(*), null, status from billing_runs
 where status in ('queued', 'running') group by status
 union all
select 'invoices_issued_total', coalesce(sum(n.next_number - b.invoice_starting_number), 0), null,
       null
  from number_series n
  join billing_settings b on b.tenant_id = n.tenant_id and n.series in (b.invoice_prefix, :bills)
""").bindparams(bindparam("now", type_=DateTime(timezone=True)), bills=BILL_OF_SUPPLY)
# Of so many of the newest events it is asked whether they have a position: a scrape must be cheap.
COUNTED_MOST = 10_000
# The planner would rather read every position there is once its statistics are old.
_BY_INDEX = text(
    "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
)
_EVENTS = text("""
with newest as (
  select tenant_id, id, recorded_at from domain_events
   where recorded_at >= (select searched_from - :slack from event_sequence)
   order by recorded_at desc limit :most
), unsequenced as materialized (
  select recorded_at from newest e
   where not exists (select from event_positions p
                      where p.tenant_id = e.tenant_id and p.event_id = e.id)
), waiting as (
  select due_at from gateway_logs where status in ('received', 'processing')
)
select 'provider_events_waiting' as name, count(*)::float8 as value from waiting
 union all
select 'provider_events_oldest_seconds',
       greatest(coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0), 0)
  from waiting
 union all
select 'provider_events_dead', count(*) from gateway_logs where status = 'failed'
 union all
select 'events_unsequenced', count(*) from unsequenced
 union all
select 'events_unsequenced_oldest_seconds',
       coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0) from unsequenced
""").bindparams(bindparam("slack", SLACK, Interval), most=COUNTED_MOST)
# What the second label of a figure is called; the first is `kind` or `channel`.
_LABELS: Mapping[str, Sequence[str]] = {
    "lives": ("kind", "stage"),
    "deliveries_open": ("channel", "state"),
    "billing_runs_open": ("kind", "status"),
}
_MESSAGES = text("select state, count(*) as amount from messages group by state")


async def figures(session: AsyncSession, now: datetime) -> list[Figure]:
    """Every figure of this moment; gives up after three seconds a statement."""
    await session.execute(PATIENCE)
    found = [
        Figure(row.name, float(row.value), dict(_labels(row.name, row.kind, row.word)))
        for row in await session.execute(_FIGURES, {"now": now})
    ]
    await session.execute(_BY_INDEX)
    found += [Figure(row.name, float(row.value)) for row in await session.execute(_EVENTS)]
    found += [one for known in await consumers(session) for one in _followed(known)]
    slow = await latest(session, SLOW)
    return [*found, *(_told(slow, now) if slow else ())]


def _labels(name: str, *values: str | None) -> Iterator[tuple[str, str]]:
    for label, value in zip(_LABELS.get(name, ()), values, strict=False):
        if value is not None:
            yield label, value


def _followed(known: Following) -> Iterator[Figure]:
    name = {"consumer": known.consumer}
    yield Figure("event_consumer_lag", known.behind, name)
    yield Figure("event_retries", known.waiting, name)
    yield Figure("event_dead_letters", known.dead, name)


def _told(slow: Reading, now: datetime) -> Iterator[Figure]:
    yield Figure("slow_figures_age_seconds", max(0.0, (now - slow.taken_at).total_seconds()))
    for state, amount in slow.figures.get("messages", {}).items():
        yield Figure("messages", amount, {"state": state})
    for name, amount in slow.figures.get("invariants", {}).items():
        yield Figure("invariant_breaches", amount, {"invariant": name})


async def slow_figures(database: Database) -> dict[str, dict[str, int]]:
    """Breaches of every invariant and messages of every state: seconds of work in a large house."""
    broken = await invariants.check(database, patience=NO_LIFE_AFTER)
    async with database.platform("metrics") as session:
        messages = {row.state: row.amount for row in await session.execute(_MESSAGES)}
    return {
        "invariants": {name: len(found) for name, found in broken.items()},
        "messages": messages,
    }
