"""Status callbacks: signed so that Twilio's own validator accepts them, insistent, spoilable."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from providers.twilio import TwilioMessenger, TwilioSettings
from sandbox.main import Running
from tests.support.outgoing import ACCOUNT, Order, text

TOKEN = "a secret token"


@dataclass
class Listener:
    """Hears callbacks over a real socket and answers with the statuses it was told to."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append((headers["x-twilio-signature"], dict(parse_qsl(body.decode()))))
        status = self.answers.pop(0) if self.answers else 204
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def states(self) -> list[str]:
        return [form["MessageStatus"] for _, form in self.heard]

    def valid(self, number: int) -> bool:
        signature, form = self.heard[number]
        return RequestValidator(TOKEN).validate(self.url, form, signature)


@pytest.fixture
async def listener() -> AsyncGenerator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    listener.url = f"http://127.0.0.1:{port}/notifications/webhooks/twilio?k=abc"
    yield listener
    server.close()


@pytest.fixture
async def reported(box: Running, listener: Listener) -> AsyncGenerator[TwilioMessenger]:
    twilio = TwilioMessenger(
        TwilioSettings(
            ACCOUNT,
            TOKEN,
            "+15005550006",
            base_url=f"{box.url}/twilio",
            status_callback=listener.url,
        )
    )
    yield twilio
    await twilio.close()


async def test_each_state_is_reported_with_a_valid_signature(
    reported: TwilioMessenger, listener: Listener, box: Running
) -> None:
    receipt = await reported.send(text())
    await box.sandbox.carrier.settled()
    assert listener.states == ["sent", "delivered"]
    assert listener.valid(0)
    assert listener.valid(1)
    form = listener.heard[1][1]
    assert form["MessageSid"] == receipt.provider_message_id
    assert form["To"] == "+919876543210"
    assert "ErrorCode" not in form


async def test_a_failed_delivery_is_reported_with_its_code(
    reported: TwilioMessenger, listener: Listener, box: Running, order: Order
) -> None:
    await order("twilio", "decline:30003", operation="messages.create")
    await reported.send(text())
    await box.sandbox.carrier.settled()
    assert listener.states == ["sent", "undelivered"]
    assert listener.heard[1][1]["ErrorCode"] == "30003"


async def test_a_callback_not_taken_is_posted_again(
    reported: TwilioMessenger, listener: Listener, box: Running
) -> None:
    listener.answers = [500, 404]
    await reported.send(text())
    await box.sandbox.carrier.settled()
    assert listener.states == ["sent", "sent", "sent", "delivered"]


@pytest.mark.parametrize(
    ("tricks", "states"),
    [
        ({"duplicate": True}, ["sent", "sent", "delivered", "delivered"]),
        ({"duplicate": 1}, ["sent", "sent", "delivered"]),
        ({"drop": 1}, ["delivered"]),
        ({"reorder": True}, ["delivered", "sent"]),
        ({"delay": 0.05}, ["sent", "delivered"]),
    ],
)
async def test_tricks_are_played_as_ordered(  # noqa: PLR0917 the columns above
    reported: TwilioMessenger,
    listener: Listener,
    box: Running,
    client: httpx2.AsyncClient,
    tricks: dict[str, object],
    states: list[str],
) -> None:
    await client.post("/control/webhooks", json=tricks)
    await reported.send(text())
    await box.sandbox.carrier.settled()
    assert listener.states == states


async def test_a_tampered_callback_does_not_pass_the_validator(
    reported: TwilioMessenger, listener: Listener, box: Running, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/webhooks", json={"tamper": 1})
    await reported.send(text())
    await box.sandbox.carrier.settled()
    assert not listener.valid(0)
    assert listener.valid(1)
