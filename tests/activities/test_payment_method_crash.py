"""A process that dies at any await of a saved card: one customer, one page, one card.

The places to die are read from the code. A story is told once to see where its processes come by,
and then once for each of these places.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from domain.payment_account import Provider
from domain.payment_method import PAGE_LIVES, Step
from models.database import Database
from models.payment_account import CHECK_CREDENTIALS
from tests.support.attempt import KEYS
from tests.support.crash_points import Fate, Place, places_of
from tests.support.method_story import MODULES, UNKNOWN_KEY, Story, a_story, ended
from tests.support.story import FEW, Ground, a_ground, dies_everywhere
from tests.support.web import a_vault

Tale = Callable[[Story], Awaitable[None]]
CUSTOMERS, SESSIONS = "customers.create", "checkout.sessions.create"
PAGE, LIST = "checkout.sessions.retrieve", "checkout.sessions.list"
EXPIRE, DETACH = "checkout.sessions.expire", "payment_methods.detach"

# Whoever dies where, a person hears of keys that do not work.
KEYS_ARE_BAD = frozenset({CHECK_CREDENTIALS})


@dataclass(frozen=True, slots=True)
class Told:
    """A story, how it may end, and what people may be left to do."""

    tale: Tale
    ends: tuple[str, ...]
    tasks: frozenset[str]


STORIES: dict[str, Told] = {}


def story(*ends: str, tasks: str = "") -> Callable[[Tale], Tale]:
    """Register a story."""

    def register(tale: Tale) -> Tale:
        STORIES[tale.__name__] = Told(tale, ends, frozenset(tasks.split()))
        return tale

    return register


@story("active*")
async def a_card_is_left(one: Story) -> None:
    await one.lives(minutes=20)
    await one.leaves()
    await one.hears()
    await one.lives(days=1)


@story("active*")
async def no_event_ever_comes(one: Story) -> None:
    await one.lives(minutes=20)
    await one.leaves()
    await one.lives(days=1)


@story("active*")
async def somebody_asks_how_it_stands(one: Story) -> None:
    await one.stands_open()
    await one.asks_after()
    await one.lives(minutes=1)
    await one.leaves()
    await one.asks_after()
    await one.lives(minutes=1)
    await one.asks_after()
    await one.hears()
    await one.lives(days=1)


@story("active*")
async def the_answer_is_lost(one: Story) -> None:
    await one.orders(SESSIONS, "applied-then-500")
    await one.saves()
    await one.lives(days=1)


@story("active*")
async def it_is_lost_whose_card_it_is(one: Story) -> None:
    await one.orders(CUSTOMERS, "applied-then-500")
    await one.saves()
    await one.lives(days=1)


@story("active*")
async def nobody_waits_long_enough_for_the_answer(one: Story) -> None:
    await one.is_silent(SESSIONS, "applied-then-timeout")
    await one.saves()
    await one.lives(days=1)


@story("active*")
async def the_provider_does_not_answer(one: Story) -> None:
    await one.is_silent(CUSTOMERS)
    await one.saves()
    await one.lives(days=1)


@story("active*")
async def the_provider_says_later(one: Story) -> None:
    await one.orders(CUSTOMERS, "429")
    await one.orders(SESSIONS, "429", times=2)
    await one.saves()
    await one.lives(days=1)


@story("failed")
async def the_provider_refuses(one: Story) -> None:
    await one.orders(SESSIONS, "decline:generic_decline", times=9)
    await one.lives(days=1)


@story("created", tasks="look_up_card")
async def nobody_can_say_what_became_of_it(one: Story) -> None:
    await one.orders(SESSIONS, "500", times=9)
    await one.orders(LIST, "429", times=99)
    await one.lives(days=3)


# Whoever finds only then that there is no page asks for one too late.
@story("expired", "failed")
async def somebody_can_say_in_the_end(one: Story) -> None:
    await one.orders(SESSIONS, "applied-then-500")
    await one.orders(LIST, "429", times=3)
    await one.lives(days=3)
    await one.answers()
    await one.lives(days=1)


# Whoever dies before asking leaves a question that nobody may ask with these keys.
@story("failed", "created", tasks="check_credentials look_up_card")
async def the_keys_are_not_good(one: Story) -> None:
    await one.changes_keys(secretKey=UNKNOWN_KEY)
    await one.lives(days=1)


@story("active*")
async def the_keys_are_not_good_for_a_while(one: Story) -> None:
    await one.stands_open()
    await one.changes_keys(secretKey=UNKNOWN_KEY)
    await one.asks_after()
    await one.lives(minutes=1)
    await one.leaves()
    await one.changes_keys(**KEYS[Provider.stripe])
    await one.answers()
    await one.lives(days=1)


@story("pending", tasks="check_credentials look_up_card end_setup_page")
async def the_keys_are_taken_away(one: Story) -> None:
    await one.stands_open()
    await one.changes_keys(secretKey=UNKNOWN_KEY)
    await one.lives(days=1)


@story("failed", tasks="check_credentials")
async def our_keys_are_sealed_with_other_keys(one: Story) -> None:
    one.purse = replace(one.purse, links=replace(one.purse.links, vault=a_vault()))
    await one.lives(days=1)


@story("pending", tasks="check_credentials look_up_card end_setup_page")
async def they_are_sealed_with_others_meanwhile(one: Story) -> None:
    await one.stands_open()
    one.purse = replace(one.purse, links=replace(one.purse.links, vault=a_vault()))
    await one.lives(days=1)


@story("failed")
async def there_is_no_way_back_to_us(one: Story) -> None:
    one.purse = replace(one.purse, links=replace(one.purse.links, public=""))
    await one.lives(days=1)


@story("expired")
async def nobody_leaves_a_card(one: Story) -> None:
    await one.stands_open()
    await one.orders(PAGE, "429", times=2)
    await one.orders(EXPIRE, "429", times=2)
    await one.lives(days=1)


@story("expired")
async def the_page_ends_and_the_provider_says_so_first(one: Story) -> None:
    await one.stands_open()
    await one.waits_until(one.at + PAGE_LIVES)
    await one.hears()
    await one.lives(days=1)


@story("expired")
async def the_provider_never_opens_a_page_in_time(one: Story) -> None:
    await one.orders(SESSIONS, "429", times=9)
    await one.lives(seconds=1)
    await one.waits_until(one.at + PAGE_LIVES - timedelta(seconds=5))
    await one.lives(days=1)


@story("failed")
async def nobody_works_while_a_page_could_be_open(one: Story) -> None:
    await one.waits_until(one.at + PAGE_LIVES)
    await one.lives(days=1)


@story("expired")
async def the_provider_forgot_the_page(one: Story) -> None:
    await one.stands_open()
    one.forgets_everything()
    await one.asks_after()
    await one.lives(days=1)


@story("expired")
async def asking_after_the_page_is_refused(one: Story) -> None:
    await one.stands_open()
    await one.orders(PAGE, "decline:generic_decline")
    await one.asks_after()
    await one.lives(days=1)


@story("expired")
async def steps_come_too_late(one: Story) -> None:
    for step in Step:
        await one.takes(step)
    await one.lives(days=1)


@story("removed")
async def a_card_is_not_wanted_any_more(one: Story) -> None:
    await one.is_saved()
    await one.removes()
    await one.hears()
    await one.lives(days=1)


@story("removed")
async def the_answer_that_it_is_gone_is_lost(one: Story) -> None:
    await one.is_saved()
    await one.orders(DETACH, "500")
    await one.orders(DETACH, "applied-then-500")
    await one.removes()
    await one.lives(days=1)


@story("removed")
async def nobody_waits_until_it_is_gone(one: Story) -> None:
    await one.is_saved()
    await one.removes()
    await one.is_silent(DETACH, "applied-then-timeout")
    await one.lives(days=1)


@story("removed")
async def it_is_to_be_forgotten_later(one: Story) -> None:
    await one.is_saved()
    await one.orders(DETACH, "429", times=2)
    await one.removes()
    await one.lives(days=1)


@story("removing", tasks="detach")
async def the_provider_will_not_forget_it(one: Story) -> None:
    await one.is_saved()
    await one.orders(DETACH, "decline:card_declined", times=9)
    await one.removes()
    await one.lives(days=1)


@story("removed")
async def it_is_taken_away_at_the_provider(one: Story) -> None:
    await one.is_saved()
    await one.detaches()
    await one.hears()
    await one.lives(days=1)


@story("removed")
async def it_is_removed_before_a_page_is_asked_for(one: Story) -> None:
    await one.removes()
    await one.takes(Step.open_setup_page)
    await one.lives(days=1)


@story("removed")
async def it_is_removed_while_the_answer_is_lost(one: Story) -> None:
    await one.orders(SESSIONS, "applied-then-500")
    await one.lives(minutes=1)
    await one.removes()
    await one.lives(days=1)


@story("removed")
async def it_is_removed_and_was_never_opened(one: Story) -> None:
    await one.orders(SESSIONS, "500", times=9)
    await one.lives(minutes=1)
    await one.removes()
    await one.lives(days=1)


@story("removed")
async def it_is_removed_while_the_page_is_open(one: Story) -> None:
    await one.stands_open()
    await one.removes()
    await one.lives(days=1)
    await one.hears()


@story("removed")
async def a_card_was_left_and_nobody_heard_of_it(one: Story) -> None:
    await one.stands_open()
    await one.leaves()
    await one.removes()
    await one.lives(days=1)


@story("removing", tasks="end_setup_page")
async def the_page_cannot_be_closed(one: Story) -> None:
    await one.stands_open()
    await one.orders(EXPIRE, "decline:generic_decline", times=9)
    await one.removes()
    await one.lives(hours=1)


@story("removed active*")
async def the_provider_forgot_whose_card_it_is(one: Story) -> None:
    await one.is_saved()
    await one.forgets_whose_it_is()
    await one.hears()
    await one.lives(minutes=1)
    await one.asks()
    await one.saves()
    await one.lives(days=1)


@story("active active*")
async def another_card_is_paid_with_from_now_on(one: Story) -> None:
    await one.is_saved()
    await one.asks(make_default=True)
    await one.saves()
    await one.lives(days=1)


async def _told(ground: Ground, name: str, deadly: Place | None) -> Fate:
    """The story, with at most one death in it; whatever happened, it ends as it should."""
    told = STORIES[name]
    fate = Fate(deadly)
    one = await a_story(ground, fate)
    await told.tale(one)
    end = await ended(one)
    assert end.wrong == [], (end, deadly)
    assert end.statuses in told.ends, (end, deadly)
    assert end.tasks <= told.tasks, (end, deadly)
    assert told.tasks & KEYS_ARE_BAD == end.tasks & KEYS_ARE_BAD, (end, deadly)
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
