"""What comes back from a provider, or does not: never taken for a no, never shown with names."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from domain.errors import InvalidInput, Refused, Unavailable, UnknownOutcome
from domain.payment_attempt import PayBy
from providers import stripe_wire
from providers.payments import Gateway
from providers.razorpay import RazorpayGateway
from providers.razorpay_wire import RazorpayClient
from providers.stripe import StripeGateway
from providers.told import Told
from providers.wire import Wire, patience, spoken
from tests.support.paying import asked


class Odd:
    """A server that answers everything with one answer, or hangs up."""

    def __init__(self) -> None:
        self.status, self.body, self.url = 200, b"", ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self.status:
            head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\n"
            writer.write(
                head.encode() + b"Connection: close\r\nRetry-After: 17\r\n\r\n" + self.body
            )
            await writer.drain()
        writer.close()


@pytest.fixture
async def odd() -> AsyncGenerator[Odd]:
    odd = Odd()
    server = await asyncio.start_server(odd.handle, "127.0.0.1", 0)
    odd.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield odd
    server.close()
    await server.wait_closed()


@pytest.fixture(params=["stripe", "razorpay"])
def gateway(request: pytest.FixtureRequest, odd: Odd, wire: Wire) -> tuple[Gateway, PayBy]:
    if request.param == "stripe":
        client = stripe_wire.client(wire, odd.url, "sk_test_x", None)
        return StripeGateway(client), PayBy.checkout
    return RazorpayGateway(RazorpayClient(wire, odd.url, "rzp_test_x", "secret")), PayBy.link


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (0, b""),
        (200, b"<html>maintenance</html>"),
        (200, b"{}"),
        (200, b""),
        (502, b"<html>bad gateway</html>"),
        (503, b""),
    ],
)
async def test_an_answer_that_cannot_be_read_is_not_a_no(
    gateway: tuple[Gateway, PayBy], odd: Odd, status: int, body: bytes
) -> None:
    asks, by = gateway
    odd.status, odd.body = status, body
    with pytest.raises(UnknownOutcome):
        await asks.open(asked(by))
    with pytest.raises(Unavailable) as raised:
        await asks.look_up(asked(by), "id_1")
    assert type(raised.value) is Unavailable
    with pytest.raises(UnknownOutcome):
        await asks.close(asked(by), "id_1")


async def test_a_provider_says_how_long_it_wants_to_be_left_alone(
    gateway: tuple[Gateway, PayBy], odd: Odd
) -> None:
    asks, by = gateway
    odd.status, odd.body = 429, b'{"error": {"message": "slow down", "description": "slow down"}}'
    with pytest.raises(Unavailable, match="slow down") as raised:
        await asks.open(asked(by))
    assert raised.value.retry_after_seconds == 17


async def test_keys_that_are_not_good_any_more_are_a_no(
    gateway: tuple[Gateway, PayBy], odd: Odd
) -> None:
    asks, by = gateway
    odd.status, odd.body = 401, b'{"error": {"message": "Invalid API Key: sk_test_*****x"}}'
    for call in (asks.check(), asks.open(asked(by)), asks.look_up(asked(by), "id_1")):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.code == "CREDENTIALS"
        assert "sk_test" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "seconds"), [({}, 5), ({"retry-after": "0"}, 1), ({"retry-after": "9999"}, 600)]
)
def test_patience_has_its_bounds(header: dict[str, str], seconds: int) -> None:
    assert patience(header) == seconds


def test_a_providers_words_are_kept_without_addresses_and_numbers() -> None:
    words = "contact +91 98123 45678 or asha@mail.example is bad, use 15 minutes"
    assert spoken(words) == "contact … or … is bad, use 15 minutes"
    assert spoken(None) == ""
    assert len(spoken("x" * 999)) == 200


def test_what_is_of_another_kind_is_named() -> None:
    told = Told({"many": [1], "list": {}, "yes": True, "text": 5})
    for read, field in (
        (lambda: told.many("many"), "many[0]"),
        (lambda: told.many("list"), "list"),
        (lambda: told.whole("yes"), "yes"),
        (lambda: told.text_or_none("text"), "text"),
        (lambda: told.inner("none"), "none"),
    ):
        with pytest.raises(InvalidInput) as refused:
            read()
        assert refused.value.problems[0].field == field
    assert (told.texts("many"), told.words("text"), told.many("none")) == ({}, (), ())
