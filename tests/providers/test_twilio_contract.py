"""The sandbox speaks Twilio: the real SDK drives every route, the published schema judges both."""

import json
import re
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client

from providers.twilio import Wire
from sandbox.main import Running
from tests.support.outgoing import ACCOUNT, Inbox, Order

SCHEMA = Path(__file__).parents[3] / "shared/contracts/twilio-messages-slim.json"
FROM, TO = "+15005550006", "+919876543210"


class Recorded(Wire):
    """The adapter's own wire, remembering what went over it."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, 5)
        self.heard: list[tuple[str, str, dict[str, Any], dict[str, Any], int, Any]] = []

    async def request(  # noqa: PLR0917 the SDK's own signature
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 the same
        allow_redirects: bool = False,
    ) -> Response:
        answer = await super().request(
            method, url, params, data, headers, auth, timeout, allow_redirects
        )
        path = urlsplit(url).path.removeprefix("/twilio")
        body = json.loads(answer.text)
        self.heard.append((method, path, params or {}, data or {}, answer.status_code, body))
        return answer


@pytest.fixture
async def wire(box: Running) -> AsyncGenerator[Recorded]:
    wire = Recorded(f"{box.url}/twilio")
    yield wire
    await wire.close()


@pytest.fixture
def sdk(wire: Recorded) -> Client:
    return Client(ACCOUNT, "token", http_client=wire)


class Contract:
    """The part of OpenAPI 3.0 the published schema uses."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def judge(self, heard: tuple[str, str, dict[str, Any], dict[str, Any], int, Any]) -> None:
        method, path, params, data, status, body = heard
        operation = self._operation(method.lower(), path)
        known = {one["name"] for one in operation["parameters"]}
        assert set(params) <= known, params
        if data:
            form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
            self._check(data, form["schema"], "form")
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        self._check(body, schema, "answer")

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        for template, item in self._document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return item[method]
        raise AssertionError(f"{path} is not of the contract")

    def _check(self, value: Any, schema: dict[str, Any], at: str) -> None:
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if value is None:
            assert schema.get("nullable"), f"{at} is null"
            return
        kinds = {"string": str, "integer": int, "number": float, "object": dict, "array": list}
        assert isinstance(value, kinds[schema["type"]]), f"{at}: {value!r}"
        assert value in schema.get("enum", [value]), f"{at}: {value!r}"
        if isinstance(value, str):
            self._check_text(value, schema, at)
        elif isinstance(value, dict) and "properties" in schema:
            self._check_names(value, schema, at)
        elif isinstance(value, list):
            for inner in value:
                self._check(inner, schema["items"], f"{at}[]")

    def _check_names(self, value: dict[str, Any], schema: dict[str, Any], at: str) -> None:
        properties = schema["properties"]
        assert set(value) <= set(properties), f"{at}: unknown names"
        assert set(schema.get("required", ())) <= set(value), f"{at}: missing names"
        for name, inner in value.items():
            self._check(inner, properties[name], f"{at}.{name}")

    @staticmethod
    def _check_text(value: str, schema: dict[str, Any], at: str) -> None:
        assert schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6), at
        assert re.search(schema.get("pattern", ""), value), f"{at}: {value!r}"
        if schema.get("format") == "date-time-rfc-2822":
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", value), at


async def test_the_sdk_creates_fetches_and_lists_what_the_schema_allows(
    sdk: Client, wire: Recorded
) -> None:
    created = await sdk.messages.create_async(to=TO, from_=FROM, body="Rent ₹9,500.00")
    assert re.fullmatch("SM[0-9a-f]{32}", created.sid or "")
    assert (created.status, created.num_segments, created.direction) == (
        "queued",
        "1",
        "outbound-api",
    )
    fetched = await sdk.messages(created.sid or "").fetch_async()
    assert (fetched.body, fetched.to, fetched.from_) == ("Rent ₹9,500.00", TO, FROM)
    await sdk.messages.create_async(to=TO, messaging_service_sid="MG" + "b" * 32, body="x" * 161)
    listed = await sdk.messages.list_async(to=TO)
    assert [one.num_segments for one in listed] == ["2", "1"]
    assert len(wire.heard) == 4
    if SCHEMA.exists():
        contract = Contract(json.loads(SCHEMA.read_text()))
        for heard in wire.heard:
            contract.judge(heard)


