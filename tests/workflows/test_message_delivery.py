"""The life of a message that is hard to deliver, from the relay's first try to its end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment

from domain.delivery_tries import TRIES_MAX
from domain.message_delivery import DeliveryState, Step
from models.collection import CollectionTerms
from models.life import LifeRow
from models.message import Message, Purpose
from models.messages import tell
from models.task import open_whats
from runtime.clock import SetClock
from runtime.temporal import store_id
from runtime.time_machine import Driver
from tests.support.database import DatabaseUrls
from tests.support.debt import TERMS, Debt, a_debt, pay
from tests.support.house import ZONE, House, a_database, a_tenant
from tests.support.post import Post, a_post, state_of
from workers import lives
from workers.message_relay import MessageRelay
from workers.relay import WakeRelay

# The skipping server starts in the present and only goes forward.
DUE = date(2031, 10, 5)
START = datetime(2031, 9, 20, 6, 30, tzinfo=UTC)


# No reminders and no fee of its own: nothing else is said about it.
QUIET = CollectionTerms(reminders=False, rungs=(), fee=replace(TERMS.fee, enabled=False))
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A house, its post office, and the driver of their time."""

    house: House
    post: Post
    clock: SetClock
    driver: Driver

    async def told(self, hour: timedelta = HOUR) -> tuple[Debt, Message]:
        """A message about an open invoice, queued an hour after 10:00 there; all stands then."""
        debt = await a_debt(self.house, DUE, issued=self.clock.at, terms=QUIET)
        at = debt.after(0) + hour
        await self.driver.to(at)
        async with self.house.session() as session:
            message = await tell(
                session,
                resident_id=debt.resident_id,
                purpose=Purpose.PROMISE_BROKEN,
                at=at,
                timezone=ZONE,
                about_id=debt.invoice_id,
                facts={"promised_for": DUE.isoformat()},
            )
        return debt, message

    async def down(self, times: int) -> None:
        """Both carriers refuse to listen so many times."""
        for carrier in ("smtp", "twilio"):
            await self.post.order(carrier, "429", times=times)

    async def pass_time(self, time: timedelta) -> None:
        await self.driver.to(self.clock.at + time)

    async def arrived(self) -> list[str]:
        """The channels of what arrived about the open money."""
        found = await self.post.inbox()
        return sorted(one["channel"] for one in found if "still open" in one["text"])


@pytest.fixture
async def scene(env: WorkflowEnvironment, database_urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    clock = SetClock(START)
    async with a_database(database_urls, pool_size=20) as database, a_post() as post:
        relays = (
            WakeRelay(database, env.client),
            MessageRelay(database, post.messenger, clock),
        )
        driver = Driver(env, database, clock, relays, follow=post.set_clock)
        await driver.away_until(START)
        await post.set_clock(START)
        house = await a_tenant(database)
        worker = lives.worker(env.client, database, post.messenger, await store_id(env.client))
        async with worker:
            yield Scene(house, post, clock, driver)


async def test_a_carrier_that_comes_back_gets_each_message_once(scene: Scene) -> None:
    _, message = await scene.told()
    await scene.down(3)
    await scene.pass_time(timedelta(minutes=35))
    assert await scene.arrived() == []
    assert await state_of(scene.house, message.id) == DeliveryState.processing
    await scene.pass_time(timedelta(minutes=2))
    assert await scene.arrived() == ["email", "sms"]
    await scene.pass_time(timedelta(days=3))
    assert await scene.arrived() == ["email", "sms"]
    assert await state_of(scene.house, message.id) == DeliveryState.sent


async def test_a_carrier_that_stays_away_becomes_a_task_and_the_life_ends(scene: Scene) -> None:
    _, message = await scene.told()
    await scene.down(TRIES_MAX)
    await scene.pass_time(timedelta(days=3))
    assert await scene.arrived() == []
    assert await state_of(scene.house, message.id) == DeliveryState.failed
    async with scene.house.session() as session:
        assert await open_whats(session, message.id) == {Step.deliver}
        lives_left = await session.scalars(select(LifeRow).where(LifeRow.subject_id == message.id))
        assert lives_left.all() == []


async def test_money_that_comes_between_two_tries_ends_the_life(scene: Scene) -> None:
    debt, message = await scene.told()
    await scene.down(2)
    await scene.pass_time(timedelta(minutes=2))
    await pay(debt, scene.clock.at)
    await scene.pass_time(HOUR)
    assert await scene.arrived() == []
    assert await state_of(scene.house, message.id) == DeliveryState.cancelled


async def test_an_sms_tried_in_the_evening_is_tried_again_in_the_morning(scene: Scene) -> None:
    _, message = await scene.told(timedelta(hours=10, minutes=59, seconds=30))
    await scene.down(1)
    await scene.pass_time(HOUR)
    assert await scene.arrived() == ["email"]
    await scene.pass_time(timedelta(hours=12))
    assert await scene.arrived() == ["email", "sms"]
    assert await state_of(scene.house, message.id) == DeliveryState.sent
