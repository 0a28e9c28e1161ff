"""What runs by the calendar, declared in one list: the billing clock of each tenant, and repair.

The list is created in Temporal idempotently and kept complete, so a new tenant's clock begins
within seconds. The time-skipping server knows no schedules: its driver fires the same list.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from domain import keys
from domain.calendar import at_local, local_day
from domain.errors import Unavailable
from domain.lives import Subject
from models.database import Database
from models.tenant import Tenant, TenantStatus
from workflows import queues
from workflows.billing_clock import BillingClock
from workflows.repair import Repair

# A clock that stood still for a year catches up; beyond that a person opens the runs.
CATCH_UP = timedelta(days=365)
HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Declared:
    """One schedule: at that minute of these hours of every day in a zone, start that workflow."""

    id: str
    run: Callable[..., Any]
    queue: str
    minute: int
    zone: str
    hours: Sequence[int]
    subject: Subject | None = None

    @property
    def arguments(self) -> tuple[Subject, ...]:
        """What the workflow is told."""
        return () if self.subject is None else (self.subject,)


REPAIR = Declared("repair", Repair.run, queues.LIVES, minute=40, zone="UTC", hours=tuple(HOURS))


def declared(tenants: Sequence[Tenant]) -> list[Declared]:
    """Every schedule of the house."""
    return [REPAIR, *(billing_clock(tenant) for tenant in tenants)]


def billing_clock(tenant: Tenant) -> Declared:
    """00:15 on the tenant's own clock, every day."""
    clock = keys.billing_clock(tenant.id)
    subject = Subject(tenant.id, tenant.id, clock)
    return Declared(
        clock,
        BillingClock.run,
        queues.BILLING,
        minute=15,
        zone=tenant.timezone,
        hours=(0,),
        subject=subject,
    )


async def wanted(database: Database) -> list[Declared]:
    """What should be there now, by the rows."""
    async with database.platform("schedules") as session:
        rows = await session.scalars(
            select(Tenant).where(Tenant.status.in_((TenantStatus.TRIAL, TenantStatus.ACTIVE)))
        )
        return declared(rows.all())


async def ensure(client: Client, database: Database) -> int:
    """Create what is missing; how many that was. One that is there is left as it is."""
    return await Keeper(client, database).turn()


class Keeper:
    """Keeps Temporal's schedules complete; remembers what it has seen there."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._kept: set[str] = set()

    async def turn(self) -> int:
        """Create what is missing; how many that was."""
        made = 0
        for schedule in await wanted(self._database):
            if schedule.id not in self._kept:
                made += await self._create(schedule)
                self._kept.add(schedule.id)
        return made

    async def _create(self, schedule: Declared) -> int:
        try:
            await self._client.create_schedule(schedule.id, _written(schedule))
        except ScheduleAlreadyRunningError:
            return 0
        except RPCError as error:
            raise Unavailable("Temporal does not answer") from error
        return 1


async def missing(client: Client, database: Database) -> list[str]:
    """The ids of schedules that should be there and are not."""
    there = {entry.id async for entry in await client.list_schedules()}
    return [schedule.id for schedule in await wanted(database) if schedule.id not in there]


def _written(schedule: Declared) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            schedule.run, args=schedule.arguments, id=schedule.id, task_queue=schedule.queue
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(
                    hour=[ScheduleRange(hour) for hour in schedule.hours],
                    minute=[ScheduleRange(schedule.minute)],
                )
            ],
            time_zone_name=schedule.zone,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP),
    )


class Fired:
    """A declared schedule as the driver of skipped time fires it."""

    def __init__(self, client: Client, schedule: Declared) -> None:
        self._client = client
        self._schedule = schedule

    def after(self, at: datetime) -> datetime:
        """The next instant it fires, later than `at`."""
        zone = self._schedule.zone
        day = local_day(at, zone)
        while True:
            for hour in self._schedule.hours:
                instant = at_local(day, time(hour, self._schedule.minute), zone)
                if instant > at:
                    return instant
            day += timedelta(days=1)

    async def fire(self, at: datetime) -> str:
        """Start what it starts, under the id a schedule would give it; once an instant."""
        started = f"{self._schedule.id}-{at:%Y-%m-%dT%H:%M:%SZ}"
        with suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                self._schedule.run,
                args=list(self._schedule.arguments),
                id=started,
                task_queue=self._schedule.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        return started


async def cyclic(client: Client, database: Database, *, repair: bool = False) -> list[Fired]:
    """What the driver fires: every tenant's billing clock, and repair when it is wanted."""
    schedules = await wanted(database)
    return [Fired(client, schedule) for schedule in schedules if repair or schedule is not REPAIR]