async def test_a_text_goes_from_queued_to_delivered(sdk: Client, box: Running) -> None:
    created = await sdk.messages.create_async(to=TO, from_=FROM, body="Rent")
    assert created.date_sent is None
    await box.sandbox.carrier.settled()
    fetched = await sdk.messages(created.sid or "").fetch_async()
    assert fetched.status == "delivered"
    assert fetched.date_sent is not None


async def test_lists_are_filtered_by_recipient_sender_and_day_sent(
    sdk: Client, box: Running, client: httpx2.AsyncClient
) -> None:
    for day in (4, 5, 6):
        await client.post("/control/clock", json={"now": f"2026-10-0{day}T18:00:00Z"})
        await sdk.messages.create_async(to=TO, from_=FROM, body=str(day))
        await box.sandbox.carrier.settled()
    await sdk.messages.create_async(to="+919876543211", from_="INNKPR", body="other")

    async def bodies(**filters: Any) -> list[str | None]:
        return [one.body for one in await sdk.messages.list_async(**filters)]

    fifth = datetime(2026, 10, 5, 18, tzinfo=UTC)
    assert await bodies(to=TO) == ["6", "5", "4"]
    assert await bodies(from_="INNKPR") == ["other"]
    assert await bodies(to=TO, date_sent=date(2026, 10, 5)) == ["5"]
    assert await bodies(to=TO, date_sent_after=fifth) == ["6", "5"]
    assert await bodies(to=TO, date_sent_before=fifth) == ["5", "4"]
    assert await bodies(to=TO, date_sent_after=fifth + timedelta(seconds=1)) == ["6"]


async def test_a_long_list_is_read_page_by_page(sdk: Client, wire: Recorded) -> None:
    for number in range(5):
        await sdk.messages.create_async(to=TO, from_=FROM, body=str(number))
    listed = await sdk.messages.list_async(to=TO, page_size=2)
    assert [one.body for one in listed] == ["4", "3", "2", "1", "0"]
    assert len(wire.heard) == 5 + 3


@pytest.mark.parametrize(
    ("form", "code", "status"),
    [
        ({"to": "12345", "from_": FROM, "body": "x"}, 21211, 400),
        ({"to": "", "from_": FROM, "body": "x"}, 21604, 400),
        ({"to": TO, "body": "x"}, 21603, 400),
        ({"to": TO, "from_": "+abc", "body": "x"}, 21212, 400),
        ({"to": TO, "from_": FROM}, 21602, 400),
        ({"to": TO, "from_": FROM, "body": "x" * 1601}, 21617, 400),
        ({"to": "+15005550004", "from_": FROM, "body": "x"}, 21610, 400),
    ],
)
async def test_what_twilio_refuses_is_refused_in_its_words(
    sdk: Client, inbox: Inbox, form: dict[str, str], code: int, status: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await sdk.messages.create_async(**form)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert await inbox() == []


async def test_nobody_gets_in_without_credentials(client: httpx2.AsyncClient) -> None:
    path = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    answer = await client.post(path, data={"To": TO, "From": FROM, "Body": "x"})
    assert answer.status_code == 401
    assert answer.json()["code"] == 20003
    assert answer.headers["www-authenticate"].startswith("Basic")
    wrong = path.replace(ACCOUNT, "somebody")
    assert (await client.get(wrong, auth=("somebody", "token"))).json()["code"] == 20404


async def test_a_message_nobody_sent_is_not_found(sdk: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await sdk.messages("SM" + "0" * 32).fetch_async()
    assert refused.value.code == 20404


async def test_a_delivery_error_comes_after_the_message_was_taken(
    sdk: Client, box: Running, order: Order
) -> None:
    await order("twilio", "decline:30003", operation="messages.create")
    created = await sdk.messages.create_async(to=TO, from_=FROM, body="x")
    await box.sandbox.carrier.settled()
    fetched = await sdk.messages(created.sid or "").fetch_async()
    assert (fetched.status, fetched.error_code) == ("undelivered", 30003)
