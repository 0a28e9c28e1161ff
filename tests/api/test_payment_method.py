"""Saved ways to pay over HTTP: a page to leave a card on, what is shown of it, and its removal."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import update

from api.parts import Links
from domain.payment_account import Provider
from domain.payment_method import PAGE_LIVES, MethodStatus
from models.life import Wake
from models.payment_method import SavedMethod
from models.vault import Vault
from runtime.clock import SetClock
from tests.support.attempt import an_account
from tests.support.books import rows
from tests.support.house import House, a_resident
from tests.support.method import VISA, a_method, kept, method_row, opened_method
from tests.support.web import NOON, a_client, a_vault

HERE = Links(public="https://house.example")
SHOWN = {"brand": "visa", "last4": "4242", "expiryMonth": 12, "expiryYear": 2034}


@pytest.fixture
def vault() -> Vault:
    return a_vault()


@pytest.fixture
async def resident_id(house: House, vault: Vault) -> UUID:
    """Somebody in a house with an account at Stripe."""
    await an_account(house, vault, Provider.stripe)
    return (await a_resident(house)).id


async def a_card(
    house: House, resident_id: UUID, name: str = "pm_1", *, make_default: bool = False
) -> SavedMethod:
    """A card of the resident, kept at Stripe."""
    asked = await a_method(house, resident_id, NOON, make_default=make_default)
    opened = await opened_method(house, asked, NOON)
    return await kept(house, opened, NOON, replace(VISA, provider_id=name))


async def asked(client: httpx2.AsyncClient, resident_id: UUID, **more: Any) -> dict[str, Any]:
    body = {"residentId": str(resident_id), **more}
    answer = await client.post("/payments/methods", json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def listed(client: httpx2.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/payments/methods{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_page_is_asked_for_once_and_its_life_is_woken(
    house: House, resident_id: UUID
) -> None:
    async with a_client(house, links=HERE) as client:
        first = await asked(client, resident_id)
        again = await asked(client, resident_id, makeDefault=True)
        plan = (await client.get(first["plan"].removeprefix("/api/v1"))).json()
    assert again["id"] == first["id"]
    assert (first["status"], first["usable"], first["setupUrl"]) == ("created", False, None)
    assert datetime.fromisoformat(first["expiresAt"]) == NOON + PAGE_LIVES
    assert (plan["stage"], plan["next"][0]["what"]) == ("created", "open_setup_page")
    (wake,) = await rows(house, Wake)
    assert (wake.subject_kind, str(wake.subject_id)) == ("payment_method", first["id"])
    assert wake.workflow_id == f"method/{house.tenant_id}/{first['id']}"
    assert (await method_row(house, UUID(first["id"]))).make_default


async def test_of_a_card_only_what_people_know_it_by_is_shown(
    house: House, resident_id: UUID
) -> None:
    card = await a_card(house, resident_id)
    async with a_client(house, links=HERE) as client:
        (shown,) = await listed(client, f"?residentId={resident_id}")
        assert (await client.get(f"/payments/methods/{card.id}")).json() == shown
    assert {name: shown[name] for name in SHOWN} == SHOWN
    assert (shown["status"], shown["usable"], shown["isDefault"]) == ("active", True, True)
    assert "pm_1" not in str(shown)
    assert "cs_" not in str(shown)


async def test_one_card_of_a_resident_stands_by_default(house: House, resident_id: UUID) -> None:
    first = await a_card(house, resident_id, "pm_1")
    second = await a_card(house, resident_id, "pm_2")
    third = await a_card(house, resident_id, "pm_3", make_default=True)
    async with a_client(house, links=HERE) as client:
        stands = {one["id"] for one in await listed(client) if one["isDefault"]}
        assert stands == {str(third.id)}
        chosen = await client.post(f"/payments/methods/{second.id}/default")
        assert (chosen.status_code, chosen.json()["isDefault"]) == (200, True)
        stands = {one["id"] for one in await listed(client) if one["isDefault"]}
        assert stands == {str(second.id)}
        await client.delete(f"/payments/methods/{first.id}")
        late = await client.post(f"/payments/methods/{first.id}/default")
    assert (late.status_code, late.json()["code"]) == (409, "ILLEGAL_TRANSITION")


async def test_a_removed_card_is_paid_with_no_more_and_forgotten_at_the_provider(
    house: House, resident_id: UUID
) -> None:
    card = await a_card(house, resident_id)
    async with a_client(house, links=HERE) as client:
        for _ in range(2):
            gone = await client.delete(f"/payments/methods/{card.id}")
            assert gone.status_code == 202, gone.text
            told = gone.json()
            assert (told["status"], told["usable"], told["isDefault"]) == (
                "removing",
                False,
                False,
            )
        plan = (await client.get(f"/payments/methods/{card.id}/plan")).json()
        assert [step["what"] for step in plan["next"]] == ["detach"]
        assert await listed(client, "?usable=true") == []
        assert [one["id"] for one in await listed(client, "?status=removing")] == [str(card.id)]


async def test_what_was_never_asked_for_is_removed_at_once(house: House, resident_id: UUID) -> None:
    async with a_client(house, links=HERE) as client:
        made = await asked(client, resident_id)
        gone = (await client.delete(f"/payments/methods/{made['id']}")).json()
        again = await asked(client, resident_id)
    assert (gone["status"], gone["endedAt"] is not None) == ("removed", True)
    assert again["id"] != made["id"]


async def test_a_card_past_its_month_is_not_usable_and_makes_room_for_the_next(
    house: House, resident_id: UUID
) -> None:
    old = await a_card(house, resident_id, "pm_old")
    async with house.session() as session:
        values = {"expiry_year": NOON.year, "expiry_month": NOON.month}
        await session.execute(update(SavedMethod).values(**values))
    month_end = datetime(2026, 10, 31, 18, 29, tzinfo=NOON.tzinfo)  # 23:59 in India
    for at, usable in ((month_end, True), (month_end + timedelta(minutes=1), False)):
        async with a_client(house, links=HERE, clock=SetClock(at)) as client:
            (shown,) = await listed(client)
            assert (shown["usable"], shown["isDefault"]) == (usable, usable)
            found = [one["id"] for one in await listed(client, "?usable=true")]
            assert found == ([str(old.id)] if usable else [])
            late = await client.post(f"/payments/methods/{old.id}/default")
            assert late.status_code == (200 if usable else 409)
    later = month_end + timedelta(days=3)
    asked_again = await opened_method(house, await a_method(house, resident_id, later), later)
    assert (await kept(house, asked_again, later)).is_default
    assert not (await method_row(house, old.id)).is_default


@pytest.mark.parametrize("providers", [(), (Provider.razorpay,)])
async def test_a_house_without_a_keeper_of_cards_is_told_so(
    house: House, vault: Vault, providers: tuple[Provider, ...]
) -> None:
    for provider in providers:
        await an_account(house, vault, provider)
    resident = await a_resident(house)
    async with a_client(house, links=HERE) as client:
        answer = await client.post("/payments/methods", json={"residentId": str(resident.id)})
    assert (answer.status_code, answer.json()["code"]) == (409, "NO_ACCOUNT")
    assert "need an account at Stripe" in answer.json()["detail"]
    assert ("Razorpay" in answer.json()["detail"]) == bool(providers)


async def test_nobody_is_sent_where_they_cannot_come_back_from(
    house: House, resident_id: UUID
) -> None:
    async with a_client(house) as client:
        answer = await client.post("/payments/methods", json={"residentId": str(resident_id)})
    assert (answer.status_code, answer.json()["code"]) == (422, "NO_PUBLIC_ADDRESS")


async def test_what_is_anothers_is_not_there(
    house: House, resident_id: UUID, stranger: httpx2.AsyncClient
) -> None:
    card = await a_card(house, resident_id)
    path = f"/payments/methods/{card.id}"
    answers = [
        await stranger.get(path),
        await stranger.get(f"{path}/plan"),
        await stranger.delete(path),
        await stranger.post(f"{path}/default"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert await listed(stranger) == []
    assert (await method_row(house, card.id)).status == MethodStatus.active
    async with a_client(house, links=HERE) as client:
        unknown = await client.post("/payments/methods", json={"residentId": str(uuid4())})
    assert unknown.status_code == 404
