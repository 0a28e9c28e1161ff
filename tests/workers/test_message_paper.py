"""A mail carries its document, as the rows stand when it leaves; unprinted, it still leaves."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.invoice_collection import Collecting
from activities.message_delivery import Delivering
from domain import keys
from domain.lives import Look, Subject
from models.message import Purpose
from models.messages import tell
from providers.documents import Press
from providers.press import PrinterPress
from runtime.clock import SetClock
from templates import FONTS
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt, pay
from tests.support.house import ZONE, a_database, a_resident, a_tenant
from tests.support.pdf import a_press, hide_pango, pages
from tests.support.post import Post, a_post, message_id
from workers.message_relay import MessageRelay

DUE = date(2026, 10, 5)
NUMBER = "BOS/26-27/000001"


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody who owes a rent, and the post that writes to them."""

    debt: Debt
    post: Post
    clock: SetClock

    async def at(self, instant: datetime) -> None:
        self.clock.at = instant
        await self.post.set_clock(instant)

    async def turn(self, press: Press | None) -> None:
        database = self.debt.house.database
        await MessageRelay(database, self.post.messenger, self.clock, press).turn()

    async def sends_the_invoice(self) -> Look:
        """It is queued; how its message's life looks at it."""
        house = self.debt.house
        async with house.session() as session:
            message = await tell(
                session,
                resident_id=self.debt.resident_id,
                purpose=Purpose.INVOICE,
                at=self.clock.at,
                timezone=ZONE,
                about_id=self.debt.invoice_id,
            )
        key = keys.message_delivery(house.tenant_id, message.id)
        return Look(Subject(house.tenant_id, message.id, key), self.clock.at)

    async def files(self, mail: dict[str, Any]) -> dict[str, bytes]:
        """What came with a mail, by name."""
        found: dict[str, bytes] = {}
        for ordinal, file in enumerate(mail["attachments"]):
            assert file["contentType"] == "application/pdf"
            answer = await self.post.client.get(
                f"/control/inbox/{mail['id']}/attachments/{ordinal}"
            )
            found[file["name"]] = answer.content
        return found

    async def arrived(self) -> dict[str, dict[str, str]]:
        """By the subject of each mail: its files by name, and the words on them."""
        told: dict[str, dict[str, str]] = {}
        for mail in await self.post.mails():
            files = await self.files(mail)
            told[mail["subject"]] = {name: " ".join(pages(pdf)) for name, pdf in files.items()}
        return told


@pytest.fixture
async def desk(database_urls: DatabaseUrls) -> AsyncGenerator[Desk]:
    async with a_database(database_urls) as database, a_post() as post:
        house = await a_tenant(database)
        resident = await a_resident(house, email="asha@mail.example")
        debt = await a_debt(house, DUE, resident_id=resident.id)
        desk = Desk(debt, post, SetClock(debt.after(-1)))
        await desk.at(debt.after(-1))
        yield desk


@pytest.fixture
async def press() -> AsyncGenerator[PrinterPress]:
    async with a_press() as opened:
        yield opened


async def test_an_invoice_arrives_with_its_document(desk: Desk, press: PrinterPress) -> None:
    await desk.sends_the_invoice()
    await pay(desk.debt, desk.clock.at, 4_000_00)
    await desk.turn(press)
    arrived = await desk.arrived()
    (invoice,) = [files for files in arrived.values() if "BOS-26-27-000001.pdf" in files]
    read = invoice["BOS-26-27-000001.pdf"]
    assert f"Bill of supply Number {NUMBER}" in read
    assert "Paid ₹4,000.00 Still to pay ₹6,000.00" in read, "as it stood when the mail left"


async def test_receipt_late_fee_and_its_reversal_carry_theirs(
    desk: Desk, press: PrinterPress
) -> None:
    debt = desk.debt
    collecting = Collecting(debt.house.database, "a-store")
    await desk.at(debt.after(1))
    await ActivityEnvironment().run(collecting.remind, debt.look(desk.clock.at))
    await desk.turn(press)
    await desk.at(debt.after(4))
    await ActivityEnvironment().run(collecting.charge_late_fee, debt.look(desk.clock.at))
    await desk.turn(press)
    await pay(debt, desk.clock.at, paid_on=date(2026, 10, 6))
    await desk.turn(press)
    arrived = await desk.arrived()
    penalty = await debt.penalty()
    assert penalty is not None
    assert penalty.invoice_number is not None
    assert arrived["₹10,000.00 was due on 5 October 2026"] == {}
    (fee,) = arrived["A late fee of ₹500.00 was added"].values()
    assert f"Late fee for {NUMBER}" in fee
    reversal = arrived["The late fee of ₹500.00 was taken back"]["CN-26-27-000001.pdf"]
    assert f"Date 9 October 2026 For {penalty.invoice_number} dated" in reversal
    assert "Credited ₹500.00" in reversal
    receipt = arrived["Received with thanks: ₹10,000.00"]["PAY-26-27-000001.pdf"]
    assert f"{NUMBER} ₹0.00 ₹10,000.00" in receipt


async def test_a_mail_sent_again_is_the_same_mail(desk: Desk, press: PrinterPress) -> None:
    """The server took the first and hung up; the life sends it once more."""
    look = await desk.sends_the_invoice()
    await desk.post.order("smtp", "applied-then-500")
    await desk.turn(press)
    again = Look(look.subject, desk.clock.at + timedelta(hours=1))
    await desk.at(again.at)
    delivering = Delivering(desk.debt.house.database, "a-store", desk.post.messenger, press)
    await ActivityEnvironment().run(delivering.deliver, again)
    first, second = await desk.post.mails()
    assert message_id(first) == message_id(second)
    assert await desk.files(first) == await desk.files(second)
    assert first["attachments"]


async def test_without_pango_the_mail_leaves_without_its_document(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_pango(monkeypatch, tmp_path)
    await desk.sends_the_invoice()
    await desk.turn(PrinterPress(FONTS))
    (mail,) = await desk.post.mails()
    assert NUMBER in mail["text"]
    assert mail["attachments"] == []
