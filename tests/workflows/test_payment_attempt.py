"""A try to be paid lives its life against a provider that answers, is silent, or never comes."""

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from activities.attempt_order import Purse
from domain import keys
from domain.payment_account import Provider
from domain.payment_attempt import PayBy, Step
from models.life import LifeRow
from models.pay_link import PayLinks
from models.payment import Payment
from models.payment_attempt import PaymentAttempt
from models.record import Task
from models.task import open_whats
from models.task_answer import resolve
from runtime.clock import SetClock
from runtime.gateways import ProviderGateways
from runtime.temporal import innkeeper, store_id
from runtime.time_machine import Driver
from sandbox.main import Running, running
from tests.support.attempt import an_account, an_attempt, row
from tests.support.books import booked, breaches, money, rows
from tests.support.database import DatabaseUrls
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.histories import keep
from tests.support.house import House, a_database, a_tenant
from tests.support.recording import Recording
from tests.support.shop import at_sandbox
from tests.support.underway import START
from tests.support.web import a_vault
from workers import lives
from workers.message_relay import MessageRelay
from workers.provider_relay import ProviderRelay
from workers.relay import WakeRelay
from workflows.payment_attempt import PaymentAttempt as Life

DUE = START.date() + timedelta(days=20)
LINKS = "payment_links.create"


