"""The steps of a card that is saved, before a provider that would open a second page never."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from activities.attempt_order import Purse
from activities.payment_method import Keeping
from domain import keys
from domain.lives import Look, Subject
from domain.payment_account import AccountMode, Provider
from domain.payment_method import PAGE_LIVES, SavedCard
from domain.provider_patience import GRACE
from models import method_asking
from models.pay_link import PayLinks
from models.payment_method import SavedMethod, locked
from providers.cards import Cards, Owner, SetupAsked, SetupStanding
from providers.payments import Gateway, Opened, PageState
from tests.support.attempt import an_account
from tests.support.debt import Debt, a_debt, ten
from tests.support.house import House, a_tenant
from tests.support.method import VISA, a_method, kept, opened_method
from tests.support.twice import Ground, Step, twice
from tests.support.web import a_vault

NOW = ten(date(2026, 10, 10))


@dataclass
class Drawer:
    """A provider that keeps one card, and opens one page for it."""

    state: PageState = PageState.open
    asked: list[str] = field(default_factory=list)

    def of(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Gateway:
        """Nobody is paid here."""
        raise NotImplementedError

    def cards(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Cards:
        """The one drawer there is."""
        del provider, mode, credentials
        return _Drawn(self)

    async def close(self) -> None:
        """Nothing is connected."""

    async def now(self, card: SavedCard) -> SavedCard | None:
        """The card as it is now."""
        return card

    async def opens(self, asked: SetupAsked, customer: str) -> Opened:
        """A page, and never a second one."""
        assert customer == "customer_of_the_drawer"
        assert "open" not in self.asked, "a page was asked for twice"
        self.asked.append("open")
        return page_of(asked)


class _Drawn(Cards):
    """The drawer as one account sees it."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer

    async def owner(self, owner: Owner) -> str:
        """One for everybody."""
        del owner
        assert "owner" not in self._drawer.asked, "a customer was asked for twice"
        self._drawer.asked.append("owner")
        return "customer_of_the_drawer"

    async def open(self, asked: SetupAsked, customer: str) -> Opened:
        """As the drawer does."""
        return await self._drawer.opens(asked, customer)

    async def look_up(self, asked: SetupAsked, page_id: str | None) -> SetupStanding:
        """As it stands."""
        del page_id
        state = self._drawer.state
        return SetupStanding(page_of(asked), state, VISA if state is PageState.paid else None)

    async def close(self, asked: SetupAsked, page_id: str) -> SetupStanding:
        """It is closed, however often."""
        del page_id
        return SetupStanding(page_of(asked), PageState.closed)

    async def card(self, provider_id: str) -> SavedCard | None:
        """As the drawer has it."""
        del provider_id
        return await self._drawer.now(VISA)

    async def detach(self, provider_id: str) -> None:
        """It is forgotten, however often."""
        del provider_id


def page_of(asked: SetupAsked) -> Opened:
    """The one page there is."""
    return Opened("page_of_the_drawer", asked.expires_at, "https://pay.example/page")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A method of a house, and the steps of its life."""

    debt: Debt
    method: SavedMethod
    purse: Purse
    keeping: Keeping
    subject: Subject

    @property
    def house(self) -> House:
        return self.debt.house

    def look(self, **passed: float) -> Look:
        """A look, so much later."""
        return Look(self.subject, NOW + timedelta(**passed))


async def a_shelf(ground: Ground, drawer: Drawer | None = None) -> Shelf:
    """Somebody wants to leave a card."""
    house = await a_tenant(ground.database)
    vault = a_vault()
    await an_account(house, vault, Provider.stripe)
    debt = await a_debt(house, date(2026, 10, 20))
    method = await a_method(house, debt.resident_id, NOW)
    purse = Purse(drawer or Drawer(), PayLinks("https://house.example", vault))
    keeping = Keeping(ground.database, ground.store_id, purse)
    workflow_id = keys.payment_method(house.tenant_id, method.id)
    subject = Subject(house.tenant_id, method.id, workflow_id)
    return Shelf(debt, method, purse, keeping, subject)


@twice(Keeping.look)
async def somebody_wants_to_leave_a_card(ground: Ground) -> Step:
    shelf = await a_shelf(ground)
    return Step(shelf.keeping.look, (shelf.look(),))


@twice(Keeping.open_setup_page)
async def the_page_for_it_is_asked_for(ground: Ground) -> Step:
    shelf = await a_shelf(ground)
    return Step(shelf.keeping.open_setup_page, (shelf.look(),))


@twice(Keeping.look_up_card)
async def the_pages_answer_was_lost(ground: Ground) -> Step:
    shelf = await a_shelf(ground)
    async with shelf.house.session() as session:
        (await locked(session, shelf.method.id)).unknown_since = NOW
    return Step(shelf.keeping.look_up_card, (shelf.look(minutes=5),))


@twice(Keeping.look_up_card)
async def a_card_was_left_and_nobody_told_us(ground: Ground) -> Step:
    shelf = await a_shelf(ground, Drawer(PageState.paid))
    await opened_method(shelf.house, shelf.method, NOW)
    return Step(shelf.keeping.look_up_card, (shelf.look(minutes=5),))


@twice(Keeping.end_setup_page)
async def nobody_left_a_card(ground: Ground) -> Step:
    shelf = await a_shelf(ground)
    await opened_method(shelf.house, shelf.method, NOW)
    async with shelf.house.session() as session:
        (await locked(session, shelf.method.id)).look_ups = 9
    at = NOW + PAGE_LIVES + GRACE
    return Step(shelf.keeping.end_setup_page, (Look(shelf.subject, at),))


@twice(Keeping.detach)
async def a_card_is_no_longer_wanted(ground: Ground) -> Step:
    shelf = await a_shelf(ground)
    await opened_method(shelf.house, shelf.method, NOW)
    await kept(shelf.house, shelf.method, NOW)
    async with shelf.house.session() as session:
        await method_asking.remove(session, shelf.method.id, NOW)
    return Step(shelf.keeping.detach, (shelf.look(),))
