"""Gives every event its position: 1, 2, 3 … over all tenants, in an order that readers can trust.

An event has a position only after its transaction committed, and positions appear in their order:
whoever has read up to one has seen everything before it. What commits late gets a later position;
nothing is ever passed over. The order within a subject is the order of its transactions.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    Interval,
    TextClause,
    UniqueConstraint,
    bindparam,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.errors import Unavailable
from models.backlog import EVENTS_WAIT, Waiting
from models.base import Base, WalledRow

# Whoever hears it may look for what is new; nobody has to.
CHANNEL: Final = "events"
# Whose lock it is among all that may be taken.
LOCK: Final = int.from_bytes(b"innevent")
# A row's clock is read an instant before its transaction takes its number, and clocks are adjusted.
SLACK: Final = timedelta(milliseconds=500)
# Once it is quiet, what happened last is not to be looked at again for ever.
QUIET: Final = timedelta(seconds=2)
# A connection whose worker lost its power is given up after this, and its locks with it.
SILENT: Final = "30s"


class EventPosition(WalledRow):
    """The place of an event among all events of the house. Written by the relay, append-only."""

    __tablename__ = "event_positions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "event_id"),
        # Not unique: such a key would begin with the tenant. `event_sequence` keeps it so.
        Index("ix_event_positions_position", "position"),
    )

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]


class EventSequence(Base):
    """The last position that was given, and from when on the next events are looked for. One row.

    Every event recorded before `searched_from` has its position. `then_from` will be that instant
    as soon as every transaction that was under way at it is over: those up to `then_xid`.
    """

    __tablename__ = "event_sequence"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    position: Mapped[int]
    searched_from: Mapped[datetime]
    then_from: Mapped[datetime | None]
    then_xid: Mapped[int | None]


class _State(NamedTuple):
    """What a pass begins with: when, and whether all that an earlier one left open is over.

    `stale` says that it looks at events of long ago, all of which may have their positions.
    """

    began: datetime
    waits: bool
    settled: bool
    stale: bool


class _Placed(NamedTuple):
    """What a pass found: how many, when the last of them was recorded, the position before them."""

    amount: int
    last: datetime | None
    before: int


# The planner would rather read every position there is once its statistics are old.
_ALONE = text("""
select pg_try_advisory_xact_lock(:lock),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('idle_in_transaction_session_timeout', :silent, true)
""").bindparams(bindparam("lock", LOCK, BigInteger), silent=SILENT)
_IN_TURN = text("""
select pg_advisory_xact_lock(:lock),
       set_config('idle_in_transaction_session_timeout', :silent, true)
""").bindparams(bindparam("lock", LOCK, BigInteger), silent=SILENT)
# A number of ours that lies ahead is another server's: the house was restored elsewhere.
_BEGIN = text("""
with asked as (select pg_current_snapshot() as now)
select clock_timestamp() as began, s.then_xid is not null as waits,
       coalesce(s.then_xid < pg_snapshot_xmin(a.now)::text::bigint, true) as settled,
       s.searched_from < clock_timestamp() - :quiet
         and exists (select from domain_events e where e.recorded_at >= s.searched_from - :slack)
         as stale,
       coalesce(s.then_xid >= pg_snapshot_xmax(a.now)::text::bigint, false) as elsewhere
  from event_sequence s cross join asked a
""").bindparams(bindparam("quiet", QUIET, Interval), bindparam("slack", SLACK, Interval))
_START_AGAIN = text(
    "update event_sequence set searched_from = '-infinity', then_from = null, then_xid = null"
)
_FOUND = """
with found as (
  select e.tenant_id, e.id, e.recorded_at from domain_events e
   where e.recorded_at >= {since}
     and not exists (select from event_positions p
                      where p.tenant_id = e.tenant_id and p.event_id = e.id)
   order by e.recorded_at, e.id
   limit :batch
), placed as (
  insert into event_positions (tenant_id, event_id, position)
  select f.tenant_id, f.id, s.position + row_number() over (order by f.recorded_at, f.id)
    from found f cross join event_sequence s
)
select count(*) as amount, max(recorded_at) as last,
       (select position from event_sequence) as before
  from found
