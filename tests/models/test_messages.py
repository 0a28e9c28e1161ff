"""What is told to residents: one message a payer, day, purpose and subject; who is told what."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from domain.message_delivery import DeliveryState
from models.bounce import bounce
from models.database import one
from models.invoice import Invoice, Reminder
from models.message import Delivery, Message, Purpose
from models.message_facts import reminded as reminded_by
from models.message_facts import to_remind_of
from models.message_queue import lease
from models.message_wanted import still_wanted
from models.messages import tell
from models.payment import Payment, PaymentMethod
from models.resident import Resident
from tests.support.debt import Debt, a_debt, pay, ten
from tests.support.house import ZONE, House, a_resident
from tests.support.post import deliveries

DUE = date(2026, 10, 5)
LATE_AT_NIGHT = datetime(2026, 10, 6, 17, 30, tzinfo=UTC)  # 23:00 in India
MORNING = datetime(2026, 10, 7, 3, 30, tzinfo=UTC)  # 9:00 there


async def told(
    house: House,
    resident_id: UUID,
    purpose: Purpose,
    at: datetime,
    about_id: UUID | None = None,
    **facts: str,
) -> Message:
    async with house.session() as session:
        return await tell(
            session,
            resident_id=resident_id,
            purpose=purpose,
            at=at,
            timezone=ZONE,
            about_id=about_id,
            facts=facts,
        )


async def reminded(debt: Debt, at: datetime, rung: int = 1) -> Message:
    """A reminder of the debt is queued, as its life does it."""
    message = await told(debt.house, debt.resident_id, Purpose.REMINDER, at)
    async with debt.house.session() as session:
        session.add(
            Reminder(invoice_id=debt.invoice_id, rung=rung, message_id=message.id, effective_at=at)
        )
    return message


async def wanted(house: House, message: Message, at: datetime) -> bool:
    async with house.session() as session:
        return await still_wanted(session, await one(session, Message, message.id), at)


async def listed(house: House, message: Message, at: datetime) -> list[UUID]:
    async with house.session() as session:
        linked = await reminded_by(session, message)
        return [invoice.invoice.id for invoice in await to_remind_of(session, message, linked, at)]


async def change(debt: Debt, **columns: object) -> None:
    async with debt.house.session() as session:
        invoice = await one(session, Invoice, debt.invoice_id)
        for name, value in columns.items():
            setattr(invoice, name, value)


async def test_who_has_mail_and_phone_is_told_by_both(house: House) -> None:
    resident = await a_resident(house)
    message = await told(house, resident.id, Purpose.REMINDER, ten(DUE))
    tries = await deliveries(house, message.id)
    assert (message.state, message.day) == (DeliveryState.pending, DUE)
    assert [one.not_before for one in tries["email"]] == [ten(DUE)]
    assert [one.not_before for one in tries["sms"]] == [ten(DUE)]


async def test_an_sms_told_at_night_waits_for_nine_while_the_mail_does_not(house: House) -> None:
    resident = await a_resident(house)
    message = await told(house, resident.id, Purpose.PROMISE_BROKEN, LATE_AT_NIGHT)
    tries = await deliveries(house, message.id)
    assert tries["email"][0].not_before == LATE_AT_NIGHT
    assert tries["sms"][0].not_before == MORNING


async def test_papers_go_by_mail_alone(house: House) -> None:
    resident = await a_resident(house)
    for purpose in (Purpose.RECEIPT, Purpose.INVOICE):
        message = await told(house, resident.id, purpose, ten(DUE), about_id=resident.id)
        tries = await deliveries(house, message.id)
        assert (len(tries["email"]), len(tries["sms"])) == (1, 0)


async def test_who_has_no_mail_gets_no_paper_and_it_is_no_failure(house: House) -> None:
    resident = await a_resident(house, email=None)
    message = await told(house, resident.id, Purpose.RECEIPT, ten(DUE), about_id=resident.id)
    assert message.state == DeliveryState.cancelled
    assert await deliveries(house, message.id) == {"email": [], "sms": []}


async def test_telling_the_same_twice_on_a_day_is_one_message(house: House) -> None:
    resident = await a_resident(house)
    first = await told(house, resident.id, Purpose.REMINDER, ten(DUE))
    second = await told(house, resident.id, Purpose.REMINDER, ten(DUE) + timedelta(hours=2))
    other_day = await told(house, resident.id, Purpose.REMINDER, ten(DUE) + timedelta(days=1))
    assert first.id == second.id != other_day.id
    assert len((await deliveries(house, first.id))["email"]) == 1


async def test_told_by_many_at_once_it_is_still_one_message(house: House) -> None:
    resident = await a_resident(house)
    messages = await asyncio.gather(
        *(told(house, resident.id, Purpose.REMINDER, ten(DUE)) for _ in range(8))
    )
    assert len({message.id for message in messages}) == 1
    async with house.session() as session:
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 2


async def test_a_message_cancelled_today_is_queued_anew_when_there_is_reason_again(
    house: House,
) -> None:
    resident = await a_resident(house)
    message = await told(house, resident.id, Purpose.REMINDER, ten(DUE))
    async with house.session() as session:
        row = await one(session, Message, message.id)
        row.state = DeliveryState.cancelled
        for delivery in await session.scalars(select(Delivery)):
            delivery.state = DeliveryState.cancelled
    again = await told(house, resident.id, Purpose.REMINDER, ten(DUE) + timedelta(hours=1))
    tries = await deliveries(house, message.id)
    assert (again.id, again.state) == (message.id, DeliveryState.pending)
    assert [(one.attempt, one.state) for one in tries["email"]] == [
        (1, DeliveryState.cancelled),
        (2, DeliveryState.pending),
    ]


async def test_a_reminder_is_wanted_while_its_invoice_asks_for_money(house: House) -> None:
    debt = await a_debt(house, DUE)
    at = debt.after(1)
    message = await reminded(debt, at)
    assert await wanted(house, message, at)
    await change(debt, promised_for=date(2026, 10, 9))
    assert not await wanted(house, message, at)
    await change(debt, promised_for=None, paused_until=date(2026, 10, 10))
    assert not await wanted(house, message, at)
    assert await wanted(house, message, ten(date(2026, 10, 10)))
    await change(debt, paused_until=None, disputed_at=at)
    assert not await wanted(house, message, at)
    await change(debt, disputed_at=None)
    await pay(debt, at)
    assert not await wanted(house, message, at)


async def test_a_reminder_lists_all_that_is_due_of_the_payer_and_nothing_that_is_not(
    house: House,
) -> None:
    debt = await a_debt(house, DUE)
    older = await a_debt(house, date(2026, 9, 5), resident_id=debt.resident_id)
    coming = await a_debt(house, date(2026, 10, 8), resident_id=debt.resident_id)
    await a_debt(house, date(2026, 11, 5), resident_id=debt.resident_id)
    promised = await a_debt(house, date(2026, 9, 9), resident_id=debt.resident_id)
    await change(promised, promised_for=date(2026, 10, 30))
    await a_debt(house, DUE)
    at = debt.after(0)
    message = await reminded(debt, at, rung=0)
    assert await listed(house, message, at) == [
        older.invoice_id,
        debt.invoice_id,
        coming.invoice_id,
    ]


async def test_a_penalty_stands_beside_its_invoice_and_waits_with_it(house: House) -> None:
    debt = await a_debt(house, DUE)
    penalty = await a_debt(house, DUE + timedelta(days=4), resident_id=debt.resident_id)
    async with house.session() as session:
        invoice = await one(session, Invoice, penalty.invoice_id)
        assert invoice.status == "issued"
    at = debt.after(7)
    message = await reminded(debt, at)
    assert await listed(house, message, at) == [debt.invoice_id, penalty.invoice_id]


async def test_a_promise_is_confirmed_while_it_stands_and_mourned_while_it_is_broken(
    house: House,
) -> None:
    debt = await a_debt(house, DUE)
    at = debt.after(2)
    noted = await told(house, debt.resident_id, Purpose.PROMISE_NOTED, at, debt.invoice_id)
    broken = await told(
        house, debt.resident_id, Purpose.PROMISE_BROKEN, at, debt.invoice_id, promised_for="x"
    )
    assert not await wanted(house, noted, at)
    assert await wanted(house, broken, at)
    await change(debt, promised_for=date(2026, 10, 9))
    assert await wanted(house, noted, at)
    assert not await wanted(house, broken, at)
    await pay(debt, at)
    assert not await wanted(house, noted, at)
    assert not await wanted(house, broken, at)


async def test_a_receipt_is_wanted_unless_the_money_bounced(house: House) -> None:
    debt = await a_debt(house, DUE)
    payment = await pay(debt, debt.after(0), method=PaymentMethod.CHEQUE)
    async with house.session() as session:
        message = (
            await session.scalars(select(Message).where(Message.purpose == Purpose.RECEIPT))
        ).one()
    assert message.about_id == payment.id
    assert await wanted(house, message, debt.after(0))
    async with house.session() as session:
        await bounce(session, payment.id, debt.after(1), "no cover")
        assert (await one(session, Payment, payment.id)).status == "bounced"
    assert not await wanted(house, message, debt.after(1))


async def test_an_erased_person_is_told_nothing(house: House) -> None:
    debt = await a_debt(house, DUE)
    message = await reminded(debt, debt.after(1))
    async with house.session() as session:
        (await one(session, Resident, debt.resident_id)).deleted_at = debt.after(1)
    assert not await wanted(house, message, debt.after(1))


async def test_a_due_delivery_is_leased_to_one_and_an_early_one_to_nobody(house: House) -> None:
    resident = await a_resident(house)
    await told(house, resident.id, Purpose.PROMISE_BROKEN, LATE_AT_NIGHT)
    async with house.database.platform("test") as session:
        assert await lease(session, LATE_AT_NIGHT - timedelta(seconds=1), 10) == []
    async with house.database.platform("test") as first:
        assert len(await lease(first, LATE_AT_NIGHT, 10)) == 1
        async with house.database.platform("test") as second:
            assert await lease(second, LATE_AT_NIGHT, 10) == []
    async with house.database.platform("test") as session:
        assert await lease(session, LATE_AT_NIGHT, 10) == []
        assert len(await lease(session, MORNING, 10)) == 1
