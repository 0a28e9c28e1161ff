"""Repair, as its schedule runs it: what was lost lives again, what is well does not notice."""

from datetime import timedelta

from sqlalchemy import select, text
from temporalio.testing import WorkflowEnvironment

from models.life import LifeRow
from models.message import Purpose
from runtime.lives import HOMES
from runtime.temporal import store_id
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt
from tests.support.underway import Underway, under_way
from workflows import queues
from workflows.repair import Repair

FORGET_THE_WAKE_UP = (
    "delete from wakes",
    "update next_actions set recorded_at = recorded_at - interval '6 minutes'",
)


async def behind_everybodys_back(house: Underway, *statements: str) -> None:
    async with house.house.session() as session:
        for statement in statements:
            await session.execute(text(statement))


async def repaired(house: Underway, name: str = "repair-now") -> int:
    """One round, run by the worker."""
    woken: int = await house.env.client.execute_workflow(
        Repair.run, id=name, task_queue=queues.LIVES
    )
    return woken


async def stores(house: Underway, debt: Debt) -> list[str]:
    async with house.house.session() as session:
        seen = select(LifeRow.store_id).where(LifeRow.subject_id == debt.invoice_id)
        return list(await session.scalars(seen))


async def test_an_invoice_whose_wake_up_was_lost_begins_to_live(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Nobody told Temporal; the rows remember."""
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, (house.clock.now() + timedelta(days=20)).date())
        await behind_everybodys_back(house, *FORGET_THE_WAKE_UP)
        async with house.worker():
            with env.auto_time_skipping_disabled():
                assert await repaired(house) == 1
            await house.driver.until_quiet()
            assert await house.lives_on(debt.workflow_id)
            with env.auto_time_skipping_disabled():
                assert await repaired(house, "again") == 0


async def test_lives_of_a_lost_store_come_back_and_say_nothing_twice(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Every life that another store knew is started here, with what it had already done."""
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, (house.clock.now() + timedelta(days=20)).date())
        async with house.worker():
            await house.driver.to(debt.after(-2))
            await behind_everybodys_back(house, "update lives set store_id = 'lost'")
            with env.auto_time_skipping_disabled():
                assert await repaired(house) == 1
            await house.driver.until_quiet()
            assert await stores(house, debt) == [await store_id(env.client)]
            await house.driver.to(debt.after(-1))
        sent = [message.purpose for message in await house.messages()]
        assert sent == [Purpose.REMINDER]


def test_repair_is_no_life_of_a_subject() -> None:
    """It wakes others and is woken by nobody: its schedule starts it."""
    assert Repair.run not in {home.run for home in HOMES.values()}
