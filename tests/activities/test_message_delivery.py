"""A message its first try did not settle: tried by the ladder, looked up, given up, not doubled."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.message_delivery import Delivering
from domain import keys
from domain.delivery_tries import TRIES_MAX, UNAVAILABLE, UNKNOWN
from domain.lives import Look, Subject
from domain.message_delivery import LADDER, DeliveryState, Step
from domain.next_action import Outlook
from models.invoice import Reminder
from models.message import Purpose
from models.messages import tell
from models.record import Task
from providers.messages import Messenger
from runtime.clock import SetClock
from tests.support.debt import Debt, a_debt, pay
from tests.support.dying import DiedError, Dying
from tests.support.house import ZONE, House, a_resident
from tests.support.post import Post, a_post, deliveries, message_id, state_of
from workers.message_relay import MessageRelay

DUE = date(2026, 10, 5)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hard:
    """A reminder whose first try by the relay was not settled."""

    post: Post
    debt: Debt
    id: UUID
    at: datetime

    @property
    def house(self) -> House:
        return self.debt.house

    def delivering(self, messenger: Messenger | None = None) -> Delivering:
        return Delivering(self.house.database, "a-store", messenger or self.post.messenger)

    def look_at(self, at: datetime) -> Look:
        tenant_id = self.house.tenant_id
        return Look(Subject(tenant_id, self.id, keys.message_delivery(tenant_id, self.id)), at)

    async def look(self, at: datetime) -> Outlook:
        return await ActivityEnvironment().run(self.delivering().look, self.look_at(at))

    async def deliver(self, at: datetime, messenger: Messenger | None = None) -> Outlook:
        await self.post.set_clock(at)
        step = self.delivering(messenger).deliver
        return await ActivityEnvironment().run(step, self.look_at(at))

    async def states(self, channel: str) -> list[tuple[str, str | None]]:
        tries = await deliveries(self.house, self.id)
        return [(one.state, one.error_code) for one in tries[channel]]


async def hard(
    house: House,
    post: Post,
    outcome: str,
    *,
    email: str | None = "",
    hour: timedelta = timedelta(),
    **more: object,
) -> Hard:
    """A reminder whose first try ended so by every channel."""
    resident = await a_resident(house, email=email)
    debt = await a_debt(house, DUE, resident_id=resident.id)
    at = debt.after(1) + hour
    async with house.session() as session:
        message = await tell(
            session,
            resident_id=debt.resident_id,
            purpose=Purpose.REMINDER,
            at=at,
            timezone=ZONE,
        )
        session.add(
            Reminder(invoice_id=debt.invoice_id, rung=1, message_id=message.id, effective_at=at)
        )
    await post.set_clock(at)
    await post.order("twilio", outcome, **more)
    if email is not None:
        await post.order("smtp", outcome, **more)
    await MessageRelay(house.database, post.messenger, SetClock(at)).turn()
    return Hard(post, debt, message.id, at)


@pytest.fixture
async def post() -> AsyncGenerator[Post]:
    async with a_post() as post:
        yield post


async def test_the_life_waits_for_the_next_rung(house: House, post: Post) -> None:
    message = await hard(house, post, "429")
    outlook = await message.look(message.at)
    assert (outlook.stage, outlook.step) == (DeliveryState.processing, Step.deliver)
    assert outlook.at == message.at + LADDER[0]
    assert "try 2 of 7" in outlook.why
    assert await message.deliver(message.at) == outlook
    assert await post.inbox() == []


async def test_the_next_try_delivers_and_a_second_run_sends_nothing(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "429")
    first = await message.deliver(message.at + MINUTE)
    second = await message.deliver(message.at + MINUTE)
    assert first == second
    assert (first.stage, first.step) == (DeliveryState.sent, None)
    assert (len(await post.mails()), len(await post.texts())) == (1, 1)
    assert await message.states("email") == [
        (DeliveryState.failed, UNAVAILABLE),
        (DeliveryState.sent, None),
    ]
    assert (await message.debt.row()).sent_at == message.at + MINUTE


async def test_two_runs_at_once_send_once(house: House, post: Post) -> None:
    message = await hard(house, post, "429")
    await asyncio.gather(*(message.deliver(message.at + MINUTE) for _ in range(4)))
    assert (len(await post.mails()), len(await post.texts())) == (1, 1)


async def test_when_the_ladder_is_used_up_a_person_is_asked(house: House, post: Post) -> None:
    message = await hard(house, post, "429", times=TRIES_MAX)
    outlook = await message.look(message.at)
    times: list[datetime] = []
    while outlook.at is not None:
        times.append(outlook.at)
        outlook = await message.deliver(outlook.at)
    assert [late - early for early, late in pairwise(times)] == list(LADDER[1:])
    assert await message.states("sms") == [(DeliveryState.failed, UNAVAILABLE)] * TRIES_MAX
    assert await state_of(house, message.id) == DeliveryState.failed
    async with house.session() as session:
        task = (await session.scalars(select(Task))).one()
    assert (task.subject_id, task.detail) == (
        message.id,
        "email: UNAVAILABLE; sms: UNAVAILABLE",
    )
    assert await post.inbox() == []


async def test_an_sms_that_arrived_without_an_answer_is_found_and_not_repeated(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "applied-then-timeout", email=None, delay=2)
    outlook = await message.deliver(message.at + MINUTE)
    (text,) = await post.texts()
    assert (outlook.stage, outlook.step) == (DeliveryState.delivered, None)
    tries = (await deliveries(house, message.id))["sms"]
    assert tries[-1].provider_message_id == text["providerMessageId"]
    assert [one.handed_over for one in tries] == [None, None]


async def test_an_sms_that_never_arrived_is_looked_up_and_then_sent(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "timeout", email=None, delay=2)
    assert await message.states("sms") == [(DeliveryState.processing, UNKNOWN)]
    await message.deliver(message.at + MINUTE)
    assert len(await post.texts()) == 1
    assert await message.states("sms") == [
        (DeliveryState.failed, UNKNOWN),
        (DeliveryState.sent, None),
    ]


async def test_a_carrier_that_cannot_be_asked_is_not_given_the_message_again(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "applied-then-timeout", email=None, delay=2)
    await post.order("twilio", "500", operation="messages.list")
    outlook = await message.deliver(message.at + MINUTE)
    assert outlook.at is not None
    assert outlook.at == message.at + MINUTE + LADDER[1]
    assert len(await post.texts()) == 1
    outlook = await message.deliver(outlook.at)
    assert (outlook.stage, outlook.step) == (DeliveryState.delivered, None)
    assert len(await post.texts()) == 1


@pytest.mark.parametrize("after_the_call", [True, False])
async def test_a_run_that_died_is_looked_up_before_anything_is_sent(
    house: House, post: Post, after_the_call: bool
) -> None:
    message = await hard(house, post, "429", email=None)
    with pytest.raises(DiedError):
        await message.deliver(message.at + MINUTE, Dying(post.messenger, after_the_call))
    outlook = await message.deliver(message.at + MINUTE)
    assert outlook.at is not None
    assert outlook.at == message.at + MINUTE + LADDER[1]
    assert len(await post.texts()) == int(after_the_call)
    outlook = await message.deliver(outlook.at)
    known = DeliveryState.delivered if after_the_call else DeliveryState.sent
    assert (outlook.stage, outlook.step) == (known, None)
    assert len(await post.texts()) == 1


async def test_a_mail_nobody_knows_of_goes_again_under_the_same_id(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "applied-then-timeout", delay=2)
    await message.deliver(message.at + MINUTE)
    first, second = await post.mails()
    assert message_id(first) == message_id(second)
    assert len(await post.texts()) == 1


async def test_after_the_last_rung_an_unknown_sms_is_looked_up_once_more(
    house: House, post: Post
) -> None:
    message = await hard(house, post, "429", email=None, times=TRIES_MAX - 1)
    await post.order("twilio", "timeout", delay=2)
    outlook = await message.look(message.at)
    for _ in range(TRIES_MAX - 1):
        assert outlook.at is not None
        outlook = await message.deliver(outlook.at)
    assert outlook.at is not None
    assert (await message.states("sms"))[-1] == (DeliveryState.processing, UNKNOWN)
    outlook = await message.deliver(outlook.at)
    assert (outlook.stage, outlook.step) == (DeliveryState.failed, None)
    assert (await message.states("sms"))[-1] == (DeliveryState.failed, UNKNOWN)
    assert len(await message.states("sms")) == TRIES_MAX
    assert await post.texts() == []


async def test_money_that_came_meanwhile_ends_it(house: House, post: Post) -> None:
    message = await hard(house, post, "429")
    await pay(message.debt, message.at)
    outlook = await message.deliver(message.at + MINUTE)
    assert (outlook.stage, outlook.step) == (DeliveryState.cancelled, None)
    assert [item for item in await post.inbox() if "due" in item["text"]] == []
    assert await state_of(house, message.id) == DeliveryState.cancelled


async def test_an_sms_waits_for_the_morning_while_the_mail_is_tried_at_night(
    house: House, post: Post
) -> None:
    hour = timedelta(hours=10, minutes=59, seconds=30)  # 20:59:30
    message = await hard(house, post, "429", hour=hour)
    outlook = await message.deliver(message.at + MINUTE)
    assert (len(await post.mails()), len(await post.texts())) == (1, 0)
    assert outlook.at is not None
    assert outlook.at == message.debt.after(2) - timedelta(hours=1)
    outlook = await message.deliver(outlook.at)
    assert (outlook.stage, outlook.step) == (DeliveryState.sent, None)
    assert len(await post.texts()) == 1


async def test_a_refusal_on_the_second_try_is_final(house: House, post: Post) -> None:
    message = await hard(house, post, "429", email=None)
    await post.order("twilio", "decline:21610")
    outlook = await message.deliver(message.at + MINUTE)
    assert (outlook.stage, outlook.step) == (DeliveryState.failed, None)
    assert (await message.states("sms"))[-1] == (DeliveryState.failed, "OPTED_OUT")
