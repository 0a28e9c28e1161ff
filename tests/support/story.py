"""A life told step by step before the sandbox, by a process that may die anywhere.

The steps are taken as their life takes them: a step that died is taken again, the plan says what
comes next and when, and the time between is skipped.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import iscoroutine, iscoroutinefunction
from types import ModuleType
from typing import Any, TypeVar
from zlib import crc32

import httpx2
from sqlalchemy import AsyncAdaptedQueuePool, update

from activities.attempt_order import Purse
from domain.lives import Look, Subject
from domain.next_action import Outlook
from domain.payment_account import Provider
from models.database import Actor, Database, one
from models.gateway_log import GatewayLog, LogStatus, Told, keep
from models.pay_link import PayLinks
from models.payment_account import PaymentAccount, change_credentials
from models.provider_event import lease
from runtime.gateways import ProviderGateways
from sandbox.main import Running, running
from tests.support.attempt import an_account
from tests.support.crash_points import Fate, Place, mortal
from tests.support.dying import DiedError
from tests.support.house import House, a_tenant
from tests.support.shop import at_sandbox
from tests.support.soak import SOAK
from tests.support.underway import START
from tests.support.web import a_vault

CALLS, EVENTS = "activities.provider_call", "activities.provider_event"
# Outside a soak somebody dies in every so-many-eth story only, at every so-many-eth of its places.
FEW, EVERY = (1, 1) if SOAK else (9, 20)
STEPS_MAX = 60
LISTENER = "http://127.0.0.1:9/"
# A silent provider is waited for as long as this, and is silent for longer.
HURRIED_SECONDS, SILENT_SECONDS = 0.4, 1.0
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Ground:
    """A database and a sandbox that many stories are told in, one after another."""

    database: Database
    box: Running
    client: httpx2.AsyncClient
    purse: Purse


@dataclass(kw_only=True)
class LifeStory(ABC):
    """What is alive in one house; every process in it meets the same fate."""

    ground: Ground
    fate: Fate
    house: House
    account: PaymentAccount
    at: datetime = START
    purse: Purse = field(init=False)
    calls: ModuleType = field(init=False)
    events: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        self.purse = self.ground.purse
        self.calls = mortal(CALLS, self.fate)
        self.events = mortal(EVENTS, self.fate)

    @abstractmethod
    def subjects(self) -> Sequence[Subject]:
        """Who lives in it, the newest last."""

    @abstractmethod
    def _life(self) -> Any:
        """The steps, as a process takes them."""

    async def lives(self, **passed: float) -> None:
        """Everybody's life goes on for so long."""
        end = self.at + timedelta(**passed)
        seen = {subject: await self._again("look", subject) for subject in self.subjects()}
        for _ in range(STEPS_MAX):
            nearest = _nearest(seen)
            if nearest is None or nearest[0] > end:
                return await self.waits_until(end)
            at, step, subject = nearest
            await self.waits_until(max(self.at, at))
            seen[subject] = await self.takes(step, subject)
        raise AssertionError("the life runs hot")

    async def takes(self, step: str, subject: Subject | None = None) -> Outlook:
        """One step, now, and what it sees then; of the newest life unless another is named."""
        return await self._again(step, subject or self.subjects()[-1])

    async def waits_until(self, at: datetime) -> None:
        """Time goes by, at the provider too."""
        self.at = at
        await self.tell("/control/clock", {"now": at.isoformat()})

    async def orders(self, operation: str, outcome: str, times: int = 1, delay: float = 0) -> None:
        """How the provider's next answers end."""
        body = {"provider": self.account.provider, "operation": operation, "outcome": outcome}
        await self.tell("/control/next", {**body, "times": times, "delay": delay})

    async def is_silent(self, operation: str, outcome: str = "timeout") -> None:
        """A minute in which the provider's answer does not come while anybody waits for it."""
        await self.orders(operation, outcome, delay=SILENT_SECONDS)
        with self._hurried():
            await self.lives(minutes=1)

    @contextmanager
    def _hurried(self) -> Generator[None]:
        known = vars(self.calls)
        usual, known["CALL_SECONDS"] = known["CALL_SECONDS"], HURRIED_SECONDS
        try:
            yield
        finally:
            known["CALL_SECONDS"] = usual

    def calling(self) -> dict[str, Any]:
        """What the steps know of calls: every function of their module, in its mortal copy."""
        ours = {name: made for name, made in vars(self.calls).items() if iscoroutinefunction(made)}
        return ours | {"called": self.called}

    async def called(self, call: Awaitable[Answer]) -> Answer:
        """A provider is called by a process that may die, and no transaction waits for it."""
        try:
            assert lent(self.ground.database) == 0, "a provider is called inside a transaction"
            answer: Answer = await self.calls.called(call)
            return answer
        finally:
            if iscoroutine(call):
                call.close()

    async def hears(self) -> None:
        """All the provider has to say is kept, the last first, and settled by a process."""
        bank = self.ground.box.sandbox.bank
        bank.dues.settle()
        rows = bank.state.rows("SELECT event, type, body FROM webhook_deliveries ORDER BY seq DESC")
        for row in rows:
            await self.keeps(row["event"], row["type"], str(row["body"]).encode())
        await self.settles()

    async def keeps(self, name: str, kind: str, body: bytes) -> None:
        """One event is kept, as the webhook's address keeps it."""
        provider = Provider(self.account.provider)
        async with self.house.session() as session:
            await keep(session, Told(provider, self.account.id, name, kind, body, self.at))

    async def settles(self) -> None:
        """Every event that waits, by processes of which one may die."""
        for _ in range(STEPS_MAX):
            async with self.ground.database.platform("relay: provider event") as session:
                held = await lease(session, 100)
            if not held:
                return
            books = self.events.Bookkeeping(self.ground.database, Actor("platform:relay"))
            with suppress(DiedError):
                await books.settle(held, self.at)
            await self._time_passes_for_the_relay()
        raise AssertionError("an event is never settled")

    async def _time_passes_for_the_relay(self) -> None:
        """Leases end, and what was put off is due."""
        async with self.house.session() as session:
            waits = GatewayLog.status.in_([LogStatus.RECEIVED, LogStatus.PROCESSING])
            past = datetime(2020, 1, 1, tzinfo=UTC)
            lapsed = update(GatewayLog).where(waits)
            await session.execute(lapsed.values(due_at=past))
            holding = lapsed.where(GatewayLog.status == LogStatus.PROCESSING)
            await session.execute(holding.values(leased_until=past))

    async def change(self, change: Callable[[Any], Awaitable[object]]) -> None:
        """Something else happens to the rows."""
        async with self.house.session() as session:
            await change(session)

    async def changes_keys(self, **keys: str) -> None:
        """The house puts other keys in."""
        async with self.house.session() as session:
            account = await one(session, PaymentAccount, self.account.id)
            change_credentials(session, self.ground.purse.links.vault, account, keys)

    async def tell(self, path: str, body: Mapping[str, Any]) -> None:
        """The sandbox is told something."""
        answer = await self.ground.client.post(path, json=dict(body))
        assert answer.status_code < 300, answer.text

    async def _again(self, step: str, subject: Subject) -> Outlook:
        """A step whose process dies is taken again by another."""
        look = Look(subject, self.at)
        try:
            return await self._step(step, look)
        except DiedError:
            return await self._step(step, look)

    async def _step(self, step: str, look: Look) -> Outlook:
        outlook: Outlook = await getattr(self._life(), step)(look)
        return outlook


