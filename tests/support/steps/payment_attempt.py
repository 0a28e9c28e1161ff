"""The steps of a try to be paid, before a provider that would be asked twice only once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from activities.attempt_order import Purse
from activities.payment_attempt import Attempting
from domain import keys
from domain.lives import Look, Subject
from domain.money import Money
from domain.movement import MovementState
from domain.payment_account import AccountMode, Provider
from domain.payment_attempt import LATE_AUTHORISATION, PAGE_LIVES, AttemptStatus, PayBy
from domain.provider_patience import GRACE
from models.attempt_asking import ask_to_close
from models.attempt_news import page_closed
from models.pay_link import PayLinks
from models.payment_attempt import PaymentAttempt, locked
from providers.cards import Cards
from providers.payments import Asked, Gateway, Movement, Opened, PageState, Standing
from tests.support.attempt import an_account, an_attempt, hears, opened, told
from tests.support.debt import Debt, a_debt, ten
from tests.support.house import House, a_tenant
from tests.support.twice import Ground, Step, twice
from tests.support.web import a_vault

NOW = ten(date(2026, 10, 10))


@dataclass
class Till:
    """A provider that opens a page once, and says of it what it was told to say."""

    state: PageState = PageState.open
    asked: list[str] = field(default_factory=list)

    def of(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Gateway:
        """The one gateway there is."""
        del provider, mode, credentials
        return _Counter(self)

    def cards(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Cards:
        """This provider keeps none."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is connected."""

    async def opens(self, asked: Asked) -> Opened:
        """A page, and never a second one."""
        assert "open" not in self.asked, "a page was asked for twice"
        self.asked.append("open")
        return page_of(asked)


class _Counter(Gateway):
    """The till as one account sees it."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def open(self, asked: Asked) -> Opened:
        """As the till does."""
        return await self._till.opens(asked)

    async def look_up(self, asked: Asked, provider_id: str | None) -> Standing:
        """As it stands."""
        del provider_id
        return Standing(page_of(asked), self._till.state)

    async def close(self, asked: Asked, provider_id: str) -> Standing:
        """It is closed, however often."""
        del provider_id
        return Standing(page_of(asked), PageState.closed)

    async def capture(self, provider_payment_id: str, amount: Money) -> Movement:
        """It is taken, however often."""
        return Movement(
            provider_payment_id, MovementState.captured, amount, NOW, page_id="page_of_the_till"
        )

    async def check(self) -> None:
        """The keys are good."""


def page_of(asked: Asked) -> Opened:
    """The one page there is."""
    return Opened("page_of_the_till", asked.expires_at, "https://pay.example/page")


@dataclass(frozen=True, slots=True)
class Scene:
    """An attempt of a house, and the steps of its life."""

    debt: Debt
    attempt: PaymentAttempt
    purse: Purse
    attempting: Attempting
    subject: Subject

    @property
    def house(self) -> House:
        return self.debt.house

    @property
    def by(self) -> PayBy:
        return PayBy(self.attempt.by)

    async def change(self, change: Callable[[AsyncSession], Awaitable[object]]) -> None:
        """Something happens to it, in a transaction of its own."""
        async with self.house.session() as session:
            await change(session)


async def a_scene(ground: Ground, state: PageState = PageState.open) -> Scene:
    """Somebody wants to pay a debt by link."""
    house = await a_tenant(ground.database)
    vault = a_vault()
    await an_account(house, vault, Provider.razorpay)
    debt = await a_debt(house, date(2026, 10, 20))
    attempt = await an_attempt(debt, PayBy.link, NOW)
    workflow_id = keys.payment_attempt(house.tenant_id, attempt.id)
    purse = Purse(Till(state), PayLinks("https://house.example", vault))
    attempting = Attempting(ground.database, ground.store_id, purse)
    subject = Subject(house.tenant_id, attempt.id, workflow_id)
    return Scene(debt, attempt, purse, attempting, subject)


async def _open(ground: Ground, state: PageState = PageState.open) -> Scene:
    scene = await a_scene(ground, state)
    await scene.attempting.open_page(Look(scene.subject, NOW))
    return scene


@twice(Attempting.look)
async def somebody_wants_to_pay(ground: Ground) -> Step:
    scene = await a_scene(ground)
    return Step(scene.attempting.look, (Look(scene.subject, NOW),))


@twice(Attempting.open_page)
async def the_page_is_asked_for(ground: Ground) -> Step:
    scene = await a_scene(ground)
    return Step(scene.attempting.open_page, (Look(scene.subject, NOW),))


@twice(Attempting.look_up)
async def the_answer_was_lost(ground: Ground) -> Step:
    scene = await a_scene(ground)

    async def lose(session: AsyncSession) -> None:
        attempt = await locked(session, scene.attempt.id)
        attempt.status, attempt.unknown_since = AttemptStatus.unknown, NOW

    await scene.change(lose)
    return Step(scene.attempting.look_up, (Look(scene.subject, NOW + timedelta(minutes=5)),))


@twice(Attempting.take_money)
async def a_payment_waits(ground: Ground) -> Step:
    scene = await a_scene(ground)
    attempt = await opened(scene.house, scene.attempt, NOW)
    await hears(scene.house, told(attempt, NOW, MovementState.authorized), NOW)
    return Step(scene.attempting.take_money, (Look(scene.subject, NOW),))


@twice(Attempting.close_page)
async def the_money_came_another_way(ground: Ground) -> Step:
    scene = await _open(ground)

    async def close(session: AsyncSession) -> None:
        await ask_to_close(session, await locked(session, scene.attempt.id), NOW)

    await scene.change(close)
    return Step(scene.attempting.close_page, (Look(scene.subject, NOW),))


@twice(Attempting.end_page)
async def nobody_paid(ground: Ground) -> Step:
    scene = await _open(ground)
    return Step(scene.attempting.end_page, (Look(scene.subject, NOW + PAGE_LIVES + GRACE),))


@twice(Attempting.look_up_late)
async def nobody_paid_late_either(ground: Ground) -> Step:
    scene = await _open(ground, PageState.closed)
    await scene.change(lambda session: page_closed(session, scene.attempt.id, NOW))
    at = NOW + PAGE_LIVES + LATE_AUTHORISATION
    return Step(scene.attempting.look_up_late, (Look(scene.subject, at),))
