"""What the steps of a saved card do when news comes while they ask, or asking is impossible."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from activities.payment_method import Keeping
from domain.errors import InnkeeperError, Refused, Unavailable
from domain.payment_method import MethodStatus, SavedCard
from models import method_asking
from models.database import Database
from models.method_news import method_told
from models.payment_method import SavedMethod
from models.record import Task
from providers.cards import SetupAsked
from providers.payments import Opened, PageState
from tests.support.books import rows
from tests.support.method import VISA, a_method, kept, method_row, opened_method
from tests.support.steps.payment_method import NOW, Drawer, Shelf, a_shelf
from tests.support.twice import Ground

Meanwhile = Callable[[], Awaitable[object]]


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    return await a_shelf(Ground(database))


async def told(shelf: Shelf, name: str = "") -> bool | None:
    """The provider has news of the method."""
    method = await method_row(shelf.house, shelf.method.id)
    async with shelf.house.session() as session:
        named = name or method.page_id or "?"
        method_id = None if name else method.id
        return await method_told(session, method.account_id, method_id, named, NOW)


@dataclass
class Interrupted(Drawer):
    """A provider whose answer comes after something else happened, as an error if it has one."""

    meanwhile: list[Meanwhile] = field(default_factory=list[Meanwhile])
    error: InnkeeperError | None = None

    async def opens(self, asked: SetupAsked, customer: str) -> Opened:
        """What happens meanwhile, then the answer."""
        opened = await super().opens(asked, customer)
        for happens in self.meanwhile:
            await happens()
        if self.error is not None:
            raise self.error
        return opened


def before(shelf: Shelf, drawer: Drawer) -> Keeping:
    """The same steps before another provider."""
    return Keeping(shelf.house.database, "a-store", replace(shelf.purse, gateways=drawer))


async def removed(shelf: Shelf) -> None:
    """The card is not wanted any more."""
    async with shelf.house.session() as session:
        await method_asking.remove(session, shelf.method.id, NOW)


async def test_news_that_comes_while_the_page_is_opened_is_looked_into(shelf: Shelf) -> None:
    drawer = Interrupted(PageState.paid, meanwhile=[lambda: told(shelf)])
    keeping = before(shelf, drawer)
    outlook = await keeping.open_setup_page(shelf.look())
    assert (outlook.stage, outlook.step, outlook.at) == ("pending", "look_up_card", NOW)
    await keeping.look_up_card(shelf.look())
    assert (await method_row(shelf.house, shelf.method.id)).status == "active"


async def test_every_question_is_answered_once(shelf: Shelf) -> None:
    await opened_method(shelf.house, shelf.method, NOW)
    for _ in range(3):
        assert await told(shelf)
    outlook = await shelf.keeping.look_up_card(shelf.look())
    assert outlook.at is not None
    assert outlook.at > NOW
    assert await told(shelf)
    assert (await shelf.keeping.look(shelf.look())).at == NOW


@pytest.mark.parametrize("error", [None, Refused("no"), Unavailable("not now")])
async def test_what_is_removed_while_its_page_is_opened_leaves_no_page(
    shelf: Shelf, error: InnkeeperError | None
) -> None:
    drawer = Interrupted(meanwhile=[lambda: removed(shelf)], error=error)
    keeping = before(shelf, drawer)
    outlook = await keeping.open_setup_page(shelf.look())
    if error is None:
        assert (outlook.stage, outlook.step) == ("removing", "end_setup_page")
        outlook = await keeping.end_setup_page(shelf.look())
    assert (outlook.stage, outlook.step) == ("removed", None)


async def test_without_an_address_to_come_back_to_no_page_is_asked_for(shelf: Shelf) -> None:
    purse = replace(shelf.purse, links=replace(shelf.purse.links, public=""))
    keeping = Keeping(shelf.house.database, "a-store", purse)
    for _ in range(2):
        await keeping.open_setup_page(shelf.look())
    failed = await method_row(shelf.house, shelf.method.id)
    assert (failed.status, failed.failure_code) == ("failed", "NO_PUBLIC_ADDRESS")
    assert await rows(shelf.house, Task) == []


async def test_keys_that_are_refused_end_it_and_ask_for_others(shelf: Shelf) -> None:
    keeping = before(shelf, Interrupted(error=Refused("who?", code="CREDENTIALS")))
    await keeping.open_setup_page(shelf.look())
    (task,) = await rows(shelf.house, Task)
    assert (task.what, task.subject_id) == ("check_credentials", shelf.method.account_id)


@dataclass
class Emptied(Drawer):
    """A provider that keeps the card no more."""

    async def now(self, card: SavedCard) -> SavedCard | None:
        """It is gone."""
        del card
        return None


async def test_a_card_that_is_gone_at_the_provider_is_gone_here(shelf: Shelf) -> None:
    await opened_method(shelf.house, shelf.method, NOW)
    await kept(shelf.house, shelf.method, NOW)
    assert await told(shelf, "pm_of_somebody_else") is None
    assert await told(shelf, VISA.provider_id)
    outlook = await before(shelf, Emptied()).look_up_card(shelf.look())
    assert (outlook.stage, outlook.step) == ("removed", None)
    assert await told(shelf, VISA.provider_id) is False
    assert not (await method_row(shelf.house, shelf.method.id)).is_default


async def test_two_cards_left_at_once_make_one_default(shelf: Shelf) -> None:
    """Whichever is first; the other waits for it and sees it."""
    await opened_method(shelf.house, shelf.method, NOW)
    later = NOW + timedelta(hours=11, minutes=45)  # the first page is about to close
    other = await a_method(shelf.house, shelf.method.resident_id, later)
    assert other.id != shelf.method.id
    await opened_method(shelf.house, other, later)
    cards = [replace(VISA, provider_id=name) for name in ("pm_1", "pm_2")]
    await asyncio.gather(
        kept(shelf.house, shelf.method, later, cards[0]), kept(shelf.house, other, later, cards[1])
    )
    found = await rows(shelf.house, SavedMethod)
    assert [one.status for one in found] == [MethodStatus.active] * 2
    assert sum(one.is_default for one in found) == 1