@dataclass(frozen=True, slots=True)
class Scene:
    """A debt, a provider, and the time between them."""

    house: House
    debt: Debt
    box: Running
    client: httpx2.AsyncClient
    clock: SetClock
    driver: Driver

    async def asks(self, by: PayBy = PayBy.link) -> PaymentAttempt:
        """Somebody wants to pay."""
        return await an_attempt(self.debt, by, self.clock.at)

    async def after(self, **passed: float) -> None:
        """So much time goes by."""
        await self.driver.to(self.clock.at + timedelta(**passed))

    async def order(self, operation: str, outcome: str, **more: object) -> None:
        """How the provider's next answer ends."""
        body = {"provider": "razorpay", "operation": operation, "outcome": outcome, **more}
        await self.tell("/control/next", body)

    async def tell(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.client.post(path, json=body)
        assert answer.status_code < 300, answer.text

    def pages(self, kind: str = "payment_link") -> list[dict[str, Any]]:
        """What exists at the provider, whoever knows of it."""
        found = self.box.sandbox.bank.state.rows(
            "SELECT body FROM payment_objects WHERE kind = ?", kind
        )
        return [json_of(one["body"]) for one in found]

    async def lives_on(self, attempt: PaymentAttempt) -> bool:
        """A life still waits for it."""
        async with self.house.session() as session:
            found = await session.scalars(
                select(LifeRow.id).where(LifeRow.subject_id == attempt.id)
            )
            return bool(found.all())


def json_of(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


@pytest.fixture
async def scene(env: WorkflowEnvironment, database_urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    clock = SetClock(START)
    async with (
        a_database(database_urls, pool_size=20) as database,
        running() as box,
        httpx2.AsyncClient(base_url=box.url, trust_env=False) as client,
    ):

        async def follow(at: object) -> None:
            (await client.post("/control/clock", json={"now": str(at)})).raise_for_status()

        carrier = Recording(clock)
        relays = (
            WakeRelay(database, env.client),
            ProviderRelay(database, clock),
            MessageRelay(database, carrier, clock),
        )
        driver = Driver(env, database, clock, relays, follow=follow)
        await driver.away_until(START)
        await follow(START.isoformat())
        house = await a_tenant(database)
        vault = a_vault()
        await an_account(house, vault, Provider.razorpay)
        await an_account(house, vault, Provider.stripe)
        debt = await a_debt(house, DUE)
        gateways = ProviderGateways(at_sandbox(box, timeout_seconds=1))
        purse = Purse(gateways, PayLinks("https://pay.example", vault))
        store = await store_id(env.client)
        try:
            async with lives.worker(env.client, database, carrier, store, purse=purse):
                yield Scene(house, debt, box, client, clock, driver)
        finally:
            await gateways.close()


@pytest.mark.parametrize(
    ("by", "kind"), [(PayBy.link, "payment_link"), (PayBy.checkout, "checkout_session")]
)
async def test_nobody_pays_and_the_page_ends(scene: Scene, by: PayBy, kind: str) -> None:
    attempt = await scene.asks(by)
    await scene.after(minutes=1)
    opened = await row(scene.house, attempt)
    assert (opened.status, opened.pay_url is not None) == ("pending", True)
    await scene.after(hours=2)
    assert (await row(scene.house, attempt)).status == "expired"
    assert {page["status"] for page in scene.pages(kind)} == {"expired"}
    assert await scene.lives_on(attempt) == (by is PayBy.link)  # which may be paid late
    await scene.after(days=4)
    assert not await scene.lives_on(attempt)


async def test_an_answer_that_was_lost_is_looked_up_and_never_asked_for_again(
    scene: Scene, env: WorkflowEnvironment
) -> None:
    await scene.order(LINKS, "applied-then-timeout", delay=2)
    attempt = await scene.asks()
    await scene.after(minutes=4)
    assert (await row(scene.house, attempt)).status == "unknown"
    await scene.after(minutes=2)
    found = await row(scene.house, attempt)
    assert (found.status, found.pay_url is not None) == ("pending", True)
    assert [page["id"] for page in scene.pages()] == [found.page_id]
    await scene.after(days=4)
    workflow_id = keys.payment_attempt(scene.house.tenant_id, attempt.id)
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    replayer = Replayer(workflows=[Life], plugins=[innkeeper()])
    assert (await replayer.replay_workflow(history)).replay_failure is None
    if os.environ.get("INNKEEPER_RECORD") == "1":
        keep("PaymentAttempt-1", history)


async def test_what_was_never_opened_is_opened_after_all(scene: Scene) -> None:
    await scene.order(LINKS, "timeout", delay=2)
    attempt = await scene.asks()
    await scene.after(minutes=6)
    assert (await row(scene.house, attempt)).status == "pending"
    assert len(scene.pages()) == 1


async def test_a_provider_that_says_later_is_asked_later(scene: Scene) -> None:
    await scene.order(LINKS, "429", times=2)
    attempt = await scene.asks()
    await scene.after(seconds=1)
    assert (await row(scene.house, attempt)).status == "created"
    await scene.after(minutes=1)
    assert (await row(scene.house, attempt)).status == "pending"
    assert len(scene.pages()) == 1


async def test_a_provider_nobody_can_ask_is_a_persons_after_a_day(scene: Scene) -> None:
    await scene.order(LINKS, "applied-then-timeout", delay=2)
    await scene.order("payment_links.list", "429", times=3)
    attempt = await scene.asks()
    await scene.after(days=2)
    assert (await row(scene.house, attempt)).status == "unknown"
    async with scene.house.session() as session:
        assert await open_whats(session, attempt.id) == {Step.look_up}
    assert not await scene.lives_on(attempt)
    (task,) = await rows(scene.house, Task)
    async with scene.house.session() as session:
        await resolve(session, task.id, "it answers again", "the desk", scene.clock.at)
    await scene.after(minutes=1)
    assert (await row(scene.house, attempt)).status == "expired"


async def test_keys_that_are_refused_meanwhile_are_a_persons(scene: Scene) -> None:
    """A life never ends in failure, whatever the provider says to a question of ours."""
    await scene.order(LINKS, "applied-then-timeout", delay=2)
    await scene.order("payment_links.list", "decline:bad_request_error")
    attempt = await scene.asks()
    await scene.after(minutes=10)
    async with scene.house.session() as session:
        assert await open_whats(session, attempt.id) == {Step.look_up}
    assert (await row(scene.house, attempt)).status == "unknown"


async def test_refused_it_has_failed(scene: Scene) -> None:
    await scene.order(LINKS, "decline:invalid_amount")
    attempt = await scene.asks()
    await scene.after(minutes=1)
    failed = await row(scene.house, attempt)
    assert (failed.status, failed.failure_code is not None) == ("failed", True)
    assert not await scene.lives_on(attempt)
    assert (await scene.asks()).id != attempt.id


async def test_money_that_came_another_way_closes_the_page(scene: Scene) -> None:
    attempt = await scene.asks()
    await scene.after(minutes=1)
    new = money(scene.debt.resident_id, RENT_MINOR, scene.clock.at.date())
    await booked(scene.house, new, scene.clock.at)
    await scene.after(minutes=1)
    assert (await row(scene.house, attempt)).status == "cancelled"
    assert [page["status"] for page in scene.pages()] == ["cancelled"]


async def test_money_nobody_told_us_of_is_found_at_the_end(scene: Scene) -> None:
    """No webhook ever comes; the payer paid."""
    attempt = await scene.asks()
    await scene.after(minutes=1)
    page = (await row(scene.house, attempt)).page_id
    await scene.tell("/control/payer", {"action": "pay", "target": page, "method": "upi"})
    await scene.after(hours=2)
    assert (await row(scene.house, attempt)).status == "captured"
    assert [payment.amount_minor for payment in await rows(scene.house, Payment)] == [RENT_MINOR]
    assert (await scene.debt.row()).status == "paid"
    assert await breaches(scene.house.database) == {}


async def test_a_bank_that_says_yes_late_is_heard(scene: Scene) -> None:
    """The payment fails, is authorised two days later, taken, and booked; no webhook comes."""
    attempt = await scene.asks()
    await scene.after(minutes=1)
    page = (await row(scene.house, attempt)).page_id
    await scene.tell(
        "/control/payer",
        {"action": "pay", "target": page, "method": "upi", "later": 2 * 86_400},
    )
    await scene.after(hours=3)
    assert (await row(scene.house, attempt)).status == "expired"
    await scene.after(days=4)
    assert (await row(scene.house, attempt)).status == "captured"
    assert (await scene.debt.row()).status == "paid"
