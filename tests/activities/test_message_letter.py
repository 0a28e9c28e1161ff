"""What a message says is what the rows say at the moment it leaves."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import date

import pytest

from activities.invoice_collection import Collecting
from models.database import one
from models.message import Purpose
from models.messages import tell
from models.money_in import receive
from models.money_intake import NewPayment
from models.pay_link import PayLinks, revoke
from models.payment import PaymentMethod
from models.resident import Resident
from models.suspension import promise
from providers.messages import Channel, Outgoing
from runtime.clock import SetClock
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt, pay
from tests.support.house import INR, ZONE, a_database, a_property, a_tenant
from tests.support.recording import Recording
from tests.support.web import a_vault
from workers.message_relay import MessageRelay

DUE = date(2026, 10, 5)


@dataclass(frozen=True, slots=True)
class Told:
    """A debt of somebody in Lake House, and what is told about it."""

    debt: Debt
    clock: SetClock
    carrier: Recording
    links: PayLinks

    @property
    def collecting(self) -> Collecting:
        return Collecting(self.debt.house.database, "a-store")

    async def at(self, days: int) -> None:
        self.clock.at = self.debt.after(days)

    async def sent(self) -> list[Outgoing]:
        """What leaves now."""
        already = len(self.carrier.carried)
        database = self.debt.house.database
        await MessageRelay(database, self.carrier, self.clock, links=self.links).turn()
        return [one.outgoing for one in self.carrier.carried[already:]]

    async def mail(self) -> Outgoing:
        (mail,) = [one for one in await self.sent() if one.channel is Channel.EMAIL]
        return mail

    async def fee_charged(self) -> None:
        """The grace is over; what was to be reminded of before has been."""
        await self.collecting.remind(self.debt.look(self.clock.at))
        await self.sent()
        await self.at(4)
        await self.collecting.charge_late_fee(self.debt.look(self.clock.at))

    async def promised(self, day: date) -> None:
        async with self.debt.house.session() as session:
            await promise(session, self.debt.invoice_id, day, None, self.clock.at)


@pytest.fixture
async def told(database_urls: DatabaseUrls) -> AsyncGenerator[Told]:
    async with a_database(database_urls) as database:
        house = await a_tenant(database)
        debt = await a_debt(house, DUE, place=await a_property(house, name="Lake House"))
        clock = SetClock(debt.after(1))
        yield Told(debt, clock, Recording(clock), PayLinks("https://inn.example", a_vault()))


async def test_a_reminder_says_who_what_how_much_and_since_when(told: Told) -> None:
    await told.collecting.remind(told.debt.look(told.clock.at))
    mail, text = sorted(await told.sent(), key=lambda one: one.channel)
    number = (await told.debt.row()).invoice_number
    assert mail.subject == "₹10,000.00 was due on 5 October 2026"
    assert mail.sender_name == "Lake House"
    assert mail.html is not None
    assert text.text.startswith(f"Lake House: Rs. 10,000.00 for {number} was due on")
    assert (text.subject, text.html) == ("", None)


async def test_the_amount_is_that_of_the_moment_it_leaves(told: Told) -> None:
    await told.collecting.remind(told.debt.look(told.clock.at))
    await pay(told.debt, told.clock.at, 4_000_00)
    subjects = {one.subject for one in await told.sent()}
    assert "₹6,000.00 was due on 5 October 2026" in subjects


async def test_a_reader_of_hindi_reads_hindi(told: Told) -> None:
    async with told.debt.house.session() as session:
        (await one(session, Resident, told.debt.resident_id)).language = "hi"
    await told.collecting.remind(told.debt.look(told.clock.at))
    mail = await told.mail()
    assert "नमस्ते" in mail.text


async def test_a_late_fee_names_the_invoice_it_is_for(told: Told) -> None:
    await told.fee_charged()
    penalty = await told.debt.penalty()
    assert penalty is not None
    mail = await told.mail()
    assert mail.subject == "A late fee of ₹500.00 was added"
    for row in (penalty, await told.debt.row()):
        assert str(row.invoice_number) in mail.text


async def test_a_fee_taken_back_names_the_day_the_money_was_paid(told: Told) -> None:
    await told.fee_charged()
    await told.sent()
    await _paid_early(told)
    mails = {one.subject: one for one in await told.sent() if one.channel is Channel.EMAIL}
    assert set(mails) == {
        "The late fee of ₹500.00 was taken back",
        "Received with thanks: ₹10,000.00",
    }
    assert "6 October 2026" in mails["The late fee of ₹500.00 was taken back"].text


async def test_a_fee_taken_back_before_it_was_told_is_never_spoken_of(told: Told) -> None:
    await told.fee_charged()
    await _paid_early(told)
    assert [one.subject for one in await told.sent()] == ["Received with thanks: ₹10,000.00"]


async def test_a_promise_is_noted_and_its_breach_is_said(told: Told) -> None:
    await told.promised(date(2026, 10, 8))
    noted = await told.mail()
    assert noted.subject == "Noted: you will pay ₹10,000.00 by 8 October 2026"
    await told.at(4)
    await told.collecting.break_promise(told.debt.look(told.clock.at))
    broken = await told.mail()
    assert broken.subject == "₹10,000.00 is still open"
    assert "8 October 2026" in broken.text


async def test_an_invoice_goes_out_with_its_lines(told: Told) -> None:
    async with told.debt.house.session() as session:
        await tell(
            session,
            resident_id=told.debt.resident_id,
            purpose=Purpose.INVOICE,
            at=told.clock.at,
            timezone=ZONE,
            about_id=told.debt.invoice_id,
        )
    (mail,) = await told.sent()
    assert mail.subject.endswith("₹10,000.00, due on 5 October 2026")
    assert "Rent: ₹10,000.00" in mail.text


async def test_a_receipt_says_what_was_paid_what_is_open_and_what_is_kept(told: Told) -> None:
    other = await a_debt(
        told.debt.house, date(2026, 11, 5), resident_id=told.debt.resident_id, rent_minor=300_00
    )
    await pay(told.debt, told.clock.at, 10_100_00)
    (mail,) = await told.sent()
    assert mail.subject == "Received with thanks: ₹10,100.00"
    for debt in (told.debt, other):
        assert str((await debt.row()).invoice_number) in mail.text
    assert "Still open in all: ₹200.00." in mail.text


async def _paid_early(told: Told) -> None:
    """Money dated within the days of grace, booked today."""
    new = NewPayment(
        resident_id=told.debt.resident_id,
        amount_minor=10_000_00,
        currency=INR,
        method=PaymentMethod.CASH,
        paid_on=date(2026, 10, 6),
        invoice_id=told.debt.invoice_id,
    )
    async with told.debt.house.session() as session:
        await receive(session, new, told.clock.at)


LINK = re.compile(r"https://inn\.example/pay/[A-Za-z0-9_-]{43}\b")


def links_of(letters: list[Outgoing]) -> list[list[str]]:
    """The pay links of each letter, of its text and of its HTML."""
    return [LINK.findall(words) for one in letters for words in (one.text, one.html) if words]


async def test_what_asks_for_money_carries_the_one_link_to_pay_it(told: Told) -> None:
    """Mail and SMS, reminder, late fee and invoice alike; an old message's link stays good."""
    async with told.debt.house.session() as session:
        await tell(
            session,
            resident_id=told.debt.resident_id,
            purpose=Purpose.INVOICE,
            at=told.clock.at,
            timezone=ZONE,
            about_id=told.debt.invoice_id,
        )
    letters = await told.sent()
    await told.collecting.remind(told.debt.look(told.clock.at))
    letters += await told.sent()
    await told.at(4)
    await told.collecting.charge_late_fee(told.debt.look(told.clock.at))
    letters += await told.sent()
    assert len(letters) == 5, "an invoice goes by mail alone"
    found = links_of(letters)
    assert [len(each) for each in found] == [1] * 8
    assert len({link for each in found for link in each}) == 1


async def test_a_revoked_link_is_followed_by_another(told: Told) -> None:
    await told.collecting.remind(told.debt.look(told.clock.at))
    (before, *_), *_ = links_of(await told.sent())
    async with told.debt.house.session() as session:
        await revoke(session, told.debt.resident_id, told.clock.at)
    await told.at(4)
    await told.collecting.charge_late_fee(told.debt.look(told.clock.at))
    (after, *_), *_ = links_of(await told.sent())
    assert before != after


async def test_a_receipt_carries_no_link(told: Told) -> None:
    await pay(told.debt, told.clock.at)
    letters = await told.sent()
    assert letters
    assert not any(links_of(letters))


async def test_without_an_address_payers_can_reach_no_link_is_sent(told: Told) -> None:
    unreachable = replace(told, links=PayLinks("", told.links.vault))
    await unreachable.collecting.remind(told.debt.look(told.clock.at))
    letters = await unreachable.sent()
    assert letters
    assert not [one for one in letters if "http" in one.text or "<a " in (one.html or "")]