"""
_SINCE = "(select searched_from - :slack from event_sequence)"
_PLACE = text(_FOUND.format(since=_SINCE)).bindparams(
    bindparam("batch", type_=BigInteger), bindparam("slack", SLACK, Interval)
)
_PLACE_MISSED = text(_FOUND.format(since="'-infinity'")).bindparams(
    bindparam("batch", type_=BigInteger)
)
# `before` holds the counter to what was read: two that counted from the same number cannot commit.
_COUNT = text("""
with counted as (
  update event_sequence set position = position + :amount where position = :before
  returning position
)
select pg_notify(:channel, position::text) from counted
""").bindparams(
    bindparam("amount", type_=BigInteger), bindparam("before", type_=BigInteger), channel=CHANNEL
)
_MOVE = text("""
update event_sequence
   set searched_from = coalesce(then_from, searched_from), then_from = :upto,
       then_xid = case when :upto is not null then pg_current_xact_id()::text::bigint end
 where :full_to is null or then_from is null or then_from <= :full_to
""").bindparams(
    bindparam("upto", type_=DateTime(timezone=True)),
    bindparam("full_to", type_=DateTime(timezone=True)),
)
_MISSED = text("""
select count(*) from domain_events e, event_sequence s
 where e.recorded_at < s.searched_from - :slack
   and not exists (select from event_positions p
                    where p.tenant_id = e.tenant_id and p.event_id = e.id)
""").bindparams(bindparam("slack", SLACK, Interval))
_WAITING = text("""
select count(*) as amount, min(e.recorded_at) as since from domain_events e, event_sequence s
 where e.recorded_at >= s.searched_from - :slack
   and e.recorded_at < clock_timestamp() - :patience
   and not exists (select from event_positions p
                    where p.tenant_id = e.tenant_id and p.event_id = e.id)
""").bindparams(bindparam("slack", SLACK, Interval), bindparam("patience", EVENTS_WAIT, Interval))


async def sequence(session: AsyncSession, batch: int) -> int:
    """Give the next events their positions, at most `batch` of them; how many there were.

    0 also while somebody else is at it: the lock ends with the transaction, whoever dies in it.
    """
    if not await session.scalar(_ALONE):
        return 0
    state = await _begun(session)
    placed = await _placed(session, _PLACE, batch)
    await _moved(session, state, placed, full=placed.amount == batch)
    return placed.amount


async def sequence_missed(session: AsyncSession, batch: int = 100_000) -> int:
    """Look through all events for such without a position, and give them theirs; how many.

    For a clock that was set back by more than the slack, and for what nobody thought of.
    """
    await session.execute(_IN_TURN)
    return (await _placed(session, _PLACE_MISSED, batch)).amount


async def missed(session: AsyncSession) -> int:
    """Events the sequencer will never come by: there should be none."""
    return await session.scalar(_MISSED) or 0


async def waiting(session: AsyncSession) -> Waiting:
    """Events whose position is overdue, and since when the oldest waits."""
    row = (await session.execute(_WAITING)).one()
    return row.amount, row.since


async def _begun(session: AsyncSession) -> _State:
    *state, elsewhere = (await session.execute(_BEGIN)).one()
    if not elsewhere:
        return _State(*state)
    await session.execute(_START_AGAIN)
    return _State(state[0], waits=False, settled=True, stale=True)


async def _placed(session: AsyncSession, place: TextClause, batch: int) -> _Placed:
    placed = _Placed(*(await session.execute(place, {"batch": batch})).one())
    if placed.amount:
        counted = {"amount": placed.amount, "before": placed.before}
        if (await session.execute(_COUNT, counted)).first() is None:
            raise Unavailable("somebody else gives positions")
    return placed


async def _moved(session: AsyncSession, state: _State, placed: _Placed, *, full: bool) -> None:
    """Look from later on the next time, as far as that passes nothing over.

    An event recorded before `upto` that this pass did not see is of a transaction under way now.
    When all of those are over, one more pass that gets beyond `upto` sees whatever they wrote.
    """
    if not state.settled or not (placed.amount or state.waits or state.stale):
        return
    goes_on = placed.amount or not state.waits
    upto = placed.last if full else state.began if goes_on else None
    await session.execute(_MOVE, {"upto": upto, "full_to": placed.last if full else None})
