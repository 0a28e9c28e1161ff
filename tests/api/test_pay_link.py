"""Handing out and revoking a resident's pay link over HTTP."""

from collections.abc import AsyncGenerator

import httpx2
import pytest
from uuid_utils.compat import uuid7

from api.parts import Links
from models.pay_link import resolve
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_resident
from tests.support.web import a_client
from tests.support.written import everything

PUBLIC = "https://pay.example.com"


@pytest.fixture
async def desk(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of the tenant, in a house that payers can reach."""
    async with a_client(house, links=Links(public=PUBLIC)) as opened:
        yield opened


async def test_a_link_is_handed_out_and_stays_until_it_is_revoked(
    desk: httpx2.AsyncClient, house: House
) -> None:
    path = f"/residents/{(await a_resident(house)).id}/pay-link"
    first = await desk.post(path)
    assert first.status_code == 200
    url = str(first.json()["url"])
    assert url.startswith(f"{PUBLIC}/pay/")
    assert (await desk.post(path)).json() == {"url": url}
    for _ in range(2):
        assert (await desk.delete(path)).status_code == 204
    assert await resolve(house.database, url.rpartition("/")[2]) is None
    assert (await desk.post(path)).json()["url"] != url


async def test_a_house_nobody_can_reach_hands_out_none(
    client: httpx2.AsyncClient, house: House
) -> None:
    answer = await client.post(f"/residents/{(await a_resident(house)).id}/pay-link")
    assert (answer.status_code, answer.json()["code"]) == (422, "NO_PUBLIC_ADDRESS")


async def test_nobody_is_handed_the_link_of_anothers_resident(
    desk: httpx2.AsyncClient, stranger: httpx2.AsyncClient, house: House
) -> None:
    path = f"/residents/{(await a_resident(house)).id}/pay-link"
    for answer in (
        await stranger.post(path),
        await stranger.delete(path),
        await desk.post(f"/residents/{uuid7()}/pay-link"),
    ):
        assert answer.status_code == 404


async def test_an_answer_that_tells_a_token_is_stored_nowhere(
    desk: httpx2.AsyncClient, house: House, database_urls: DatabaseUrls
) -> None:
    """Asked again with the same key it is the same link all the same."""
    path = f"/residents/{(await a_resident(house)).id}/pay-link"
    keyed = {"Idempotency-Key": "one"}
    url = (await desk.post(path, headers=keyed)).json()["url"]
    assert (await desk.post(path, headers=keyed)).json()["url"] == url
    token = url.rpartition("/")[2]
    assert not [row for row in await everything(database_urls) if token in row]
