"""The relay: turns wake-ups into signals and queued messages into mail and SMS, after commit.

It holds no state. Rows are leased, the network is asked outside any transaction, and a row goes
only when its work is done; a relay that dies leaves its rows to the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, delete, func, or_, update
from temporalio.client import Client

from domain.errors import Unavailable
from domain.lives import Subject
from models import plan
from models.database import Database
from models.fair_queue import fair_heads
from models.gateway_log import after_money
from models.life import SubjectKind, Wake
from runtime.lives import deliver_wake

log = structlog.get_logger()

LEASE = timedelta(seconds=30)
BATCH = 100
IN_FLIGHT = 20
IDLE_SECONDS = 0.2
DOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LeasedWake:
    """Wake-ups of one life, taken together: one signal serves them all."""

    kind: SubjectKind
    subject: Subject
    priority: int
    ids: tuple[UUID, ...]


class WakeRelay:
    """Delivers wake-ups: of each tenant the urgent ones first, and tenants in turn."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client

    async def turn(self) -> int:
        """Deliver one batch; returns how many lives were woken."""
        leased = await self._lease()
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one(wake: LeasedWake) -> tuple[UUID, ...]:
            async with gate:
                try:
                    await deliver_wake(self._client, wake.kind, wake.subject, wake.priority)
                except Unavailable:
                    return ()
                except Exception:
                    # Its lease brings it back; the others, and the worker, go on.
                    log.exception("a wake-up cannot be delivered", life=wake.subject.workflow_id)
                    return ()
            return wake.ids

        done = await asyncio.gather(*(one(wake) for wake in leased))
        delivered = [wake_id for ids in done for wake_id in ids]
        await self._forget(delivered)
        if leased and not delivered:
            raise Unavailable("no wake-up could be delivered")
        return len(leased)

    async def _lease(self) -> list[LeasedWake]:
        queue = fair_heads(Wake, _is_free, ("priority", "recorded_at"), BATCH)
        take = (
            update(Wake)
            .where(Wake.tenant_id == queue.c.tenant_id, Wake.id == queue.c.id)
            .values(leased_until=func.clock_timestamp() + LEASE)
            .returning(Wake)
        )
        async with self._database.platform("relay: wake") as session:
            return _by_life((await session.scalars(take)).all())

    async def _forget(self, ids: Sequence[UUID]) -> None:
        if ids:
            async with self._database.platform("relay: wake") as session:
                await session.execute(delete(Wake).where(Wake.id.in_(ids)))


def _is_free(wake: type[Wake]) -> ColumnElement[bool]:
    """Nobody delivers it. A life that has only to end waits while money waits to be booked."""
    now = func.clock_timestamp()
    free = or_(wake.leased_until.is_(None), wake.leased_until < now)
    return and_(free, or_(wake.priority < plan.LOW, after_money(wake.recorded_at)))


def _by_life(wakes: Sequence[Wake]) -> list[LeasedWake]:
    lives: dict[str, list[Wake]] = {}
    for wake in wakes:
        lives.setdefault(wake.workflow_id, []).append(wake)
    return [
        LeasedWake(
            kind=SubjectKind(group[0].subject_kind),
            subject=Subject(group[0].tenant_id, group[0].subject_id, workflow_id),
            priority=min(wake.priority for wake in group),
            ids=tuple(wake.id for wake in group),
        )
        for workflow_id, group in lives.items()
    ]


async def keep_turning(
    name: str,
    turn: Callable[[], Awaitable[int]],
    stop: asyncio.Event,
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Turn until told to stop: at once while there is work, slowly while somebody is away."""
    while not stop.is_set():
        try:
            pause = 0.0 if await turn() else idle_seconds
        except Unavailable as error:
            log.warning("relay waits", relay=name, why=error.detail)
            pause = DOWN_SECONDS
        if pause:
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue
