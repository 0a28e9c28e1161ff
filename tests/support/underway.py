"""A house under way in skipped time: real worker, real relays, and the driver that moves it."""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.calendar import at_local
from domain.errors import Unavailable
from models import plan
from models.database import Actor, Database
from models.life import PlannedAction, SubjectKind
from models.message import Message
from models.record import Task
from runtime.clock import SetClock
from runtime.temporal import store_id
from runtime.time_machine import PATIENCE, Driver, Watch
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt
from tests.support.house import ZONE, House, a_database, a_tenant
from tests.support.recording import Recording
from tests.support.soak import SOAK
from workers import lives
from workers.message_relay import MessageRelay
from workers.relay import WakeRelay

RUNNING = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
# The skipping server starts in the present and only goes forward, so tests live in a later one.
START = datetime.combine(date(2031, 9, 1), time(6, 30), UTC)  # 12:00 in India


class Sometimes(Database):
    """A database that does not answer while it is away."""

    away = False

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID, actor: Actor) -> AsyncGenerator[AsyncSession]:
        """As the real one, unless it is away."""
        if self.away:
            raise Unavailable("the database is away")
        async with super().tenant(tenant_id, actor) as session:
            yield session


@dataclass(frozen=True, slots=True)
class Underway:
    """Everything a test of lives needs to hold in its hands."""

    env: WorkflowEnvironment
    database: Database
    house: House
    clock: SetClock
    carrier: Recording
    driver: Driver
    store_id: str
    lives_database: Sometimes

    def worker(self) -> Worker:
        """The worker of the lives, as production runs it; `async with` it.

        One a test: the skipping server never takes back what it gave to a worker that is gone.
        """
        return lives.worker(self.env.client, self.lives_database, self.carrier, self.store_id)

    async def messages(self) -> list[Message]:
        """Every message of the house, in the order it was asked for."""
        async with self.house.session() as session:
            rows = await session.scalars(select(Message).order_by(Message.effective_at, Message.id))
            return list(rows)

    async def announced(self) -> list[PlannedAction]:
        """Everything the plans say will happen."""
        async with self.house.session() as session:
            return list(await session.scalars(select(PlannedAction).order_by(PlannedAction.at)))

    @contextmanager
    def outage(self) -> Generator[None]:
        """The lives' database does not answer, for the length of the block."""
        self.lives_database.away = True
        try:
            yield
        finally:
            self.lives_database.away = False

    async def turn_relays(self) -> None:
        """One turn of both relays, whatever comes of it."""
        await WakeRelay(self.database, self.env.client).turn()
        await MessageRelay(self.database, self.carrier, self.clock).turn()

    async def wake(self, debt: Debt, times: int = 1) -> None:
        """Ask for a debt's life to be woken."""
        async with self.house.session() as session:
            for _ in range(times):
                await plan.wake(session, SubjectKind.INVOICE, debt.invoice_id, debt.workflow_id)

    async def tasks(self) -> list[Task]:
        """What waits for a person, or did."""
        async with self.house.session() as session:
            return list(await session.scalars(select(Task).order_by(Task.opened_at)))

    async def described(self, workflow_id: str) -> DescribeWorkflowExecutionResponse:
        """What Temporal says of a life; describe() cannot read what was unset on this server."""
        client = self.env.client
        asked = DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        )
        return await client.workflow_service.describe_workflow_execution(asked)

    async def lives_on(self, workflow_id: str) -> bool:
        """The life is running."""
        told = await self.described(workflow_id)
        return told.workflow_execution_info.status == RUNNING

    async def run_id(self, workflow_id: str) -> str:
        """Its present run."""
        return (await self.described(workflow_id)).workflow_execution_info.execution.run_id

    async def history_length(self, workflow_id: str) -> int:
        """The events of its present run."""
        return (await self.described(workflow_id)).workflow_execution_info.history_length

    async def pending(self, workflow_id: str) -> Sequence[PendingActivityInfo]:
        """The steps it waits for."""
        return (await self.described(workflow_id)).pending_activities


@asynccontextmanager
async def under_way(
    env: WorkflowEnvironment,
    urls: DatabaseUrls,
    *,
    watch: Watch | None = None,
    patience: timedelta = 4 * PATIENCE if SOAK else PATIENCE,
) -> AsyncGenerator[Underway]:
    """A house on 1 September 2031 at noon, without a worker yet."""
    clock = SetClock(START)
    carrier = Recording(clock)
    async with a_database(urls, pool_size=20) as database:
        relays = (WakeRelay(database, env.client), MessageRelay(database, carrier, clock))
        driver = Driver(env, database, clock, relays, watch=watch, patience=patience)
        await driver.away_until(START)
        house = await a_tenant(database)
        store = await store_id(env.client)
        sometimes = Sometimes(urls.app, urls.platform, pool_size=20)
        try:
            yield Underway(env, database, house, clock, carrier, driver, store, sometimes)
        finally:
            await sometimes.close()


def at(day: date, hour: int = 12) -> datetime:
    """That hour of a day in India."""
    return at_local(day, time(hour), ZONE)
