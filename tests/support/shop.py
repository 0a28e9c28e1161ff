"""A house that is paid by link: API, worker, relays and sandbox on one loop, over real servers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import uvicorn
from sqlalchemy import select
from temporalio.client import Client

from activities.attempt_order import Purse
from api.parts import Links, Parts
from domain.errors import Unavailable
from domain.payment_account import AccountMode, Provider
from models.database import Database
from models.gateway_log import GatewayLog
from models.pay_link import PayLinks, link_of
from models.payment_account import NewAccount, PaymentAccount, open_account
from models.payment_attempt import PaymentAttempt
from models.vault import Vault
from runtime.clock import SystemClock
from runtime.gateways import ProviderGateways
from runtime.lives import LifeDesk
from runtime.settings import PaymentSettings
from runtime.temporal import connect, register_search_attributes, store_id
from sandbox.main import Running, bind, running
from tests.conftest import TemporalServer
from tests.support.debt import Debt
from tests.support.house import House
from tests.support.namespace import own_namespace
from tests.support.recording import Recording
from tests.support.web import a_vault, an_app
from workers import lives
from workers.provider_relay import ProviderRelay
from workers.relay import WakeRelay, keep_turning

KEYS = {
    Provider.stripe: {"secretKey": "sk_test_sunrise_shop"},
    Provider.razorpay: {"keyId": "rzp_test_Sunrise1", "keySecret": "rzp-sunrise-secret"},
}
SIGNS = "whsec_of_the_shop_1234"


@dataclass(frozen=True, slots=True)
class Shop:
    """The house, where it is reached, and the world outside."""

    house: House
    vault: Vault
    url: str
    box: Running
    client: httpx2.AsyncClient
    temporal: Client
    relay: ProviderRelay

    async def account(self, provider: Provider) -> PaymentAccount:
        """An account there whose events come to our webhook address."""
        new = NewAccount(provider, AccountMode.own_keys, provider, KEYS[provider], SIGNS)
        async with self.house.session() as session:
            account = await open_account(session, self.vault, new)
        address = f"{self.url}/api/v1/payments/webhooks/{provider}?k={account.webhook_token}"
        key = next(iter(KEYS[provider].values()))
        body = {"provider": provider, "url": address, "secret": SIGNS, "key": key}
        await self.told("/control/webhook-endpoints", body)
        return account

    async def told(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The sandbox is told something."""
        answer = await self.client.post(f"{self.box.url}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    async def page(self, debt: Debt) -> str:
        """The address of the payer's page."""
        async with self.house.session() as session:
            return f"{self.url}/pay/{await link_of(session, self.vault, debt.resident_id)}"

    async def chooses(self, debt: Debt, by: str, **more: str) -> httpx2.Response:
        """The payer sends the form of the page."""
        fields = {"by": by, "invoices": str(debt.invoice_id), **more}
        return await self.client.post(f"{await self.page(debt)}/attempts", data=fields)

    async def attempts(self) -> list[PaymentAttempt]:
        """Every attempt, the oldest first."""
        async with self.house.session() as session:
            return list(await session.scalars(select(PaymentAttempt).order_by(PaymentAttempt.id)))

    async def events(self) -> list[GatewayLog]:
        """Every event that was kept, the oldest first."""
        async with self.house.session() as session:
            return list(await session.scalars(select(GatewayLog).order_by(GatewayLog.id)))

    async def ledger(self) -> list[dict[str, Any]]:
        """What the providers believe."""
        answer = await self.client.get(f"{self.box.url}/control/ledger")
        return list(answer.json()["items"])


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


def at_sandbox(box: Running, timeout_seconds: float = 20) -> PaymentSettings:
    """Both providers are the sandbox."""
    return PaymentSettings(
        stripe_url=f"{box.url}/stripe",
        stripe_platform_key=None,
        razorpay_url=f"{box.url}/razorpay",
        payment_timeout_seconds=timeout_seconds,
    )


@asynccontextmanager
async def a_shop(
    house: House, server: TemporalServer, timeout_seconds: float = 20
) -> AsyncGenerator[Shop]:
    """Everything of it runs until the block ends."""
    vault = a_vault()
    namespace = await own_namespace(server)
    temporal = await connect(server.address, namespace)
    await register_search_attributes(temporal)
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(running())
        url = await stack.enter_async_context(_api(house.database, vault, temporal))
        gateways = ProviderGateways(at_sandbox(box, timeout_seconds))
        stack.push_async_callback(gateways.close)
        purse = Purse(gateways, PayLinks(url, vault))
        store = await store_id(temporal)
        carrier = Recording(SystemClock())
        await stack.enter_async_context(
            lives.worker(temporal, house.database, carrier, store, purse=purse)
        )
        relay = ProviderRelay(house.database, SystemClock())
        await stack.enter_async_context(
            _turning(WakeRelay(house.database, temporal).turn, relay.turn)
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
        yield Shop(house, vault, url, box, client, temporal, relay)


@asynccontextmanager
async def _api(database: Database, vault: Vault, temporal: Client) -> AsyncGenerator[str]:
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"

    async def connected() -> Client:
        return temporal

    parts = Parts(database, vault, SystemClock(), Links(public=url), lives=LifeDesk(connected))
    with an_app(parts) as app:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield url
        finally:
            server.should_exit = True
            await serving
            bound.close()


@asynccontextmanager
async def _turning(*turns: Callable[[], Awaitable[int]]) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(keep_turning("test", turn, stop, 0.02)) for turn in turns]
    try:
        yield
    finally:
        stop.set()
        with suppress(Unavailable):
            await asyncio.gather(*tasks)


async def find(shop: Shop, attempt_id: UUID) -> PaymentAttempt:
    """One attempt as it is now."""
    return next(one for one in await shop.attempts() if one.id == attempt_id)
