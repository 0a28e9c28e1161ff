"""Moves the time of a test or a simulation: only when all is quiet, only to the next instant.

The driver moves the time, never the server by itself: a server that skips on its own jumps past
work in flight. Quiet means: nothing to relay, no life due, no workflow task or step on its way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from domain.errors import Unavailable
from models.database import Database
from runtime.clock import SetClock

PATIENCE = timedelta(seconds=45)
_PAUSE_SECONDS = 0.005
_PAUSE_SECONDS_MAX = 0.1

# One statement, so that what it says was true at one moment. `news`: a plan whose life has not
# taken notice of it, because it is being started or a signal is on its way; a run under way.
_STATE = text("""
select distinct 'wake' as kind, workflow_id as name, null::timestamptz as at, '' as version
  from wakes
 union all
select 'life', workflow_id, awaits_at, xmin::text from lives
 union all
select 'delivery', id::text, not_before, '' from deliveries
 where state = 'pending' or (state = 'processing' and leased_until is not null)
 union all
select 'news', a.subject_kind || ' ' || a.subject_id, null, '' from next_actions a
  left join lives l on l.tenant_id = a.tenant_id and l.subject_id = a.subject_id
 where a.ordinal = 0 and (l.id is null or l.awaits_at > a.at)
 union all
select 'news', l.subject_kind || ' ' || l.subject_id, null, '' from lives l
 where not exists (select 1 from next_actions a
                    where a.tenant_id = l.tenant_id and a.subject_id = l.subject_id)
 union all
select 'news', 'billing run ' || id, null, '' from billing_runs
 where status in ('queued', 'running')
""")
_CLOSING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)
_BEGUN = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    }
)
_ENDED = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
    }
)


class Turning(Protocol):
    """A relay: one turn does what is due and says how much that was."""

    async def turn(self) -> int:
        """Do what is due now."""
        ...


class Cyclic(Protocol):
    """A schedule as the driver fires it; the skipping server knows no schedules."""

    def after(self, at: datetime) -> datetime:
        """The next instant it fires, later than `at`."""
        ...

    async def fire(self, at: datetime) -> str:
        """Start what it starts; the id of that workflow."""
        ...


Watch = Callable[[datetime], Awaitable[None]]


class NotQuietError(Exception):
    """Something kept moving, or stood still, for longer than our patience; says what."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the rows say at one moment."""

    wakes: frozenset[str]
    news: Sequence[str]
    lives: Mapping[str, tuple[datetime, str]]
    deliveries: Mapping[str, datetime]

    def instants(self, now: datetime) -> list[datetime]:
        """Everything the rows wait for that is still to come."""
        queued = (at for at in self.deliveries.values() if at > now)
        return [*(at for at, _ in self.lives.values()), *queued]

    def moving(self, now: datetime) -> list[str]:
        """What is to be done by now, in words."""
        return [
            *(f"{name} is to be woken" for name in self.wakes),
            *(f"{name} has unseen news" for name in self.news),
            *(f"delivery {name} is due" for name, at in self.deliveries.items() if at <= now),
            *(f"{name} is due" for name, (at, _) in self.lives.items() if at <= now),
        ]


