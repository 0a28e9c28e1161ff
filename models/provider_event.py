"""The queue of provider events: leased, settled in the transaction that books, or put off.

A lease is wall time and says in whose hands an event is. An event whose hand slipped changes
nothing: the booking goes back with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import IllegalTransition, Unavailable
from domain.payment_account import Provider
from models.bulk import driver_of
from models.database import one
from models.fair_queue import fair_heads
from models.gateway_log import GatewayLog, LogStatus

LEASE: Final = timedelta(seconds=60)
TRY_AGAIN: Final = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4))
PROBLEM_MAX: Final = 300
_WALL = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Held:
    """An event in one pair of hands."""

    tenant_id: UUID
    id: UUID
    account_id: UUID
    provider: Provider
    event_id: str
    body: bytes
    tries: int
    leased_until: datetime | None


async def lease(session: AsyncSession, batch: int) -> list[Held]:
    """Take events that wait, each tenant's oldest first and tenants in turn."""
    queue = fair_heads(GatewayLog, _waits, ("due_at", "id"), batch)
    taken = await session.execute(
        update(GatewayLog)
        .where(GatewayLog.tenant_id == queue.c.tenant_id, GatewayLog.id == queue.c.id)
        .values(
            status=LogStatus.PROCESSING,
            leased_until=_WALL + LEASE,
            tries=GatewayLog.tries + 1,
        )
        .returning(
            GatewayLog.tenant_id,
            GatewayLog.id,
            GatewayLog.account_id,
            GatewayLog.provider,
            GatewayLog.event_id,
            GatewayLog.body,
            GatewayLog.tries,
            GatewayLog.leased_until,
        )
    )
    held = [Held(*row[:3], Provider(row[3]), *row[4:]) for row in taken]
    return sorted(held, key=lambda one: one.id)


def _waits(row: type[GatewayLog]) -> ColumnElement[bool]:
    """New or to be tried again, or begun by a relay that died."""
    return or_(
        and_(row.status == LogStatus.RECEIVED, row.due_at <= _WALL),
        and_(row.status == LogStatus.PROCESSING, row.due_at <= _WALL, row.leased_until < _WALL),
    )


async def still_held(session: AsyncSession, held: Sequence[Held]) -> list[Held]:
    """Those of a tenant that nobody else took meanwhile, locked until the transaction ends."""
    rows = await session.execute(
        select(GatewayLog.id, GatewayLog.leased_until)
        .where(
            GatewayLog.id.in_({one.id for one in held}),
            GatewayLog.status == LogStatus.PROCESSING,
        )
        .order_by(GatewayLog.id)
        .with_for_update()
    )
    leases: dict[UUID, datetime | None] = dict(rows.all())
    return [one for one in held if one.id in leases and leases[one.id] == one.leased_until]


async def done(session: AsyncSession, settled: Sequence[tuple[Held, str]], at: datetime) -> None:
    """These are settled, together with what they did; each is still held."""
    driver = await driver_of(session)
    ids = [one.id for one, _ in settled]
    await driver.execute(_DONE, ids, [outcome for _, outcome in settled], at)


_DONE = """
update gateway_logs l set status = 'done', leased_until = null, outcome = s.outcome, done_at = $3,
       problem = null
  from unnest($1::uuid[], $2::text[]) s(id, outcome)
 where l.id = s.id
"""


async def put_off(session: AsyncSession, held: Held, problem: str) -> None:
    """It could not be settled: again in a second, in two, in four; then it waits for a person."""
    again = held.tries <= len(TRY_AGAIN)
    values: dict[str, object] = {"status": LogStatus.RECEIVED if again else LogStatus.FAILED}
    if again:
        values["due_at"] = _WALL + TRY_AGAIN[held.tries - 1]
    await _let_go(session, held, **values, problem=problem[:PROBLEM_MAX])


async def give_back(session: AsyncSession, held: Sequence[Held]) -> None:
    """Nothing was tried: whoever comes next may take them at once."""
    for one_held in held:
        await session.execute(
            _mine(one_held).values(
                status=LogStatus.RECEIVED, leased_until=None, tries=GatewayLog.tries - 1
            )
        )


async def replay(session: AsyncSession, log_id: UUID) -> GatewayLog:
    """Try a dead letter again from the start. IllegalTransition for one that is not dead."""
    log = await one(session, GatewayLog, log_id, lock=True)
    if log.status != LogStatus.FAILED:
        raise IllegalTransition(f"the event is {log.status}; only a dead letter is tried again")
    log.status, log.tries, log.problem = LogStatus.RECEIVED, 0, None
    log.due_at = await session.scalar(select(_WALL)) or log.due_at
    return log


async def _let_go(session: AsyncSession, held: Held, **values: object) -> None:
    found = await session.scalar(
        _mine(held).values(leased_until=None, **values).returning(GatewayLog.id)
    )
    if found is None:
        raise Unavailable("the event is in other hands")


def _mine(held: Held) -> Update:
    return update(GatewayLog).where(
        GatewayLog.tenant_id == held.tenant_id,
        GatewayLog.id == held.id,
        GatewayLog.status == LogStatus.PROCESSING,
        GatewayLog.leased_until == held.leased_until,
    )
