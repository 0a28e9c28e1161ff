"""The billing clock in skipped time: every month has its run, none is opened against a person."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from domain.calendar import Month
from models.billing_run import ask, stop
from models.record import BillingRun, Task
from models.resident import Agreement
from models.task_answer import resolve
from runtime import schedules
from runtime.temporal import innkeeper
from runtime.time_machine import Driver
from tests.support.agreements import many_agreements
from tests.support.database import DatabaseUrls
from tests.support.house import ZONE
from tests.support.underway import Underway, at, under_way
from workers import billing
from workers.message_relay import MessageRelay
from workers.relay import WakeRelay
from workflows.billing_clock import BillingClock

BEFORE = date(2031, 1, 1)
AUGUST = date(2031, 8, 1)


@asynccontextmanager
async def clockwork(house: Underway) -> AsyncGenerator[Driver]:
    """Both workers, and a driver that fires what is declared."""
    relays = (
        WakeRelay(house.database, house.env.client),
        MessageRelay(house.database, house.carrier, house.clock),
    )
    driver = Driver(
        house.env,
        house.database,
        house.clock,
        relays,
        schedules=await schedules.cyclic(house.env.client, house.database),
    )
    bills = billing.worker(house.env.client, house.database, house.store_id)
    async with house.worker(), bills:
        yield driver


async def runs(house: Underway) -> list[tuple[str, str, int]]:
    """Every run: month, status, how many invoices; in the order they were finished."""
    async with house.house.session() as session:
        rows = await session.scalars(select(BillingRun).order_by(BillingRun.finished_at))
        return [(f"{row.period:%Y-%m}", row.status, row.issued_count) for row in rows]


async def test_a_month_is_billed_at_a_quarter_past_midnight_of_its_first_day(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """On the tenant's own clock, and on no other day."""
    async with under_way(env, database_urls) as house, clockwork(house) as driver:
        await many_agreements(house.house, 3, start=BEFORE, billed_through=date(2031, 9, 1))
        await driver.to(at(date(2031, 9, 30)))
        assert await runs(house) == []
        await driver.to(at(date(2031, 10, 1)))
        assert await runs(house) == [("2031-10", "issued", 3)]
        async with house.house.session() as session:
            begun = await session.scalar(select(BillingRun.started_at))
        assert begun is not None
        local = begun.astimezone(ZoneInfo(ZONE))
        midnight = datetime(2031, 10, 1, 0, 15, tzinfo=ZoneInfo(ZONE))
        assert timedelta() <= local - midnight < timedelta(minutes=2)


async def test_three_missed_months_are_opened_at_once_and_billed_in_order(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """One stroke opens them all; each close wakes the next."""
    async with under_way(env, database_urls) as house:
        await many_agreements(house.house, 2, start=BEFORE, billed_through=date(2031, 5, 1))
        async with clockwork(house) as driver:
            await driver.to(at(date(2031, 9, 2)))
        assert await runs(house) == [
            (month, "issued", 2) for month in ("2031-06", "2031-07", "2031-08", "2031-09")
        ]


async def test_who_moves_in_is_billed_on_the_next_day(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The month is open again for whoever came after it was billed."""
    async with under_way(env, database_urls) as house, clockwork(house) as driver:
        await many_agreements(house.house, 2, start=BEFORE, billed_through=AUGUST)
        await driver.to(at(date(2031, 9, 2)))
        await many_agreements(house.house, 1, start=date(2031, 9, 1), billed_through=None)
        await driver.to(at(date(2031, 9, 3)))
        assert await runs(house) == [("2031-09", "issued", 3)]


async def test_a_run_that_a_person_stopped_stays_stopped(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Until a person asks again; then it is finished."""
    async with under_way(env, database_urls) as house, clockwork(house) as driver:
        await many_agreements(house.house, 2, start=BEFORE, billed_through=AUGUST)
        async with house.house.session() as session:
            run = await ask(session, Month(2031, 9), None, house.clock.now(), "test")
            await stop(session, run.id, house.clock.now())
        await driver.to(at(date(2031, 9, 4)))
        assert await runs(house) == [("2031-09", "stopped", 0)]
        async with house.house.session() as session:
            await ask(session, Month(2031, 9), None, house.clock.now(), "test")
        await driver.until_quiet()
        assert await runs(house) == [("2031-09", "issued", 2)]


async def test_who_was_refused_waits_for_a_person_and_is_billed_once_it_is_settled(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The clock does not try again every day; resolving the task is news to the run."""
    async with under_way(env, database_urls) as house, clockwork(house) as driver:
        roster = await many_agreements(house.house, 2, start=BEFORE, billed_through=AUGUST)
        bad = update(Agreement).where(Agreement.id == roster.agreement_ids[0])
        async with house.house.session() as session:
            await session.execute(bad.values(currency="XXX"))
        await driver.to(at(date(2031, 9, 2)))
        async with house.house.session() as session:
            finished = await session.scalar(select(BillingRun.finished_at))
        await driver.to(at(date(2031, 9, 5)))
        async with house.house.session() as session:
            assert await session.scalar(select(BillingRun.finished_at)) == finished
            task = (await session.scalars(select(Task))).one()
            await session.execute(bad.values(currency="INR"))
            await resolve(session, task.id, "typed the currency right", "test", house.clock.now())
        await driver.until_quiet()
        assert await runs(house) == [("2031-09", "issued", 2)]


async def test_its_history_can_be_replayed(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """One stroke, by the code as it is."""
    async with under_way(env, database_urls) as house:
        await many_agreements(house.house, 1, start=BEFORE, billed_through=AUGUST)
        async with clockwork(house) as driver:
            clock = (await schedules.cyclic(env.client, house.database))[0]
            started = await clock.fire(house.clock.now())
            await driver.to(at(date(2031, 9, 2)))
        history: WorkflowHistory = await env.client.get_workflow_handle(started).fetch_history()
        replayer = Replayer(workflows=[BillingClock], plugins=[innkeeper()])
        assert (await replayer.replay_workflow(history)).replay_failure is None
