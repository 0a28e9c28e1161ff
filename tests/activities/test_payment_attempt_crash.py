"""A process that dies at any await of a try to be paid: one charge, one payment, one receipt.

The places to die are read from the code. A story is told once to see where its processes come by,
and then once for each of these places.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from activities.attempt_order import Purse
from domain.payment_account import Provider
from domain.payment_attempt import PayBy, Step
from models.attempt_asking import ask_after
from models.database import Database
from models.pay_link import PayLinks
from models.payment_account import CHECK_CREDENTIALS
from models.payment_attempt import locked
from tests.support.attempt_story import MODULES, Story, a_story, ended
from tests.support.crash_points import Fate, Place, places_of
from tests.support.story import FEW, Ground, a_ground, dies_everywhere
from tests.support.web import a_vault

Tale = Callable[[Story], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """A story, on what page it is about, how often is paid there, and how it may end."""

    tale: Tale
    by: PayBy
    charges: int
    ends: tuple[str, ...]


STORIES: dict[str, Told] = {}


def story(by: PayBy, charges: int, *ends: str) -> Callable[[Tale], Tale]:
    """Register a story."""

    def register(tale: Tale) -> Tale:
        STORIES[f"{tale.__name__}-{by}"] = Told(tale, by, charges, ends)
        return tale

    return register


@story(PayBy.link, 1, "captured")
@story(PayBy.checkout, 1, "captured")
@story(PayBy.upi_qr, 1, "captured")
async def somebody_pays(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays()
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
@story(PayBy.checkout, 1, "captured")
async def no_event_ever_comes(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def somebody_asks_whether_it_is_paid(one: Story) -> None:
    await one.lives(minutes=20)
    await one.change(lambda session: _asked_after(one, session))
    await one.lives(minutes=1)
    await one.pays()
    await one.change(lambda session: _asked_after(one, session))
    await one.lives(minutes=1)
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def the_answer_is_lost(one: Story) -> None:
    await one.orders("payment_links.create", "applied-then-500")
    await one.lives(minutes=20)
    await one.pays()
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
@story(PayBy.checkout, 1, "captured")
async def nobody_waits_long_enough_for_the_answer(one: Story) -> None:
    page = "payment_links" if one.account.provider == Provider.razorpay else "checkout.sessions"
    await one.is_silent(f"{page}.create", "applied-then-timeout")
    await one.lives(minutes=20)
    await one.pays()
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def the_provider_says_later(one: Story) -> None:
    await one.orders("payment_links.create", "429", times=2)
    await one.lives(minutes=20)
    await one.pays()
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 0, "failed")
async def the_provider_refuses(one: Story) -> None:
    await one.orders("payment_links.create", "decline:invalid_amount", times=9)
    await one.lives(days=5)


# Whoever dies before asking leaves a question that nobody may ask with these keys.
@story(PayBy.link, 0, "failed", "unknown")
async def the_keys_are_not_good(one: Story) -> None:
    first = ("rzp_test_sunrise", "the-secret-it-came-with-first")
    answer = await one.ground.client.get("/razorpay/v1/payments", auth=first)
    assert answer.status_code == 200, answer.text
    await one.lives(days=5)
    assert CHECK_CREDENTIALS in (await ended(one)).tasks


@story(PayBy.link, 0, "unknown")
async def nobody_can_say_what_became_of_it(one: Story) -> None:
    await one.orders("payment_links.create", "applied-then-500", times=9)
    await one.orders("payment_links.list", "429", times=99)
    await one.lives(days=5)


@story(PayBy.link, 0, "unknown")
async def asking_what_became_of_it_is_refused(one: Story) -> None:
    await one.orders("payment_links.create", "applied-then-500", times=9)
    await one.orders("payment_links.list", "decline:bad_request", times=9)
    await one.lives(days=5)


@story(PayBy.link, 0, "expired")
async def the_last_look_is_refused(one: Story) -> None:
    await one.lives(minutes=20)
    await one.lives(days=1)
    await one.changes_keys(keyId="rzp_test_sunrise", keySecret="the-secret-it-has-now")
    await one.lives(days=5)


@story(PayBy.link, 0, "expired", "failed")
async def nobody_pays(one: Story) -> None:
    await one.lives(minutes=20)
    await one.orders("payment_links.fetch", "429", times=2)
    await one.orders("payment_links.cancel", "429", times=2)
    await one.lives(hours=3)
    await one.orders("payment_links.fetch", "429", times=2)
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 0, "expired")
async def the_provider_forgot_the_page(one: Story) -> None:
    await one.lives(minutes=20)
    one.ground.box.sandbox.bank.state.write("DELETE FROM payment_objects")
    await one.change(lambda session: _asked_after(one, session))
    await one.lives(days=5)


@story(PayBy.link, 0, "cancelled")
async def the_money_comes_another_way(one: Story) -> None:
    await one.lives(minutes=20)
    await one.orders("payment_links.cancel", "429")
    await one.pays_cash()
    await one.lives(days=5)


@story(PayBy.link, 0, "cancelled")
async def the_money_comes_before_the_page_is_open(one: Story) -> None:
    await one.pays_cash()
    await one.lives(days=5)


@story(PayBy.link, 0, "unknown", "cancelled")
async def it_comes_while_the_answer_is_lost(one: Story) -> None:
    await one.orders("payment_links.create", "500", times=9)
    await one.lives(minutes=1)
    await one.pays_cash()
    await one.lives(days=5)


@story(PayBy.link, 0, "pending", "cancelled")
async def a_page_cannot_be_closed(one: Story) -> None:
    await one.lives(minutes=20)
    await one.orders("payment_links.cancel", "decline:bad_request", times=9)
    await one.orders("payment_links.fetch", "decline:bad_request", times=9)
    await one.pays_cash()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def the_bank_says_yes_two_days_later(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays(later=2 * 86_400)
    await one.lives(days=1)
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def taking_the_money_is_put_off(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays(later=2 * 86_400)
    await one.lives(days=2, hours=1)
    await one.orders("payments.capture", "429", times=2)
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 0, "expired", "pending")
async def taking_the_money_is_refused(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays(later=2 * 86_400)
    await one.lives(days=2, hours=1)
    await one.orders("payments.capture", "decline:bad_request", times=9)
    await one.orders("payments.fetch", "decline:bad_request", times=9)
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 0, "failed")
async def there_is_no_way_back_to_us(one: Story) -> None:
    one.purse = Purse(one.ground.purse.gateways, PayLinks("", one.ground.purse.links.vault))
    await one.lives(days=5)


@story(PayBy.link, 0, "pending")
async def there_is_no_way_back_any_more(one: Story) -> None:
    await one.lives(minutes=20)
    one.purse = Purse(one.ground.purse.gateways, PayLinks("", one.ground.purse.links.vault))
    await one.lives(days=5)


@story(PayBy.link, 0, "failed")
async def our_keys_are_sealed_with_other_keys(one: Story) -> None:
    one.purse = Purse(one.ground.purse.gateways, PayLinks("https://pay.example", a_vault()))
    await one.lives(days=5)


@story(PayBy.checkout, 0, "expired")
async def the_page_ends_and_the_provider_says_so_first(one: Story) -> None:
    await one.lives(minutes=20)
    await one.waits_until(one.at + timedelta(minutes=50))
    await one.hears()
    await one.lives(days=5)


@story(PayBy.link, 0, "expired")
async def steps_come_too_late(one: Story) -> None:
    for step in Step:
        await one.takes(step)
    await one.lives(days=5)


@story(PayBy.link, 1, "captured")
async def some_events_make_no_sense(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays()
    await one.keeps("evt_unreadable", "payment.captured", b"nonsense")
    await one.keeps("evt_nothing", "payment.captured", _paid(one, amount=0))
    await one.keeps("evt_strange", "payment.captured", _paid(one, acquirer_data={"rrn": "4\0"}))
    await one.keeps("evt_impossible", "payment.captured", _paid(one, amount=10**30))
    await one.hears()
    await one.lives(days=5)


@story(PayBy.checkout, 1, "captured")
async def some_events_are_of_a_card_nobody_saved_here(one: Story) -> None:
    await one.lives(minutes=20)
    await one.pays()
    kind, card = "payment_method.detached", {"object": {"id": "pm_of_somebody_else"}}
    event = {"id": "evt_of_a_card", "type": kind, "created": int(one.at.timestamp()), "data": card}
    await one.keeps("evt_of_a_card", kind, json.dumps(event).encode())
    await one.hears()
    await one.lives(days=5)


def _paid(one: Story, **wrong: object) -> bytes:
    """A payment on our attempt of which something cannot be."""
    rows = one.ground.box.sandbox.bank.state.rows(
        "SELECT body FROM webhook_deliveries WHERE type = 'payment.captured'"
    )
    event = json.loads(rows[0]["body"])
    event["payload"]["payment"]["entity"] |= {"id": "pay_Impossible0001", **wrong}
    return json.dumps(event).encode()


async def _asked_after(one: Story, session: object) -> None:
    await ask_after(session, await locked(session, one.attempt.id), one.at)  # type: ignore[arg-type]


async def _told(ground: Ground, name: str, deadly: Place | None) -> Fate:
    """The story, with at most one death in it; whatever happened, it ends as it should."""
    told = STORIES[name]
    fate = Fate(deadly)
    one = await a_story(ground, fate, told.by)
    await told.tale(one)
    end = await ended(one)
    assert len(end.charges) == told.charges, (end, deadly)
    assert end.payments == end.charges, (end, deadly)
    assert set(end.receipts) <= {1}, (end, deadly)
    assert end.status in told.ends, (end, deadly)
    assert end.breaches == {}, (end, deadly)
    return fate


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(STORIES)[::FEW])
async def test_whoever_dies_where_it_ends_as_it_should(database: Database, name: str) -> None:
    async with a_ground(database) as ground:
        await dies_everywhere(name, lambda place: _told(ground, name, place))


async def test_every_await_is_a_place_where_somebody_died(database: Database) -> None:
    passed: set[Place] = set()
    async with a_ground(database) as ground:
        for name in STORIES:
            passed |= set((await _told(ground, name, None)).passed)
    never = sorted(set().union(*map(places_of, MODULES)) - passed)
    assert never == [], "\n".join(map(str, never))
