"""A resident leaves a card on the provider's page, and the house has it forgotten again."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from domain.payment_account import Provider
from tests.conftest import TemporalServer
from tests.support.debt import a_debt
from tests.support.house import House
from tests.support.shop import KEYS, Shop, a_shop, until

KEY = {"Authorization": f"Bearer {KEYS[Provider.stripe]['secretKey']}"}


@pytest.fixture
async def shop(house: House, temporal_server: TemporalServer) -> AsyncGenerator[Shop]:
    async with a_shop(house, temporal_server) as made:
        await made.account(Provider.stripe)
        yield made


class Desk:
    """A program of the house."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._headers = {"Authorization": f"Bearer {shop.house.api_key}"}

    async def asks(self, method: str, path: str = "", **body: str) -> httpx2.Response:
        """One request about saved methods."""
        url = f"{self._shop.url}/api/v1/payments/methods{path}"
        return await self._shop.client.request(
            method, url, headers=self._headers, json=body or None
        )

    async def sees(self, method_id: str, status: str) -> dict[str, Any]:
        """The method, once it stands so."""
        found: list[dict[str, Any]] = []

        async def stands() -> bool:
            found.append((await self.asks("GET", f"/{method_id}")).json())
            return found[-1]["status"] == status

        await until(stands, 20)
        return found[-1]


async def test_a_card_is_left_told_of_shown_and_forgotten(shop: Shop) -> None:
    """The provider's event makes it known long before anybody would have asked."""
    now = datetime.now(UTC)
    debt = await a_debt(shop.house, now.date() + timedelta(days=10), issued=now)
    desk = Desk(shop)
    asked = await desk.asks("POST", residentId=str(debt.resident_id))
    assert asked.status_code == 202, asked.text
    method_id = asked.json()["id"]
    page = await desk.sees(method_id, "pending")
    assert page["setupUrl"].startswith(shop.box.url)
    left = await shop.client.post(page["setupUrl"], data={"card": "5555 5555 5555 4444"})
    assert left.status_code == 303
    assert left.headers["Location"] == f"{await shop.page(debt)}?card=left"
    thanks = await shop.client.get(left.headers["Location"])
    assert "The card you left is kept" in thanks.text
    kept = await desk.sees(method_id, "active")
    assert (kept["brand"], kept["last4"], kept["isDefault"]) == ("mastercard", "4444", True)
    assert kept["setupUrl"] is None
    (usable,) = (await desk.asks("GET", "?usable=true")).json()["items"]
    assert usable == kept
    gone = await desk.asks("DELETE", f"/{method_id}")
    assert (gone.status_code, gone.json()["usable"]) == (202, False)
    await desk.sees(method_id, "removed")
    assert (await desk.asks("GET", "?usable=true")).json()["items"] == []
    customers = await shop.client.get(f"{shop.box.url}/stripe/v1/customers", headers=KEY)
    (customer,) = customers.json()["data"]
    cards = f"{shop.box.url}/stripe/v1/customers/{customer['id']}/payment_methods"
    assert (await shop.client.get(cards, headers=KEY)).json()["data"] == []
    await shop.box.sandbox.bank.courier.settled()

    async def settled() -> bool:
        return all(event.status == "done" for event in await shop.events())

    await until(settled)
    assert not [event.problem for event in await shop.events() if event.problem]


async def test_a_card_that_is_detached_at_the_provider_is_gone_here(shop: Shop) -> None:
    now = datetime.now(UTC)
    debt = await a_debt(shop.house, now.date() + timedelta(days=10), issued=now)
    desk = Desk(shop)
    asked = (await desk.asks("POST", residentId=str(debt.resident_id))).json()
    page = await desk.sees(asked["id"], "pending")
    await shop.client.post(page["setupUrl"], data={"card": "4242 4242 4242 4242"})
    await desk.sees(asked["id"], "active")
    customers = await shop.client.get(f"{shop.box.url}/stripe/v1/customers", headers=KEY)
    (customer,) = customers.json()["data"]
    path = f"{shop.box.url}/stripe/v1/customers/{customer['id']}/payment_methods"
    (card,) = (await shop.client.get(path, headers=KEY)).json()["data"]
    detach = f"{shop.box.url}/stripe/v1/payment_methods/{card['id']}/detach"
    assert (await shop.client.post(detach, headers=KEY)).status_code == 200
    await desk.sees(asked["id"], "removed")
