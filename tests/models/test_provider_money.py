"""Money a provider tells of: once in the books, whoever tells it, however often, in any order."""

import asyncio
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from domain.errors import Conflict, InvalidInput
from domain.movement import MovementState
from domain.payment_account import Provider
from domain.payment_attempt import AttemptStatus, PayBy
from models import attempt_asking
from models.attempt_asking import Wanted
from models.attempt_news import page_closed
from models.database import Database
from models.life import Wake
from models.message import Message, Purpose
from models.payment import Payment
from models.provider_money import Outcome
from models.record import Task
from tests.support.attempt import an_account, an_attempt, hears, opened, row, told
from tests.support.books import balances, booked, breaches, money, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt, ten
from tests.support.house import INR, House, a_tenant
from tests.support.soak import soaked
from tests.support.web import a_vault

DUE = date(2026, 10, 20)
NOW = ten(date(2026, 10, 10))


@pytest.fixture
async def debt(house: House) -> Debt:
    await an_account(house, a_vault(), Provider.razorpay)
    await an_account(house, a_vault(), Provider.stripe)
    return await a_debt(house, DUE)


async def test_money_is_booked_once_however_often_it_is_told(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    heard = told(attempt, NOW)
    outcomes = [await hears(debt.house, heard, NOW) for _ in range(3)]
    assert outcomes == [Outcome.booked, Outcome.known, Outcome.known]
    (payment,) = await rows(debt.house, Payment)
    assert (payment.mode, payment.method, payment.provider_payment_id) == (
        "razorpay",
        "upi",
        "pay_1",
    )
    assert (payment.attempt_id, payment.account_id) == (attempt.id, attempt.account_id)
    assert (await row(debt.house, attempt)).status == AttemptStatus.captured
    assert (await debt.row()).status == "paid"
    receipts = [m for m in await rows(debt.house, Message) if m.purpose == Purpose.RECEIPT]
    assert len(receipts) == 1
    assert (await balances(debt.house))["provider_clearing"] == RENT_MINOR
    assert await breaches(debt.house.database) == {}


async def test_a_page_is_found_by_the_providers_name_too(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    heard = told(attempt, NOW, by_page=True)
    assert await hears(debt.house, heard, NOW) is Outcome.booked


async def test_money_nobody_asked_for_is_a_persons_to_place(debt: Debt) -> None:
    attempt = await an_attempt(debt, PayBy.link, NOW)
    stranger = told(attempt, NOW, by_page=True)
    for _ in range(2):
        assert await hears(debt.house, stranger, NOW) is Outcome.unplaced
    (task,) = await rows(debt.house, Task)
    assert task.what == "place_payment pay_1"
    assert await rows(debt.house, Payment) == []


async def test_another_tenants_attempt_is_nobodys(debt: Debt, database: Database) -> None:
    attempt = await an_attempt(debt, PayBy.link, NOW)
    other = await a_tenant(database)
    account = await an_account(other, a_vault(), Provider.razorpay)
    heard = told(attempt, NOW)
    object.__setattr__(heard, "account_id", account.id)
    assert await hears(other, heard, NOW) is Outcome.unplaced


async def test_two_at_once_book_it_once(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    heard = told(attempt, NOW)
    outcomes = await asyncio.gather(*(hears(debt.house, heard, NOW) for _ in range(6)))
    assert sorted(outcomes) == [Outcome.booked, *[Outcome.known] * 5]


async def test_a_payment_that_waits_is_taken_by_its_life(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    heard = told(attempt, NOW, MovementState.authorized)
    assert await hears(debt.house, heard, NOW) is Outcome.waits
    now = await row(debt.house, attempt)
    assert (now.money_waits_id, now.money_waits_minor) == ("pay_1", RENT_MINOR)
    wakes = await rows(debt.house, Wake)
    assert attempt.id in {wake.subject_id for wake in wakes}
    assert await hears(debt.house, told(attempt, NOW), NOW) is Outcome.booked
    assert await hears(debt.house, heard, NOW) is Outcome.known
    assert (await row(debt.house, attempt)).money_waits_id is None


async def test_a_decline_leaves_the_page_open(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    failed = told(attempt, NOW, MovementState.failed)
    assert await hears(debt.house, failed, NOW) is Outcome.declined
    now = await row(debt.house, attempt)
    assert (now.status, now.failure_code) == ("pending", "insufficient_funds")
    # and the very same payment may come through after all
    assert await hears(debt.house, told(attempt, NOW), NOW) is Outcome.booked
    assert await hears(debt.house, failed, NOW) is Outcome.known


async def test_money_after_the_end_is_honoured(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    async with debt.house.session() as session:
        assert await page_closed(session, attempt.id, NOW)
        assert not await page_closed(session, attempt.id, NOW)
    assert (await row(debt.house, attempt)).status == AttemptStatus.expired
    later = NOW + timedelta(days=3)
    assert await hears(debt.house, told(attempt, later), later) is Outcome.booked
    assert (await row(debt.house, attempt)).status == AttemptStatus.captured
    assert (await debt.row()).status == "paid"


async def test_paid_meanwhile_it_is_an_advance_and_a_task(debt: Debt) -> None:
    attempt = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    await booked(debt.house, money(debt.resident_id, RENT_MINOR, NOW.date()), NOW)
    waiting = await row(debt.house, attempt)
    assert waiting.close_asked_at == NOW
    assert await hears(debt.house, told(attempt, NOW), NOW) is Outcome.booked
    late = (await rows(debt.house, Payment))[-1]
    assert late.unallocated_minor == RENT_MINOR
    (task,) = await rows(debt.house, Task)
    assert (task.what, task.subject_id) == ("settle_overpayment", late.id)
    assert await breaches(debt.house.database) == {}


async def test_who_means_to_pay_more_is_not_asked_about_it(debt: Debt) -> None:
    more = RENT_MINOR + 500_00
    attempt = await an_attempt(debt, PayBy.link, NOW, amount_minor=more)
    assert await hears(debt.house, told(attempt, NOW, minor=more), NOW) is Outcome.booked
    (payment,) = await rows(debt.house, Payment)
    assert payment.unallocated_minor == 500_00
    assert await rows(debt.house, Task) == []


async def test_a_part_leaves_the_rest_to_be_asked_for(debt: Debt) -> None:
    attempt = await an_attempt(debt, PayBy.link, NOW, amount_minor=4_000_00)
    await hears(debt.house, told(attempt, NOW, minor=4_000_00), NOW)
    invoice = await debt.row()
    assert (invoice.balance_minor, invoice.status) == (RENT_MINOR - 4_000_00, "issued")
    again = await an_attempt(debt, PayBy.upi_qr, NOW)
    assert again.amount_minor == RENT_MINOR - 4_000_00


async def test_a_second_visit_finds_the_first(debt: Debt) -> None:
    first = await an_attempt(debt, PayBy.link, NOW)
    second = await an_attempt(debt, PayBy.link, NOW + timedelta(minutes=5))
    assert second.id == first.id


async def test_another_way_closes_the_page_that_is_open_first(debt: Debt) -> None:
    first = await opened(debt.house, await an_attempt(debt, PayBy.link, NOW), NOW)
    wanted = Wanted(debt.resident_id, frozenset([debt.invoice_id]), PayBy.checkout, INR)
    async with debt.house.session() as session:
        asked = await attempt_asking.ask(session, wanted, NOW)
    assert asked.attempt is None
    assert [one.id for one in asked.in_the_way] == [first.id]
    async with debt.house.session() as session:
        await page_closed(session, first.id, NOW)
    assert (await row(debt.house, first)).status == AttemptStatus.cancelled
    async with debt.house.session() as session:
        asked = await attempt_asking.ask(session, wanted, NOW)
    assert asked.attempt is not None
    assert asked.attempt.provider == Provider.stripe


async def test_what_cannot_be_asked_for_is_named(debt: Debt, database: Database) -> None:
    stranger = await a_debt(await a_tenant(database), DUE)
    for ids, code in ((frozenset([stranger.invoice_id]), "NOT_OPEN"), (frozenset(), "NOT_OPEN")):
        async with debt.house.session() as session:
            with pytest.raises(InvalidInput) as refused:
                await attempt_asking.ask(
                    session, Wanted(debt.resident_id, ids, PayBy.link, INR), NOW
                )
        assert refused.value.problems[0].code == code
    bare = await a_debt(await a_tenant(database), DUE)
    async with bare.house.session() as session:
        wanted = Wanted(bare.resident_id, frozenset([bare.invoice_id]), PayBy.link, INR)
        with pytest.raises(Conflict, match="no account"):
            await attempt_asking.ask(session, wanted, NOW)


STATES = (MovementState.authorized, MovementState.failed, MovementState.captured)


@settings(settings.get_profile("house"), max_examples=soaked(60))
@given(data=st.data())
async def test_whatever_the_order_the_books_end_the_same(
    database: Database, data: st.DataObject
) -> None:
    """Five payments that fire every event, some twice: as if each had been told once."""
    house = await a_tenant(database)
    await an_account(house, a_vault(), Provider.razorpay)
    debts = [await a_debt(house, DUE) for _ in range(5)]
    attempts = [await an_attempt(debt, PayBy.link, NOW) for debt in debts]
    events = [(n, state) for n in range(5) for state in STATES]
    twice = data.draw(st.lists(st.sampled_from(events), max_size=6))
    for n, state in data.draw(st.permutations(events + twice)):
        await hears(house, told(attempts[n], NOW, state, name=f"pay_{n}"), NOW)
    assert [(await debt.row()).status for debt in debts] == ["paid"] * 5
    assert [(await row(house, one)).status for one in attempts] == ["captured"] * 5
    async with house.session() as session:
        told_of = (
            select(func.count()).select_from(Message).where(Message.purpose == Purpose.RECEIPT)
        )
        assert await session.scalar(told_of) == 5
        assert await session.scalar(select(func.count()).select_from(Task)) == 0
    assert (await balances(house))["provider_clearing"] == 5 * RENT_MINOR
