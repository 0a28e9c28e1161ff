"""Invoice mails from their rows to a mail server, beside the same mails without a row."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from datetime import time as time_of_day
from tempfile import TemporaryDirectory

from sqlalchemy import select
from uuid_utils.compat import uuid7

from benchmarks.figure import Figure
from benchmarks.house import ACTOR, BilledHouse, a_billed_house
from benchmarks.part import a_process
from models.invoice import Invoice
from models.message import Purpose
from models.messages import tell
from providers.channels import ByChannel
from providers.documents import Press
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel, Messenger, Outgoing, Receipt
from runtime.clock import SetClock
from runtime.embedded.ports import any_free_port
from runtime.press import a_press
from workers.message_relay import IN_FLIGHT, MessageRelay

MAILS = 500
PRINTED = 60
WARM_UP = 50
# Half past ten in India: text messages wait for the morning, mails leave.
AT_NIGHT = time_of_day(17, tzinfo=UTC)


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


class Watching:
    """A press that remembers its pages, so that they can be printed again."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self.seen: list[str] = []

    async def pdf(self, html: str) -> bytes:
        """Print it, and remember it."""
        self.seen.append(html)
        return await self._press.pdf(html)

    async def ready(self) -> str:
        """Ask the press."""
        return await self._press.ready()

    async def close(self) -> None:
        """Stop."""
        await self._press.close()


async def measure() -> dict[str, Figure]:
    """The figures of `messages`: the sandbox's mail server takes both."""
    async with a_billed_house(WARM_UP + MAILS + PRINTED) as house, _a_mail_server() as settings:
        carrier = Listening(MailMessenger(settings))
        relay = _Relay(house, carrier)
        try:
            await relay.seconds(WARM_UP)
            ours = await relay.seconds(MAILS)
            bare = await _barely(carrier)
            printing, layout = await _with_documents(relay)
        finally:
            await carrier.close()
    return {
        "messages.ratio_to_bare": Figure(
            bare / ours,
            "of bare",
            1 / 3,
            f"invoice mails from queued rows to a mail server's acceptance, each asked once more"
            f" whether it should leave: {MAILS / ours:,.0f}/s; the same mails without a row:"
            f" {MAILS / bare:,.0f}/s",
        ),
        "messages.printed_ratio_to_bare": Figure(
            layout / printing,
            "of bare",
            1 / 2,
            f"the same with the invoice as PDF: {PRINTED / printing:,.1f}/s; the same pages"
            f" printed and nothing else: {PRINTED / layout:,.1f}/s",
        ),
    }


@asynccontextmanager
async def _a_mail_server() -> AsyncGenerator[MailSettings]:
    port, smtp = any_free_port(), any_free_port()
    settings = {"INNKEEPER_SANDBOX_PORT": str(port), "INNKEEPER_SANDBOX_SMTP_PORT": str(smtp)}
    with TemporaryDirectory() as folder:
        words = ("cli.main", "sandbox", "--state", folder)
        async with a_process(words, settings, f"http://127.0.0.1:{port}/control/clock"):
            yield MailSettings("127.0.0.1", smtp, "billing@example.com")


class _Relay:
    """Invoices of the house, told of by a relay a part at a time."""

    def __init__(self, house: BilledHouse, carrier: Messenger) -> None:
        self._house = house
        self._messenger = ByChannel({Channel.EMAIL: carrier})
        self._clock = SetClock(datetime.combine(datetime.now(UTC), AT_NIGHT))
        self._told = 0

    async def seconds(self, mails: int, press: Press | None = None) -> float:
        """From so many queued rows to the last mail's acceptance."""
        relay = MessageRelay(self._house.database, self._messenger, self._clock, press)
        async with self._house.database.tenant(self._house.tenant.tenant_id, ACTOR) as session:
            query = select(Invoice).order_by(Invoice.id).offset(self._told).limit(mails)
            invoices = (await session.scalars(query)).all()
        self._told += mails
        await _queued(self._house, invoices, self._clock.now())
        began = time.perf_counter()
        sent = 0
        while turned := await relay.turn():
            sent += turned
        if sent != mails:
            raise RuntimeError(f"{sent} of {mails} mails left")
        return time.perf_counter() - began


async def _with_documents(relay: _Relay) -> tuple[float, float]:
    """Seconds for mails with their documents, and for printing the same pages alone."""
    async with a_press() as press:
        await press.ready()
        watching = Watching(press)
        printing = await relay.seconds(PRINTED, watching)
        began = time.perf_counter()
        await asyncio.gather(*map(press.pdf, watching.seen))
        return printing, time.perf_counter() - began


async def _queued(house: BilledHouse, invoices: Sequence[Invoice], at: datetime) -> None:
    async with house.database.tenant(house.tenant.tenant_id, ACTOR) as session:
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
