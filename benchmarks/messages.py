"""Invoice mails from their rows to a mail server, beside the same mails without a row."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

from sqlalchemy import select, update
from uuid_utils.compat import uuid7

from benchmarks.figure import Figure
from benchmarks.house import ACTOR, BilledHouse, a_billed_house
from benchmarks.part import a_process
from models.invoice import Invoice
from models.message import Purpose
from models.messages import tell
from models.resident import Resident
from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel, Messenger, Outgoing, Receipt
from runtime.clock import SetClock
from runtime.embedded.ports import any_free_port
from workers.message_relay import IN_FLIGHT, MessageRelay

MAILS = 500
WARM_UP = 50


class Listening:
    """A carrier that remembers what it carried, so that its peer carries the same."""

    def __init__(self, carrier: Messenger) -> None:
        self._carrier = carrier
        self.heard: list[Outgoing] = []

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Carry it, and remember it."""
        self.heard.append(outgoing)
        return await self._carrier.send(outgoing)

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """Ask the carrier."""
        return await self._carrier.look_up(outgoing, sent_after)

    async def close(self) -> None:
        """Hang up."""
        await self._carrier.close()


async def measure() -> dict[str, Figure]:
    """The figures of `messages`: the sandbox's mail server takes both."""
    async with a_billed_house(MAILS + WARM_UP) as house, _a_mail_server() as settings:
        carrier = Listening(MailMessenger(settings))
        try:
            ours = await _relayed(house, carrier)
            bare = await _barely(carrier)
        finally:
            await carrier.close()
    return {
        "messages.per_second": Figure(
            MAILS / ours,
            "mails/s",
            60,
            f"invoice mails from queued rows to a mail server's acceptance, each asked once more"
            f" whether it should leave; the same mails without a row: {MAILS / bare:,.0f}/s",
        )
    }


@asynccontextmanager
async def _a_mail_server() -> AsyncGenerator[MailSettings]:
    port, smtp = any_free_port(), any_free_port()
    settings = {"INNKEEPER_SANDBOX_PORT": str(port), "INNKEEPER_SANDBOX_SMTP_PORT": str(smtp)}
    with TemporaryDirectory() as folder:
        words = ("cli.main", "sandbox", "--state", folder)
        async with a_process(words, settings, f"http://127.0.0.1:{port}/control/clock"):
            yield MailSettings("127.0.0.1", smtp, "billing@example.com")


async def _relayed(house: BilledHouse, carrier: Messenger) -> float:
    """Seconds from queued rows to the last mail's acceptance, after a warm-up."""
    clock = SetClock(datetime.now(UTC))
    relay = MessageRelay(house.database, ByChannel({Channel.EMAIL: carrier}), clock)
    async with house.database.tenant(house.tenant.tenant_id, ACTOR) as session:
        invoices = (await session.scalars(select(Invoice))).all()
    await _queued(house, invoices[:WARM_UP], clock.now())
    while await relay.turn():
        pass
    await _queued(house, invoices[WARM_UP:], clock.now())
    began = time.perf_counter()
    sent = 0
    while turned := await relay.turn():
        sent += turned
    if sent != MAILS:
        raise RuntimeError(f"{sent} of {MAILS} mails left")
    return time.perf_counter() - began


async def _queued(house: BilledHouse, invoices: Sequence[Invoice], at: datetime) -> None:
    async with house.database.tenant(house.tenant.tenant_id, ACTOR) as session:
        await session.execute(update(Resident).values(phone=None))
        for invoice in invoices:
            await tell(
                session,
                resident_id=invoice.resident_id,
                purpose=Purpose.INVOICE,
                at=at,
                timezone=invoice.timezone,
                about_id=invoice.id,
            )


async def _barely(carrier: Listening) -> float:
    """Seconds for the same mails by the same carrier, as many at once, under other ids."""
    again = [replace(mail, id=uuid7()) for mail in carrier.heard[-MAILS:]]
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(mail: Outgoing) -> None:
        async with gate:
            await carrier.send(mail)

    began = time.perf_counter()
    await asyncio.gather(*(send(mail) for mail in again))
    return time.perf_counter() - began
