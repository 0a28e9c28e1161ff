"""From a queued row to mail and SMS, exactly once over, whatever dies or stays away in between."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import func, select, update

from domain.delivery_tries import UNAVAILABLE, UNKNOWN
from domain.message_delivery import DeliveryState
from models.database import one
from models.gateway_log import LETS_GO_FIRST, GatewayLog, LogStatus
from models.invoice import Reminder
from models.life import PlannedAction, Wake
from models.message import Delivery, Message, Purpose
from models.message_queue import lease
from models.messages import tell
from models.record import DomainEvent, Task
from models.resident import Resident
from providers.messages import Messenger
from runtime.clock import SetClock
from tests.support.attempt import a_kept_event
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt, pay
from tests.support.dying import DiedError, Dying
from tests.support.house import ZONE, House, a_database, a_resident, a_tenant
from tests.support.post import Post, a_post, deliveries, message_id, state_of
from workers.message_relay import MessageRelay

DUE = date(2026, 10, 5)
NIGHT = datetime(2026, 10, 6, 17, 30, tzinfo=UTC)  # 23:00 in India
MORNING = datetime(2026, 10, 7, 3, 30, tzinfo=UTC)  # 9:00 there


@dataclass(frozen=True, slots=True)
class Scene:
    """A tenant, a post office, a clock, and one relay between them."""

    house: House
    post: Post
    clock: SetClock

    def relay(self, messenger: Messenger | None = None) -> MessageRelay:
        return MessageRelay(self.house.database, messenger or self.post.messenger, self.clock)

    async def turn(self) -> int:
        return await self.relay().turn()

    async def at(self, instant: datetime) -> None:
        self.clock.at = instant
        await self.post.set_clock(instant)

    async def a_reminder(self, *, email: str | None = "") -> tuple[Debt, UUID]:
        """A reminder the day after an invoice was due, at 10:00 there; the clock stands then."""
        resident = await a_resident(self.house, email=email)
        debt = await a_debt(self.house, DUE, resident_id=resident.id)
        await self.at(debt.after(1))
        return debt, await self.told(debt)

    async def told(self, debt: Debt) -> UUID:
        async with self.house.session() as session:
            message = await tell(
                session,
                resident_id=debt.resident_id,
                purpose=Purpose.REMINDER,
                at=self.clock.at,
                timezone=ZONE,
            )
            session.add(
                Reminder(
                    invoice_id=debt.invoice_id,
                    rung=1,
                    message_id=message.id,
                    effective_at=self.clock.at,
                )
            )
        return message.id

    async def lease_ran_out(self) -> None:
        """The minute of the lease has passed."""
        async with self.house.session() as session:
            await session.execute(
                update(Delivery)
                .where(Delivery.leased_until.is_not(None))
                .values(leased_until=Delivery.leased_until - timedelta(minutes=2))
            )

    async def count(self, model: Any) -> int:
        async with self.house.session() as session:
            return await session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with a_database(database_urls) as database, a_post() as post:
        yield Scene(await a_tenant(database), post, SetClock(MORNING))


async def test_a_queued_message_becomes_one_mail_and_one_sms(scene: Scene) -> None:
    debt, reminder = await scene.a_reminder()
    assert await scene.turn() == 2
    assert await scene.turn() == 0
    (mail,), (text,) = await scene.post.mails(), await scene.post.texts()
    assert "10,000.00" in mail["subject"]
    assert (await debt.row()).invoice_number in mail["text"]
    assert "Rs. 10,000.00" in text["text"]
    tries = await deliveries(scene.house, reminder)
    assert await state_of(scene.house, reminder) == DeliveryState.sent
    assert [(one.provider, one.state) for one in (*tries["email"], *tries["sms"])] == [
        ("smtp", DeliveryState.sent),
        ("twilio", DeliveryState.sent),
    ]
    assert all(one.provider_message_id for of in tries.values() for one in of)
    assert all(one.handed_over is None for of in tries.values() for one in of)


async def test_what_was_sent_is_written_on_the_invoice_and_in_the_events(scene: Scene) -> None:
    debt, reminder = await scene.a_reminder()
    await scene.turn()
    assert (await debt.row()).sent_at == debt.after(1)
    async with scene.house.session() as session:
        events = await session.scalars(
            select(DomainEvent).where(DomainEvent.subject_id == reminder)
        )
        assert sorted((one.type, one.data["channel"]) for one in events) == [
            ("message.sent", "email"),
            ("message.sent", "sms"),
        ]


async def test_one_reminder_speaks_of_all_the_payer_owes(scene: Scene) -> None:
    debt, _ = await scene.a_reminder()
    other = await a_debt(scene.house, date(2026, 9, 5), resident_id=debt.resident_id)
    await scene.told(other)
    await scene.turn()
    (mail,) = await scene.post.mails()
    assert "20,000.00" in mail["subject"]
    for one_debt in (debt, other):
        assert (await one_debt.row()).invoice_number in mail["text"]


async def test_a_letter_waits_for_money_to_be_booked_but_not_for_ever(scene: Scene) -> None:
    await scene.a_reminder()
    await a_kept_event(scene.house)
    assert await scene.turn() == 0
    async with scene.house.session() as session:
        of_mail = update(Delivery).where(Delivery.channel == "email")
        recorded = func.clock_timestamp() - LETS_GO_FIRST
        await session.execute(of_mail.values(recorded_at=recorded))
    assert await scene.turn() == 1
    async with scene.house.session() as session:
        await session.execute(update(GatewayLog).values(status=LogStatus.DONE))
    assert await scene.turn() == 1


async def test_money_that_comes_between_queue_and_call_stops_the_message(scene: Scene) -> None:
    debt, reminder = await scene.a_reminder()
    await pay(debt, scene.clock.at)
    await scene.turn()
    assert [mail["subject"] for mail in await scene.post.mails()] == [
        "Received with thanks: ₹10,000.00"
    ]
    assert await scene.post.texts() == []
    assert await state_of(scene.house, reminder) == DeliveryState.cancelled


async def test_at_night_the_mail_leaves_and_the_sms_waits_for_nine(scene: Scene) -> None:
    debt, _ = await scene.a_reminder()
    await scene.at(NIGHT)
    async with scene.house.session() as session:
        await session.execute(update(Delivery).values(not_before=NIGHT))
    assert await scene.turn() == 2
    assert (len(await scene.post.mails()), len(await scene.post.texts())) == (1, 0)
    await scene.at(MORNING - timedelta(seconds=1))
    assert await scene.turn() == 0
    await scene.at(MORNING)
    assert await scene.turn() == 1
    assert len(await scene.post.texts()) == 1
    assert await debt.penalty() is None


async def test_two_relays_at_once_never_send_twice(scene: Scene) -> None:
    for _ in range(15):
        await scene.a_reminder()
    one, other = scene.relay(), scene.relay()
    while sum(await asyncio.gather(one.turn(), other.turn())):
        pass
    mails, texts = await scene.post.mails(), await scene.post.texts()
    assert len({mail["to"] for mail in mails}) == len(mails) == 15
    assert len({text["to"] for text in texts}) == len(texts) == 15


async def test_a_relay_that_dies_before_any_call_leaves_its_rows_to_the_next(
    scene: Scene,
) -> None:
    await scene.a_reminder()
    async with scene.house.database.platform("a relay") as session:
        assert len(await lease(session, scene.clock.at, 10)) == 2
    assert await scene.turn() == 0
    await scene.lease_ran_out()
    assert await scene.turn() == 2
    assert (len(await scene.post.mails()), len(await scene.post.texts())) == (1, 1)


async def test_an_sms_whose_relay_died_after_the_call_is_looked_up_and_not_sent_again(
    scene: Scene,
) -> None:
    debt, reminder = await scene.a_reminder(email=None)
    with pytest.raises(DiedError):
        await scene.relay(Dying(scene.post.messenger, after_the_call=True)).turn()
    assert await state_of(scene.house, reminder) == DeliveryState.processing
    await scene.post.settled()
    # The words would be others by now, and still it is found by those that were handed over.
    await pay(debt, scene.clock.at, 1_000_00)
    await scene.lease_ran_out()
    assert await scene.turn() == 1
    (text,) = await scene.post.texts()
    (sms,) = (await deliveries(scene.house, reminder))["sms"]
    assert sms.provider_message_id == text["providerMessageId"]
    assert await state_of(scene.house, reminder) == DeliveryState.delivered


async def test_an_sms_whose_relay_died_before_the_call_is_looked_up_and_then_sent(
    scene: Scene,
) -> None:
    _, reminder = await scene.a_reminder(email=None)
    with pytest.raises(DiedError):
        await scene.relay(Dying(scene.post.messenger, after_the_call=False)).turn()
    assert await scene.post.texts() == []
    await scene.lease_ran_out()
    assert await scene.turn() == 1
    assert len(await scene.post.texts()) == 1
    assert await state_of(scene.house, reminder) == DeliveryState.sent


async def test_money_that_comes_after_a_relay_died_stops_the_second_try(scene: Scene) -> None:
    debt, reminder = await scene.a_reminder(email=None)
    with pytest.raises(DiedError):
        await scene.relay(Dying(scene.post.messenger, after_the_call=False)).turn()
    await pay(debt, scene.clock.at)
    await scene.lease_ran_out()
    await scene.turn()
    assert await scene.post.texts() == []
    assert await state_of(scene.house, reminder) == DeliveryState.cancelled


async def test_a_mail_whose_relay_died_after_the_call_goes_again_under_the_same_id(
    scene: Scene,
) -> None:
    _, reminder = await scene.a_reminder()
    async with scene.house.session() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.channel == "sms")
            .values(not_before=scene.clock.at + timedelta(days=1))
        )
    with pytest.raises(DiedError):
        await scene.relay(Dying(scene.post.messenger, after_the_call=True)).turn()
    await scene.lease_ran_out()
    await scene.turn()
    first, second = await scene.post.mails()
    assert message_id(first) == message_id(second) == f"<{reminder}@sunrise.example>"
    assert len((await deliveries(scene.house, reminder))["email"]) == 1


async def test_a_refused_address_fails_its_channel_and_not_the_other(scene: Scene) -> None:
    _, reminder = await scene.a_reminder()
    await scene.post.order("smtp", "decline:550", operation="rcpt")
    await scene.turn()
    tries = await deliveries(scene.house, reminder)
    assert [(one.state, one.error_code) for one in tries["email"]] == [
        (DeliveryState.failed, "RECIPIENT_REFUSED")
    ]
    assert [one.state for one in tries["sms"]] == [DeliveryState.sent]
    assert await state_of(scene.house, reminder) == DeliveryState.sent
    assert await scene.count(Task) == 0


async def test_when_every_way_is_refused_a_task_names_the_rule_and_not_the_address(
    scene: Scene,
) -> None:
    debt, reminder = await scene.a_reminder()
    woken = await scene.count(Wake)
    await scene.post.order("smtp", "decline:550", operation="rcpt")
    await scene.post.order("twilio", "decline:21211")
    await scene.turn()
    assert await state_of(scene.house, reminder) == DeliveryState.failed
    async with scene.house.session() as session:
        task = (await session.scalars(select(Task))).one()
        resident = await one(session, Resident, debt.resident_id)
    assert task.subject_id == reminder
    assert task.detail == "email: RECIPIENT_REFUSED; sms: INVALID_RECIPIENT"
    assert resident.email is not None
    assert resident.email not in task.title + task.detail
    assert resident.phone not in task.title + task.detail
    assert await scene.count(Wake) == woken


async def test_a_carrier_that_is_away_leaves_the_rest_to_the_life(scene: Scene) -> None:
    _, reminder = await scene.a_reminder()
    before = await scene.count(Wake)
    await scene.post.order("smtp", "429")
    await scene.post.order("twilio", "429")
    assert await scene.turn() == 2
    assert await scene.turn() == 0
    tries = await deliveries(scene.house, reminder)
    assert [(one.state, one.error_code) for of in tries.values() for one in of] == [
        (DeliveryState.failed, UNAVAILABLE),
        (DeliveryState.failed, UNAVAILABLE),
    ]
    assert await state_of(scene.house, reminder) == DeliveryState.processing
    async with scene.house.session() as session:
        plan = await session.scalars(
            select(PlannedAction).where(PlannedAction.subject_id == reminder)
        )
        (action,) = plan.all()
    assert (action.what, action.at) == ("deliver", scene.clock.at + timedelta(minutes=1))
    assert await scene.count(Wake) > before


async def test_an_answer_that_never_came_is_the_lifes_to_look_up(scene: Scene) -> None:
    _, reminder = await scene.a_reminder(email=None)
    await scene.post.order("twilio", "applied-then-timeout", delay=2)
    await scene.turn()
    await scene.lease_ran_out()
    assert await scene.turn() == 0
    (sms,) = (await deliveries(scene.house, reminder))["sms"]
    assert (sms.state, sms.error_code) == (DeliveryState.processing, UNKNOWN)
    assert sms.leased_until is None
    assert len(await scene.post.texts()) == 1


async def test_every_purpose_has_its_words(scene: Scene) -> None:
    debt, _ = await scene.a_reminder()
    async with scene.house.session() as session:
        for purpose, facts in (
            (Purpose.INVOICE, {}),
            (Purpose.PROMISE_BROKEN, {"promised_for": "2026-10-05"}),
        ):
            await tell(
                session,
                resident_id=debt.resident_id,
                purpose=purpose,
                at=scene.clock.at,
                timezone=ZONE,
                about_id=debt.invoice_id,
                facts=facts,
            )
    await pay(await a_debt(scene.house, DUE), scene.clock.at)
    await scene.turn()
    subjects = {mail["subject"] for mail in await scene.post.mails()}
    assert len(subjects) == 4
    async with scene.house.session() as session:
        states = await session.scalars(select(Message.state))
        assert set(states) == {DeliveryState.sent}


async def test_what_cannot_be_booked_is_still_not_sent_again(
    scene: Scene, database_urls: DatabaseUrls
) -> None:
    _, reminder = await scene.a_reminder()
    connection = await asyncpg.connect(database_urls.superuser)
    await connection.execute(
        "alter table domain_events add constraint broken check (type <> 'message.sent') not valid"
    )
    await connection.close()
    await scene.turn()
    await scene.lease_ran_out()
    assert await scene.turn() == 0
    assert (len(await scene.post.mails()), len(await scene.post.texts())) == (1, 1)
    tries = await deliveries(scene.house, reminder)
    assert {one.state for of in tries.values() for one in of} == {DeliveryState.sent}
