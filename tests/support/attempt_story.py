"""A try to be paid, told step by step before the sandbox, by a process that may die anywhere.

The steps are taken as their life takes them: a step that died is taken again, the plan says what
comes next and when, and the time between is skipped.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import httpx2
from sqlalchemy import func, select, update

from activities.attempt_order import Purse
from domain import keys
from domain.lives import Look, Subject
from domain.next_action import Outlook
from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.database import Actor, Database
from models.gateway_log import GatewayLog, LogStatus, Told, keep
from models.message import Message, Purpose
from models.pay_link import PayLinks
from models.payment import Payment
from models.payment_account import PaymentAccount
from models.payment_attempt import PaymentAttempt
from models.provider_event import lease
from models.record import Task
from runtime.gateways import ProviderGateways
from sandbox.main import Running, running
from tests.support.attempt import an_account, an_attempt, row
from tests.support.books import booked, breaches, money
from tests.support.crash_points import Fate, mortal
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.dying import DiedError
from tests.support.house import House, a_tenant
from tests.support.shop import at_sandbox
from tests.support.underway import START
from tests.support.web import a_vault

DUE = START.date() + timedelta(days=20)
MODULES = ("activities.attempt_order", "activities.payment_attempt", "activities.provider_event")
STEPS_MAX = 60
LISTENER = "http://127.0.0.1:9/"
KINDS = ("payment_link", "qr_code", "checkout_session")


@dataclass(frozen=True, slots=True)
class Ground:
    """A database and a sandbox that many stories are told in, one after another."""

    database: Database
    box: Running
    client: httpx2.AsyncClient
    purse: Purse


@dataclass
class Story:
    """One attempt of one house; every process in it meets the same fate."""

    ground: Ground
    fate: Fate
    house: House
    debt: Debt
    account: PaymentAccount
    attempt: PaymentAttempt
    at: datetime = START
    purse: Purse = field(init=False)
    steps: ModuleType = field(init=False)
    events: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        self.purse = self.ground.purse
        order = mortal(MODULES[0], self.fate)
        self.steps = mortal(MODULES[1], self.fate, {"order_of": order.order_of})
        self.events = mortal(MODULES[2], self.fate)

    async def lives(self, **passed: float) -> None:
        """The life goes on for so long."""
        end = self.at + timedelta(**passed)
        for _ in range(STEPS_MAX):
            outlook = await self._again(lambda: self._life().look(self._look()))
            if outlook.step is None or outlook.at is None or outlook.at > end:
                return await self.waits_until(end)
            await self.waits_until(max(self.at, outlook.at))
            await self.takes(outlook.step)
        raise AssertionError("the life runs hot")

    async def takes(self, step: str) -> None:
        """One step of it, now."""
        await self._again(lambda: getattr(self._life(), step)(self._look()))

    async def waits_until(self, at: datetime) -> None:
        """Time goes by, at the provider too."""
        self.at = at
        await self.tell("/control/clock", {"now": at.isoformat()})

    async def orders(self, operation: str, outcome: str, times: int = 1) -> None:
        """How the provider's next answers end."""
        body = {"provider": self.account.provider, "operation": operation, "outcome": outcome}
        await self.tell("/control/next", {**body, "times": times})

    async def pays(self, **more: object) -> None:
        """The payer pays on the page."""
        page = (await row(self.house, self.attempt)).page_id
        method = "card" if self.account.provider == Provider.stripe else "upi"
        body = {"action": "pay", "target": page, "method": method, **more}
        await self.tell("/control/payer", body)

    async def pays_cash(self) -> None:
        """The money comes another way."""
        new = money(self.debt.resident_id, RENT_MINOR, self.at.date())
        await booked(self.house, new, self.at)

    async def hears(self) -> None:
        """All the provider has to say is kept, the last first, and settled by a process."""
        bank = self.ground.box.sandbox.bank
        bank.dues.settle()
        rows = bank.state.rows("SELECT event, type, body FROM webhook_deliveries ORDER BY seq DESC")
        for one in rows:
            await self.keeps(one["event"], one["type"], str(one["body"]).encode())
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

    async def tell(self, path: str, body: dict[str, Any]) -> None:
        """The sandbox is told something."""
        answer = await self.ground.client.post(path, json=body)
        assert answer.status_code < 300, answer.text

    def opened(self) -> int:
        """How many pages were ever opened at the provider."""
        state = self.ground.box.sandbox.bank.state
        marks = ", ".join("?" for _ in KINDS)
        return state.count(f"SELECT count(*) FROM payment_objects WHERE kind IN ({marks})", *KINDS)  # noqa: S608

    def _look(self) -> Look:
        workflow_id = keys.payment_attempt(self.house.tenant_id, self.attempt.id)
        return Look(Subject(self.house.tenant_id, self.attempt.id, workflow_id), self.at)

    def _life(self) -> Any:
        return self.steps.Attempting(self.ground.database, "a-store", self.purse)

    async def _again(self, step: Callable[[], Awaitable[Outlook]]) -> Outlook:
        """A step whose process dies is taken again by another."""
        try:
            return await step()
        except DiedError:
            return await step()


@dataclass(frozen=True, slots=True)
class Ended:
    """What is there when all is over."""

    status: str
    charges: list[tuple[str, int]]
    payments: list[tuple[str, int]]
    receipts: list[int]
    tasks: frozenset[str]
    breaches: dict[str, Any]


_RECEIPTS = (
    select(func.count())
    .select_from(Message)
    .where(Message.purpose == Purpose.RECEIPT, Message.about_id == Payment.id)
    .scalar_subquery()
)


async def ended(story: Story) -> Ended:
    """How it ended: here, and at the provider."""
    answer = await story.ground.client.get("/control/ledger")
    taken = [one for one in answer.json()["items"] if one["kind"] == "capture"]
    async with story.house.session() as session:
        payments = await session.execute(
            select(Payment.provider_payment_id, Payment.amount_minor, _RECEIPTS).where(
                Payment.provider_payment_id.is_not(None)
            )
        )
        booked = sorted((name or "", minor, told) for name, minor, told in payments)
        tasks = await session.scalars(select(Task.what).where(Task.status == "open"))
        return Ended(
            status=(await row(story.house, story.attempt)).status,
            charges=sorted((one["payment"], one["amount"]) for one in taken),
            payments=[(name, minor) for name, minor, _ in booked],
            receipts=[receipts for *_, receipts in booked],
            tasks=frozenset(what.split()[0] for what in tasks),
            breaches=dict(await breaches(story.ground.database)),
        )


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


async def a_story(ground: Ground, fate: Fate, by: PayBy) -> Story:
    """Somebody wants to pay, in a house of their own, before a provider that knows nothing."""
    provider = Provider.stripe if by is PayBy.checkout else Provider.razorpay
    (await ground.client.post("/control/reset")).raise_for_status()
    (await ground.client.post("/control/clock", json={"now": START.isoformat()})).raise_for_status()
    hook = {"provider": provider, "url": LISTENER, "secret": "whsec_of_the_story"}
    (await ground.client.post("/control/webhook-endpoints", json=hook)).raise_for_status()
    house = await a_tenant(ground.database)
    account = await an_account(house, ground.purse.links.vault, provider)
    debt = await a_debt(house, DUE)
    attempt = await an_attempt(debt, by, START)
    return Story(ground, fate, house, debt, account, attempt)
