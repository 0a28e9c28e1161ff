"""A sandbox that takes mail and text messages, and the messenger that brings them there."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select

from models.database import one
from models.message import Delivery, Message
from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel, Messenger
from providers.twilio import TwilioMessenger, TwilioSettings
from sandbox.main import running
from tests.support.house import House
from tests.support.outgoing import ACCOUNT

SENDER = "billing@sunrise.example"


@dataclass(frozen=True, slots=True)
class Post:
    """Where messages go, what arrived there, and what goes wrong next."""

    messenger: Messenger
    client: httpx2.AsyncClient
    smtp_port: int
    settled: Callable[[], Awaitable[None]]
    """Until the carrier has delivered every text it took."""

    async def inbox(self, channel: str = "") -> list[dict[str, Any]]:
        """What arrived, in the order it came."""
        wanted = f"&channel={channel}" if channel else ""
        found = await self.client.get(f"/control/inbox?limit=1000{wanted}")
        return list(reversed(found.json()["items"]))

    async def mails(self) -> list[dict[str, Any]]:
        """The mails that arrived."""
        return await self.inbox("email")

    async def texts(self) -> list[dict[str, Any]]:
        """The text messages that arrived."""
        return await self.inbox("sms")

    async def order(self, provider: str, outcome: str, **more: object) -> None:
        """How the next request of a provider ends."""
        body = {"provider": provider, "outcome": outcome, **more}
        (await self.client.post("/control/next", json=body)).raise_for_status()

    async def set_clock(self, at: datetime) -> None:
        """What the carriers' clock shows."""
        body = {"now": at.isoformat()}
        (await self.client.post("/control/clock", json=body)).raise_for_status()


@asynccontextmanager
async def a_post(*, timeout_seconds: float = 1.0) -> AsyncGenerator[Post]:
    """A sandbox of its own for the length of the block."""
    async with running() as box:
        mail = MailSettings("127.0.0.1", box.smtp_port, SENDER, timeout_seconds=timeout_seconds)
        sms = TwilioSettings(
            ACCOUNT,
            "token",
            "+15005550006",
            base_url=f"{box.url}/twilio",
            timeout_seconds=timeout_seconds,
        )
        messenger = ByChannel(
            {Channel.EMAIL: MailMessenger(mail), Channel.SMS: TwilioMessenger(sms)}
        )
        try:
            async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
                yield Post(messenger, client, box.smtp_port, box.sandbox.carrier.settled)
        finally:
            await messenger.close()


def message_id(item: dict[str, Any]) -> str:
    """The Message-ID header of a mail that arrived."""
    return item["headers"]["Message-ID"]


async def deliveries(house: House, message_id: UUID) -> dict[str, list[Delivery]]:
    """The tries of a message by channel, in order."""
    tries: dict[str, list[Delivery]] = {"email": [], "sms": []}
    async with house.session() as session:
        found = await session.scalars(
            select(Delivery).where(Delivery.message_id == message_id).order_by(Delivery.attempt)
        )
        for delivery in found:
            tries[delivery.channel].append(delivery)
    return tries


async def state_of(house: House, message_id: UUID) -> str:
    """Where a message stands."""
    async with house.session() as session:
        return (await one(session, Message, message_id)).state