class Driver:
    """Drives the skipping server `env`, and with it `clock` and whoever is told by `follow`.

    It turns `relays` itself: nobody else may. `watch` is called at every instant, once quiet.
    """

    def __init__(
        self,
        env: WorkflowEnvironment,
        database: Database,
        clock: SetClock,
        relays: Sequence[Turning],
        *,
        schedules: Sequence[Cyclic] = (),
        follow: Watch | None = None,
        watch: Watch | None = None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._env = env
        self._database = database
        self._clock = clock
        self._relays = relays
        self._schedules = schedules
        self._follow = follow
        self._watch = watch
        self._patience = patience
        self._struck = clock.at  # until when the schedules have fired
        self._standing: Mapping[str, tuple[datetime, str]] = {}
        self._restless: set[str] = set()

    async def until_quiet(self) -> None:
        """Wait until all that is due has been done; NotQuietError says what was not."""
        with self._env.auto_time_skipping_disabled():
            await self._settle()

    async def to(self, instant: datetime) -> None:
        """Move to the instant, stopping at everything that is due on the way."""
        with self._env.auto_time_skipping_disabled():
            while True:
                await self._settle()
                upcoming = await self._next_instant()
                if upcoming is None or upcoming > instant:
                    break
                await self._move(upcoming)
                await self._strike(upcoming)
            self._struck = max(self._struck, instant)
            if await self._move(instant):
                await self._settle()

    async def fire(self, schedule: Cyclic) -> None:
        """Fire a schedule now, as one does that was missed."""
        self._restless.add(await schedule.fire(self._clock.at))

    async def away_until(self, instant: datetime) -> None:
        """Let the time pass without waiting for anything; schedules do not fire.

        The server stands still at the first timer that fires while there is no worker.
        """
        with self._env.auto_time_skipping_disabled():
            await self._move(instant)
        self._struck = max(self._struck, instant)

    async def _move(self, instant: datetime) -> bool:
        """Set every clock to the instant, unless it has passed already."""
        moved = instant > self._clock.at
        if moved:
            self._clock.at = instant
            if self._follow is not None:
                await self._follow(instant)
        await self._sleep_until(instant)
        return moved

    async def _sleep_until(self, instant: datetime) -> None:
        """The server keeps its time while a task is on its way, so a call may run out meanwhile."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.total_seconds()
        while (missing := instant - await self._env.get_current_time()) > timedelta():
            try:
                await self._env.sleep(missing)
            except RPCError as error:
                if loop.time() > deadline:
                    self._restless.update(self._standing)
                    tasks = await self._with_tasks() or ["some task waits and nobody takes it"]
                    raise NotQuietError(self._words(tasks)) from error

    async def _strike(self, instant: datetime) -> None:
        """Fire each schedule at every instant of its own up to this one, in their order.

        Our clock runs on while we work, so it may be past the instant of a schedule already.
        """
        due = [(schedule.after(self._struck), schedule) for schedule in self._schedules]
        for at, schedule in sorted(due, key=lambda one: one[0]):
            if at <= instant:
                self._restless.add(await schedule.fire(at))
        self._struck = max(self._struck, instant)

    async def _next_instant(self) -> datetime | None:
        """The earliest thing still to come."""
        fires = [schedule.after(self._struck) for schedule in self._schedules]
        coming = (await self._read()).instants(self._clock.at)
        return min([*coming, *fires], default=None)

    async def _settle(self) -> None:
        """Turn the relays until nothing is left to do and nothing is on its way."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.total_seconds()
        pause = _PAUSE_SECONDS
        await self._moving()  # before the relays: it notes whom they are about to wake
        await self._turn()
        while moving := await self._moving():
            if loop.time() > deadline:
                raise NotQuietError(self._words(moving))
            done = await self._turn()
            pause = _PAUSE_SECONDS if done else min(pause * 1.5, _PAUSE_SECONDS_MAX)
            await asyncio.sleep(pause)
        if self._watch is not None:
            await self._watch(self._clock.at)

    def _words(self, moving: Sequence[str]) -> str:
        listed = "\n  ".join(moving[:20])
        more = f"\n  and {len(moving) - 20} more" if len(moving) > 20 else ""  # noqa: PLR2004
        at = self._clock.at.astimezone(UTC)
        return f"not quiet at {at:%Y-%m-%d %H:%M} after {self._patience}:\n  {listed}{more}"

    async def _turn(self) -> int:
        done = 0
        for relay in self._relays:
            with suppress(Unavailable):
                done += await relay.turn()
        return done

    async def _moving(self) -> list[str]:
        """What is not quiet, in words; empty when all is."""
        state = await self._read()
        self._restless |= state.wakes
        # A life that came, went or was written since it stood still is looked at again.
        changed = set(state.lives.items()) ^ set(self._standing.items())
        self._restless.update(workflow_id for workflow_id, _ in changed)
        self._standing = state.lives
        # The server's clock runs on while work is done: what it says is business time.
        self._clock.at = max(self._clock.at, await self._env.get_current_time())
        return state.moving(self._clock.at) or await self._with_tasks()

    async def _read(self) -> _State:
        async with self._database.platform("time machine") as session:
            rows = (await session.execute(_STATE)).all()
        return _State(
            wakes=frozenset(row.name for row in rows if row.kind == "wake"),
            news=[row.name for row in rows if row.kind == "news"],
            lives={row.name: (row.at, row.version) for row in rows if row.kind == "life"},
            deliveries={row.name: row.at for row in rows if row.kind == "delivery"},
        )

    async def _with_tasks(self) -> list[str]:
        """The restless lives that have a task or a step on its way; the others stand still now."""
        moving: list[str] = []
        for workflow_id in sorted(self._restless):
            if await self._stands_still(workflow_id):
                self._restless.discard(workflow_id)
            else:
                moving.append(f"{workflow_id} has a task on its way")
        return moving

    async def _stands_still(self, workflow_id: str) -> bool:
        try:
            history = await self._env.client.get_workflow_handle(workflow_id).fetch_history()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return True
            raise
        return _idle(history)


def _idle(history: WorkflowHistory) -> bool:
    """Every task and step that began has ended; what is left is a timer or the end."""
    kinds = [event.event_type for event in history.events]
    if kinds and kinds[-1] in _CLOSING:
        return True
    return sum(kind in _BEGUN for kind in kinds) == sum(kind in _ENDED for kind in kinds)
