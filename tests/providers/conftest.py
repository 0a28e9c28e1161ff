"""A running sandbox, and the adapters pointed at it."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from providers import stripe_wire
from providers.mail import MailMessenger, MailSettings
from providers.razorpay import RazorpayGateway
from providers.razorpay_wire import RazorpayClient
from providers.stripe import StripeGateway
from providers.twilio import TwilioMessenger, TwilioSettings
from providers.wire import Wire
from sandbox.main import Running, running
from tests.support.outgoing import ACCOUNT, Inbox, Order
from tests.support.paying import NOW, Till


@pytest.fixture
async def box() -> AsyncGenerator[Running]:
    async with running() as box:
        yield box


@pytest.fixture
async def client(box: Running) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
        yield client


@pytest.fixture
def order(client: httpx2.AsyncClient) -> Order:
    """Orders how the next request ends."""

    async def order(provider: str, outcome: str, **more: object) -> None:
        body = {"provider": provider, "outcome": outcome, **more}
        (await client.post("/control/next", json=body)).raise_for_status()

    return order


@pytest.fixture
def inbox(client: httpx2.AsyncClient) -> Inbox:
    """Reads what arrived, newest first."""

    async def inbox() -> list[dict[str, Any]]:
        return (await client.get("/control/inbox?limit=1000")).json()["items"]

    return inbox


@pytest.fixture
async def mail(box: Running) -> AsyncGenerator[MailMessenger]:
    settings = MailSettings("127.0.0.1", box.smtp_port, "billing@sunrise.example")
    mail = MailMessenger(settings)
    yield mail
    await mail.close()


@pytest.fixture
async def twilio(box: Running) -> AsyncGenerator[TwilioMessenger]:
    twilio = TwilioMessenger(
        TwilioSettings(
            ACCOUNT, "token", "+15005550006", base_url=f"{box.url}/twilio", timeout_seconds=1.0
        )
    )
    yield twilio
    await twilio.close()


@pytest.fixture
async def till(client: httpx2.AsyncClient) -> Till:
    """The sandbox's steering; its clock stands at NOW."""
    till = Till(client)
    await till.at(NOW)
    return till


@pytest.fixture
async def wire() -> AsyncGenerator[Wire]:
    """Connections with little patience."""
    wire = Wire(1.0)
    yield wire
    await wire.close()


@pytest.fixture
def stripe(box: Running, wire: Wire) -> StripeGateway:
    """Sunrise's own account."""
    return StripeGateway(stripe_wire.client(wire, f"{box.url}/stripe", "sk_test_sunrise", None))


@pytest.fixture
def razorpay(box: Running, wire: Wire) -> RazorpayGateway:
    """Sunrise's own account."""
    url = f"{box.url}/razorpay"
    return RazorpayGateway(RazorpayClient(wire, url, "rzp_test_sunrise", "key-secret"))
