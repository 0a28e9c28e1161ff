"""A card is saved, against a provider that answers, is silent, or forgets."""

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from activities.attempt_order import Purse
from domain import keys
from domain.payment_account import Provider
from domain.payment_method import PAGE_LIVES, Step
from models import method_asking
from models.life import LifeRow
from models.pay_link import PayLinks
from models.payment_method import SavedMethod
from models.provider_customer import ProviderCustomer
from models.record import Task
from models.task import open_whats
from models.task_answer import resolve
from runtime.clock import SetClock
from runtime.gateways import ProviderGateways
from runtime.temporal import innkeeper, store_id
from runtime.time_machine import Driver
from sandbox.main import Running, running
from tests.support.attempt import KEYS, an_account
from tests.support.books import rows
from tests.support.database import DatabaseUrls
from tests.support.histories import keep
from tests.support.house import House, a_database, a_resident, a_tenant
from tests.support.method import a_method, method_row
from tests.support.recording import Recording
from tests.support.shop import at_sandbox
from tests.support.underway import START
from tests.support.web import a_vault
from workers import lives
from workers.relay import WakeRelay
from workflows.payment_method import PaymentMethod as Life

SESSIONS = "checkout.sessions.create"
KEY = {"Authorization": f"Bearer {KEYS[Provider.stripe]['secretKey']}"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody who wants to leave a card, a provider, and the time between them."""

    house: House
    resident_id: UUID
    box: Running
    client: httpx2.AsyncClient
    clock: SetClock
    driver: Driver

    async def asks(self) -> SavedMethod:
        """The resident wants to leave a card."""
        return await a_method(self.house, self.resident_id, self.clock.at)

    async def opened(self) -> SavedMethod:
        """The page for it stands open."""
        method = await self.asks()
        await self.after(minutes=1)
        found = await self.row(method)
        assert (found.status, found.setup_url is not None) == ("pending", True)
        return found

    async def saved(self) -> SavedMethod:
        """A card was left on it, and no event told us."""
        method = await self.opened()
        await self.leaves(method)
        await self.after(minutes=10)
        found = await self.row(method)
        assert (found.status, found.last4) == ("active", "4242")
        return found

    async def leaves(self, method: SavedMethod) -> None:
        """The resident leaves a card there."""
        body = {"action": "pay", "target": method.page_id, "method": "card"}
        await self.tell("/control/payer", body)

    async def removes(self, method: SavedMethod) -> None:
        """The card is not wanted any more."""
        async with self.house.session() as session:
            await method_asking.remove(session, method.id, self.clock.at)

    async def after(self, **passed: float) -> None:
        """So much time goes by."""
        await self.driver.to(self.clock.at + timedelta(**passed))

    async def order(self, operation: str, outcome: str, **more: object) -> None:
        """How the provider's next answer ends."""
        body = {"provider": "stripe", "operation": operation, "outcome": outcome, **more}
        await self.tell("/control/next", body)

    async def tell(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.client.post(path, json=body)
        assert answer.status_code < 300, answer.text

    async def row(self, method: SavedMethod) -> SavedMethod:
        """The method as it is now."""
        return await method_row(self.house, method.id)

    def there(self, kind: str) -> list[dict[str, Any]]:
        """What exists at the provider, whoever knows of it."""
        found = self.box.sandbox.bank.state.rows(
            "SELECT body FROM payment_objects WHERE kind = ? ORDER BY seq", kind
        )
        return [dict(json.loads(one["body"])) for one in found]

    async def lives_on(self, method: SavedMethod) -> bool:
        """A life still waits for it."""
        async with self.house.session() as session:
            found = await session.scalars(select(LifeRow.id).where(LifeRow.subject_id == method.id))
            return bool(found.all())


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

        relays = (WakeRelay(database, env.client),)
        driver = Driver(env, database, clock, relays, follow=follow)
        await driver.away_until(START)
        await follow(START.isoformat())
        house = await a_tenant(database)
        vault = a_vault()
        await an_account(house, vault, Provider.stripe)
        resident = await a_resident(house)
        gateways = ProviderGateways(at_sandbox(box, timeout_seconds=1))
        purse = Purse(gateways, PayLinks("https://pay.example", vault))
        store = await store_id(env.client)
        carrier = Recording(clock)
        try:
            async with lives.worker(env.client, database, carrier, store, purse=purse):
                yield Scene(house, resident.id, box, client, clock, driver)
        finally:
            await gateways.close()


async def test_a_card_that_was_left_is_found_though_nobody_told_us(scene: Scene) -> None:
    method = await scene.saved()
    assert (method.brand, method.expiry_month, method.expiry_year) == ("visa", 12, 2034)
    assert method.is_default
    assert method.setup_url is None
    assert not await scene.lives_on(method)
    second = await scene.saved()
    assert not second.is_default
    assert len(scene.there("customer")) == 1, "one resident is one customer"
    (customer,) = await rows(scene.house, ProviderCustomer)
    assert {one["customer"] for one in scene.there("payment_method")} == {customer.customer_id}


async def test_nobody_leaves_a_card_and_the_page_ends(scene: Scene) -> None:
    method = await scene.opened()
    assert await scene.lives_on(method)
    await scene.after(hours=PAGE_LIVES / timedelta(hours=1) + 1)
    assert (await scene.row(method)).status == "expired"
    assert [page["status"] for page in scene.there("checkout_session")] == ["expired"]
    assert not await scene.lives_on(method)


@pytest.mark.parametrize("operation", [SESSIONS, "customers.create"])
@pytest.mark.parametrize("outcome", ["applied-then-timeout", "timeout"])
async def test_an_answer_that_was_lost_is_looked_up_and_never_asked_for_again(
    scene: Scene, env: WorkflowEnvironment, operation: str, outcome: str
) -> None:
    await scene.order(operation, outcome, delay=2)
    method = await scene.asks()
    await scene.after(minutes=4)
    found = await scene.row(method)
    assert (found.status, found.unknown_since is not None) == ("created", True)
    await scene.after(minutes=2)
    found = await scene.row(method)
    assert (found.status, found.setup_url is not None) == ("pending", True)
    assert [page["id"] for page in scene.there("checkout_session")] == [found.page_id]
    assert len(scene.there("customer")) == 1
    await scene.leaves(found)
    await scene.after(days=1)
    assert (await scene.row(method)).status == "active"
    workflow_id = keys.payment_method(scene.house.tenant_id, method.id)
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    replayer = Replayer(workflows=[Life], plugins=[innkeeper()])
    assert (await replayer.replay_workflow(history)).replay_failure is None
    recorded = (operation, outcome) == (SESSIONS, "applied-then-timeout")
    if recorded and os.environ.get("INNKEEPER_RECORD") == "1":
        keep("PaymentMethod-1", history)


async def test_a_provider_that_says_later_is_asked_later(scene: Scene) -> None:
    await scene.order(SESSIONS, "429", times=2)
    method = await scene.asks()
    await scene.after(seconds=1)
    assert (await scene.row(method)).status == "created"
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "pending"
    assert len(scene.there("checkout_session")) == 1


async def test_refused_it_has_failed(scene: Scene) -> None:
    await scene.order(SESSIONS, "decline:generic_decline")
    method = await scene.asks()
    await scene.after(minutes=1)
    failed = await scene.row(method)
    assert (failed.status, failed.failure_code) == ("failed", "DECLINED")
    assert not await scene.lives_on(method)
    assert (await scene.asks()).id != method.id


async def test_a_provider_nobody_can_ask_is_a_persons_after_a_day(scene: Scene) -> None:
    await scene.order(SESSIONS, "applied-then-timeout", delay=2)
    await scene.order("checkout.sessions.list", "429", times=3)
    method = await scene.asks()
    await scene.after(days=2)
    assert (await scene.row(method)).status == "created"
    async with scene.house.session() as session:
        assert await open_whats(session, method.id) == {Step.look_up_card}
    assert not await scene.lives_on(method)
    (task,) = await rows(scene.house, Task)
    async with scene.house.session() as session:
        await resolve(session, task.id, "Stripe answers again", "the desk", scene.clock.at)
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "expired"


async def test_a_customer_the_provider_forgot_is_made_anew(scene: Scene) -> None:
    await scene.saved()
    (customer,) = scene.there("customer")
    deleted = await scene.client.delete(f"/stripe/v1/customers/{customer['id']}", headers=KEY)
    assert deleted.status_code == 200
    method = await scene.opened()
    (known,) = await rows(scene.house, ProviderCustomer)
    assert (known.made, known.customer_id != customer["id"]) == (2, True)
    page = next(one for one in scene.there("checkout_session") if one["id"] == method.page_id)
    assert page["customer"] == known.customer_id


async def test_a_card_is_forgotten_at_the_provider_however_it_answers(scene: Scene) -> None:
    method = await scene.saved()
    await scene.order("payment_methods.detach", "500")
    await scene.order("payment_methods.detach", "applied-then-500")
    await scene.removes(method)
    await scene.after(minutes=5)
    assert (await scene.row(method)).status == "removed"
    assert [one["customer"] for one in scene.there("payment_method")] == [None]
    assert not await scene.lives_on(method)


async def test_who_removes_an_open_page_has_it_closed(scene: Scene) -> None:
    method = await scene.opened()
    await scene.removes(method)
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "removed"
    assert [page["status"] for page in scene.there("checkout_session")] == ["expired"]


async def test_a_card_that_was_left_meanwhile_is_forgotten_too(scene: Scene) -> None:
    """It was removed here while the resident left it there."""
    method = await scene.opened()
    await scene.leaves(method)
    await scene.removes(method)
    await scene.after(minutes=1)
    gone = await scene.row(method)
    assert (gone.status, gone.is_default) == ("removed", False)
    assert [one["customer"] for one in scene.there("payment_method")] == [None]


async def test_what_may_have_been_opened_is_looked_up_before_it_is_removed(scene: Scene) -> None:
    await scene.order(SESSIONS, "applied-then-timeout", delay=2)
    method = await scene.asks()
    await scene.after(minutes=1)
    await scene.removes(method)
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "removed"
    assert [page["status"] for page in scene.there("checkout_session")] == ["expired"]


async def test_what_the_provider_refuses_to_forget_is_a_persons(scene: Scene) -> None:
    method = await scene.saved()
    await scene.order("payment_methods.detach", "decline:card_declined")
    await scene.removes(method)
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "removing"
    async with scene.house.session() as session:
        assert await open_whats(session, method.id) == {Step.detach}
    (task,) = await rows(scene.house, Task)
    async with scene.house.session() as session:
        await resolve(session, task.id, "try again", "the desk", scene.clock.at)
    await scene.after(minutes=1)
    assert (await scene.row(method)).status == "removed"
