"""The driver of skipped time: it waits for work, says what it waits for, and skips nothing."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models.database import Database
from runtime.clock import SetClock
from runtime.time_machine import Driver, NotQuietError
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt
from tests.support.house import a_database
from tests.support.underway import START, under_way

DUE = date(2031, 10, 5)
DAY = timedelta(days=1)


@activity.defn
async def take_a_while() -> None:
    """A step that is slow in real time."""
    await asyncio.sleep(0.7)


@workflow.defn
class Slowly:
    """Works slowly, day by day."""

    @workflow.run
    async def run(self) -> list[str]:
        """The days on which it worked."""
        days: list[str] = []
        for _ in range(3):
            await workflow.execute_activity(
                take_a_while, start_to_close_timeout=timedelta(seconds=60)
            )
            days.append(f"{workflow.now():%m-%d}")
            await workflow.sleep(DAY)
        return days


class Every:
    """Strikes every so often, slowly; remembers when."""

    def __init__(self, often: timedelta, env: WorkflowEnvironment) -> None:
        self.often = often
        self.struck: list[datetime] = []
        self._env = env

    def after(self, at: datetime) -> datetime:
        """The next multiple of its interval."""
        passed = int((at - START) / self.often) + 1
        return START + passed * self.often

    async def fire(self, at: datetime) -> str:
        """Start the slow workflow once, then only remember."""
        self.struck.append(at)
        await asyncio.sleep(0.3)
        if len(self.struck) == 1:
            await self._env.client.start_workflow(Slowly.run, id="slow", task_queue="slow")
        return "slow"


async def a_driver(env: WorkflowEnvironment, database: Database, *schedules: Every) -> Driver:
    driver = Driver(env, database, SetClock(START), (), schedules=schedules)
    await driver.away_until(START)
    return driver


async def test_time_stands_while_a_task_is_on_its_way(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Three days of work are done on three days, however long each takes."""
    async with a_database(database_urls) as database:
        daily = Every(DAY, env)
        driver = await a_driver(env, database, daily)
        async with Worker(
            env.client, task_queue="slow", workflows=[Slowly], activities=[take_a_while]
        ):
            await driver.to(START + 5 * DAY)
            with env.auto_time_skipping_disabled():
                days = await env.client.get_workflow_handle("slow").result()
        assert days == ["09-02", "09-03", "09-04"]
        assert daily.struck == [START + number * DAY for number in (1, 2, 3, 4, 5)]


async def test_a_schedule_strikes_at_each_of_its_instants_though_work_outlasts_them(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The server's clock runs on during slow work, past the next strokes; none is left out."""
    async with a_database(database_urls) as database:
        often = Every(timedelta(milliseconds=100), env)
        driver = await a_driver(env, database, often)
        async with Worker(
            env.client, task_queue="slow", workflows=[Slowly], activities=[take_a_while]
        ):
            await driver.to(START + timedelta(seconds=1))
        strokes = [START + number * often.often for number in range(1, 11)]
        assert often.struck == strokes


async def test_what_is_not_quiet_is_named(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Nobody turns the relays: the wake-up is named, the time has not moved."""
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, DUE)
        patience = timedelta(seconds=0.2)
        driver = Driver(env, house.database, SetClock(START), (), patience=patience)
        with pytest.raises(NotQuietError, match=f"{debt.workflow_id} is to be woken"):
            await driver.to(START + DAY)
        assert await env.get_current_time() < START + timedelta(minutes=5)


async def test_a_life_without_a_worker_is_named(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The relays delivered the wake-up; nobody looked."""
    async with under_way(env, database_urls, patience=timedelta(seconds=0.5)) as house:
        debt = await a_debt(house.house, DUE)
        with pytest.raises(NotQuietError, match=f"invoice {debt.invoice_id} has unseen news"):
            await house.driver.until_quiet()
        assert datetime.now(UTC) < await env.get_current_time()
