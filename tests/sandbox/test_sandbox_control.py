"""The control API: the clock, the inbox for programs, ordered outcomes, a fresh start."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from sandbox.main import Running, running

ACCOUNT = "AC" + "a" * 32
MESSAGES = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def text(client: httpx2.AsyncClient, to: str, body: str = "Rent is due") -> httpx2.Response:
    form = {"To": to, "From": "+15005550006", "Body": body}
    return await client.post(MESSAGES, data=form, auth=(ACCOUNT, "token"))


async def test_the_clock_follows_real_time_until_it_is_told_otherwise(
    client: httpx2.AsyncClient,
) -> None:
    shown = (await client.get("/control/clock")).json()
    assert shown["runs"]
    apart = datetime.now(UTC) - datetime.fromisoformat(shown["now"])
    assert abs(apart) < timedelta(seconds=5)


async def test_a_set_clock_stands_and_is_moved_on(client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-10-05T10:00:00+05:30"})
    await client.post("/control/clock", json={"advance": "P1DT30M"})
    await client.post("/control/clock", json={"advance": 60})
    shown = (await client.get("/control/clock")).json()
    assert shown == {"now": "2026-10-06T05:01:00Z", "runs": False}
    again = (await client.post("/control/clock", json={"now": None})).json()
    assert again["runs"]


async def test_a_running_clock_that_was_advanced_goes_on_running(
    client: httpx2.AsyncClient,
) -> None:
    await client.post("/control/clock", json={"advance": 3600})
    shown = (await client.post("/control/clock", json={"advance": 3600})).json()
    ahead = datetime.fromisoformat(shown["now"]) - datetime.now(UTC)
    assert shown["runs"]
    assert timedelta(minutes=119) < ahead < timedelta(minutes=121)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"now": "2026-10-05T10:00:00"},
        {"advance": -1},
        {"now": "2026-10-05T10:00:00Z", "advance": 1},
        {"backwards": 1},
    ],
)
async def test_a_clock_is_not_set_by_half_a_word(
    client: httpx2.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.post("/control/clock", json=body)).status_code == 422


async def test_messages_carry_the_time_of_the_sandbox(client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-10-05T10:00:00Z"})
    await text(client, "+919876543210")
    [message] = (await client.get("/control/inbox")).json()["items"]
    assert datetime.fromisoformat(message["at"]) == datetime(2026, 10, 5, 10, tzinfo=UTC)


async def test_the_inbox_is_filtered_by_recipient_channel_and_time(
    client: httpx2.AsyncClient,
) -> None:
    await client.post("/control/clock", json={"now": "2026-10-05T10:00:00Z"})
    await text(client, "+919876543210", "first")
    await client.post("/control/clock", json={"advance": "P1D"})
    await text(client, "+919876543210", "second")
    await text(client, "+919876543211", "other")

    async def read(query: str) -> list[str]:
        found = (await client.get(f"/control/inbox?{query}")).json()
        assert found["total"] == len(found["items"])
        return [message["text"] for message in found["items"]]

    assert await read("") == ["other", "second", "first"]
    assert await read("to=%2B919876543210") == ["second", "first"]
    assert await read("to=+919876543210") == ["second", "first"], "a plus sign typed as it is"
    assert await read("channel=email") == []
    assert await read("to=%2B919876543210&since=2026-10-06T00:00:00Z") == ["second"]
    assert await read("since=2026-10-06T15:30:00%2B05:30") == ["other", "second"]


async def test_the_inbox_is_read_page_by_page(client: httpx2.AsyncClient) -> None:
    for number in range(5):
        await text(client, "+919876543210", str(number))
    first = (await client.get("/control/inbox?limit=2")).json()
    second = (await client.get(f"/control/inbox?limit=2&cursor={first['nextCursor']}")).json()
    third = (await client.get(f"/control/inbox?limit=2&cursor={second['nextCursor']}")).json()
    pages = [[message["text"] for message in page["items"]] for page in (first, second, third)]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert third["nextCursor"] is None
    assert first["total"] == 5


@pytest.mark.parametrize(
    "body",
    [
        {"provider": "fax", "outcome": "success"},
        {"provider": "twilio", "outcome": "maybe"},
        {"provider": "twilio", "outcome": "decline"},
        {"provider": "twilio", "operation": "send", "outcome": "success"},
        {"provider": "smtp", "outcome": "500", "times": 0},
        {"provider": "smtp", "outcome": "500", "when": "now"},
    ],
)
async def test_an_outcome_nobody_knows_is_refused(
    client: httpx2.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.post("/control/next", json=body)).status_code == 422


async def test_ordered_outcomes_are_taken_oldest_first_and_as_often_as_ordered(
    client: httpx2.AsyncClient,
) -> None:
    order = {"provider": "twilio", "operation": "messages.create"}
    await client.post("/control/next", json={**order, "outcome": "429", "times": 2})
    await client.post("/control/next", json={**order, "outcome": "500"})
    statuses = [(await text(client, "+919876543210")).status_code for _ in range(4)]
    assert statuses == [429, 429, 500, 201]
    assert (await client.get("/control/next")).json() == {"items": []}


async def test_tricks_not_named_stay_as_they_are(client: httpx2.AsyncClient) -> None:
    await client.post("/control/webhooks", json={"duplicate": True})
    shown = (await client.post("/control/webhooks", json={"drop": 2})).json()
    rest = {"reorder": 0, "tamper": 0, "delay": 0.0, "provider": None}
    assert shown == {"duplicate": True, "drop": 2, **rest}


async def test_a_reset_forgets_everything(client: httpx2.AsyncClient) -> None:
    await text(client, "+919876543210")
    await client.post("/control/clock", json={"now": "2026-10-05T10:00:00Z"})
    await client.post("/control/next", json={"provider": "smtp", "outcome": "500"})
    await client.post("/control/webhooks", json={"drop": True})
    await client.post("/control/reset")
    assert (await client.get("/control/inbox")).json()["items"] == []
    assert (await client.get("/control/clock")).json()["runs"]
    assert (await client.get("/control/next")).json()["items"] == []
    assert not (await client.get("/control/webhooks")).json()["drop"]


async def test_the_inbox_and_the_clock_survive_a_restart(tmp_path: Path) -> None:
    async def at(box: Running) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=box.url, trust_env=False)

    async with running(state_dir=tmp_path) as box, await at(box) as client:
        await client.post("/control/clock", json={"now": "2026-10-05T10:00:00Z"})
        await text(client, "+919876543210", "kept")
    async with running(state_dir=tmp_path) as box, await at(box) as client:
        [message] = (await client.get("/control/inbox")).json()["items"]
        assert message["text"] == "kept"
        assert (await client.get("/control/clock")).json()["now"] == "2026-10-05T10:00:00Z"
