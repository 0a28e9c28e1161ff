"""The view of payments by day is made of events alone, and says what the payments say."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.events import remade
from domain.errors import Refused
from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.bounce import bounce
from models.database import Database
from models.payment import Payment, PaymentMethod
from models.payment_day import PaymentDays
from tests.support.attempt import an_account, an_attempt, hears, opened, told
from tests.support.books import DUE, booked, money
from tests.support.debt import RENT_MINOR, a_debt, pay, ten
from tests.support.events import caught_up, happens, letters_fall_due
from tests.support.house import House, a_resident, a_tenant
from tests.support.payment_days import shown, wanted
from tests.support.soak import soaked
from tests.support.web import a_vault

LATER = ten(date(2026, 11, 20))
ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("pay"),
            st.integers(1, 4_000_00),
            st.integers(0, 9),
            st.sampled_from(sorted(PaymentMethod)),
        ),
        st.tuples(
            st.just("cheque"), st.integers(1, 4_000_00), st.integers(0, 9), st.just("cheque")
        ),
        st.tuples(st.just("bounce"), st.integers(0, 9), st.integers(0, 9), st.just("cheque")),
        st.tuples(st.just("read"), st.just(0), st.just(0), st.just("")),
    ),
    min_size=2,
    max_size=12,
)


@settings(settings.get_profile("house"), max_examples=soaked(200, tenth=15))
@given(acts=ACTS)
async def test_whatever_is_paid_and_bounces_the_view_says_what_the_payments_say(
    database: Database, house: House, acts: list[tuple[str, int, int, str]]
) -> None:
    """Read now and then, or all at once, and made anew from the first event."""
    resident = await a_resident(house)
    cheques: list[Payment] = []
    for what, minor, number, method in acts:
        at = LATER + timedelta(days=number)
        if what == "read":
            await caught_up(database, PaymentDays())
        elif what == "bounce" and cheques:
            cheque = cheques.pop(minor % len(cheques))
            async with house.session() as session:
                await bounce(session, cheque.id, at, "No cover")
        elif what != "bounce":
            day = LATER.date() - timedelta(days=number)
            new = money(resident.id, minor, day, PaymentMethod(method))
            payment = await booked(house, new, LATER)
            if method == PaymentMethod.CHEQUE:
                cheques.append(payment)
    await caught_up(database, PaymentDays())
    found = await shown(database)
    assert found == await wanted(database)
    await remade(database, PaymentDays())
    assert await shown(database) == found


async def test_money_through_a_provider_is_told_apart(database: Database, house: House) -> None:
    await an_account(house, a_vault(), Provider.razorpay)
    debt = await a_debt(house, date(2026, 10, 20))
    now = ten(date(2026, 10, 10))
    attempt = await opened(house, await an_attempt(debt, PayBy.link, now), now)
    await hears(house, told(attempt, now), now)
    await pay(await a_debt(house, DUE), ten(DUE))
    await caught_up(database, PaymentDays())
    found = await shown(database)
    assert {key[3:] for key in found} == {("razorpay", "upi"), ("manual", "cash")}
    assert found == await wanted(database)
    assert all(one == (1, RENT_MINOR, 0, 0) for one in found.values())


async def test_a_refused_act_leaves_no_trace_in_it(database: Database, house: House) -> None:
    payment = await pay(await a_debt(house, DUE), ten(DUE))
    try:
        async with house.session() as session:
            await bounce(session, payment.id, LATER, "It is no cheque")
    except Refused:
        pass
    await caught_up(database, PaymentDays())
    assert await shown(database) == await wanted(database)


async def test_what_was_told_in_older_words_is_understood(database: Database, house: House) -> None:
    """Before it said by which mode and for which day: over the counter, on the day it was told."""
    said = {"resident_id": "x", "amount_minor": 500, "currency": "INR", "method": "cash"}
    await happens(house, type="payment.received", data=said)
    await caught_up(database, PaymentDays())
    key = (house.tenant_id, date(2026, 10, 20), "INR", "manual", "cash")
    assert await shown(database) == {key: (1, 500, 0, 0)}


async def test_an_event_without_an_amount_is_set_aside_and_the_rest_is_shown(
    database: Database,
) -> None:
    houses = [await a_tenant(database) for _ in range(2)]
    await happens(houses[0], type="payment.completed", data={"currency": "INR"})
    for house in houses:
        await pay(await a_debt(house, DUE), ten(DUE))
    await caught_up(database, PaymentDays())
    await letters_fall_due(database)
    await caught_up(database, PaymentDays())
    assert await shown(database) == await wanted(database)