def _nearest(seen: Mapping[Subject, Outlook]) -> tuple[datetime, str, Subject] | None:
    """What comes next of all that is planned, and whose it is."""
    planned = [
        (outlook.at, outlook.step, subject)
        for subject, outlook in seen.items()
        if outlook.step is not None and outlook.at is not None
    ]
    return min(planned, key=lambda action: action[0], default=None)


def lent(database: Database) -> int:
    """How many connections somebody holds, each in a transaction of a tenant."""
    pool = database.app.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    return pool.checkedout()


@asynccontextmanager
async def a_ground(database: Database) -> AsyncGenerator[Ground]:
    """The sandbox beside the database."""
    async with running() as box, httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
        gateways = ProviderGateways(at_sandbox(box, timeout_seconds=5))
        purse = Purse(gateways, PayLinks("https://pay.example", a_vault()))
        try:
            yield Ground(database, box, client, purse)
        finally:
            await gateways.close()


async def begun(ground: Ground, provider: Provider) -> tuple[House, PaymentAccount]:
    """A house with an account at a provider that knows nothing and tells what it learns."""
    (await ground.client.post("/control/reset")).raise_for_status()
    (await ground.client.post("/control/clock", json={"now": START.isoformat()})).raise_for_status()
    hook = {"provider": provider, "url": LISTENER, "secret": "whsec_of_the_story"}
    (await ground.client.post("/control/webhook-endpoints", json=hook)).raise_for_status()
    house = await a_tenant(ground.database)
    return house, await an_account(house, ground.purse.links.vault, provider)


async def dies_everywhere(name: str, told: Callable[[Place | None], Awaitable[Fate]]) -> None:
    """The story is told to see where its processes come by, and once for each of these places."""
    passed = list((await told(None)).passed)
    first = crc32(name.encode()) % min(EVERY, len(passed))
    for place in passed[first::EVERY]:
        fate = await told(place)
        assert fate.deadly is None, f"{place} was not come by again"
