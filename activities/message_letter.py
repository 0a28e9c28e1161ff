"""A message in words: its facts from the rows, filled into the template of its purpose."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.errors import Refused
from domain.money import Money
from domain.tax import Document
from models import message_facts
from models.database import one, tenant_of
from models.instalment import open_parts_of
from models.invoice import Invoice
from models.message import Channel, Delivery, Message, Purpose
from models.message_facts import Asked
from models.pay_link import PayLinks
from models.resident import Resident
from models.tenant import Tenant
from providers import messages as port
from templates import facts, render, render_sms

# What asks for money; a receipt does not.
ASKING = frozenset(Purpose) - {Purpose.RECEIPT, Purpose.FEE_REVERSED}


class Head(TypedDict):
    """What every letter begins with; `url` is the page to pay on, in letters that ask for money."""

    sender: facts.Sender
    payer_name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One message being read: everything a letter is made from."""

    session: AsyncSession
    message: Message
    resident: Resident
    at: datetime
    links: PayLinks | None

    async def head(self, about: Invoice | None) -> Head:
        """The house writes under the name its residents know; answers go to the operator."""
        tenant = await one(self.session, Tenant, tenant_of(self.session))
        property_id = about.property_id if about else None
        house = await message_facts.house_of(self.session, self.resident.id, property_id)
        sender = facts.Sender(
            name=house.name if house else tenant.name,
            email=tenant.billing_email,
            address=f"{house.address_line1}, {house.city}" if house else None,
        )
        name = f"{self.resident.first_name} {self.resident.last_name}".strip()
        return Head(sender=sender, payer_name=name, url=await self._url())

    async def _url(self) -> str | None:
        """The payer's link, for a letter that asks for money where payers can reach us."""
        if self.links is None or self.message.purpose not in ASKING:
            return None
        return await self.links.url_of(self.session, self.resident.id)


async def outgoing(
    session: AsyncSession,
    message: Message,
    delivery: Delivery,
    at: datetime,
    links: PayLinks | None = None,
) -> port.Outgoing:
    """What the carrier is given: the words of this moment, to the address of this moment.

    Without `links` no letter carries one.
    """
    resident = await one(session, Resident, message.resident_id)
    reading = Reading(session, message, resident, at, links)
    letter = await _WRITE[Purpose(message.purpose)](reading)
    if delivery.channel == Channel.SMS:
        words = render_sms(letter, resident.language)
        return addressed(message, delivery, resident, text=words, sender=letter.sender)
    mail = render(letter, resident.language)
    return addressed(
        message,
        delivery,
        resident,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        sender=letter.sender,
    )


def addressed(
    message: Message,
    delivery: Delivery,
    resident: Resident,
    *,
    text: str,
    subject: str = "",
    html: str | None = None,
    sender: facts.Sender | None = None,
) -> port.Outgoing:
    """The words with the address they go to; Refused when there is none any more."""
    to = resident.phone if delivery.channel == Channel.SMS else resident.email
    if not to:
        raise Refused(f"there is no address for {delivery.channel}", code="NO_ADDRESS")
    return port.Outgoing(
        id=message.id,
        tenant_id=message.tenant_id,
        channel=port.Channel(delivery.channel),
        to=to,
        subject=subject,
        text=text,
        html=html,
        sender_name=sender.name if sender else "",
        reply_to=sender.email if sender else None,
    )


async def _reminder(reading: Reading) -> facts.Letter:
    linked = await message_facts.reminded(reading.session, reading.message)
    asked = await message_facts.to_remind_of(reading.session, reading.message, linked, reading.at)
    currency = asked[0].invoice.currency
    asked = [one for one in asked if one.invoice.currency == currency]
    day = local_day(reading.at, reading.message.timezone)
    return facts.Reminder(
        **await reading.head(asked[0].invoice),
        rung=max((day - one.due).days for one in asked),
        dues=await _asked(reading, asked),
        total=Money(sum(one.minor for one in asked), currency),
    )


async def _late_fee(reading: Reading) -> facts.Letter:
    fee, late = await _fee_and_late(reading)
    late_due, fee_due = await _dues(reading, [late, fee])
    return facts.LateFee(**await reading.head(late), fee=fee_due, late=late_due)


async def _fee_reversed(reading: Reading) -> facts.Letter:
    fee, late = await _fee_and_late(reading)
    note = await message_facts.credit_note_of(reading.session, fee.id)
    paid_on = await message_facts.money_dated(reading.session, late.id, fee.invoice_date)
    return facts.FeeReversed(
        **await reading.head(late),
        fee_number=fee.invoice_number or "",
        credit_note_number=note.credit_note_number,
        amount=Money(note.total_minor, note.currency),
        late_number=late.invoice_number or "",
        paid_on=paid_on or note.issued_on,
        remaining=await _owed(reading, note.currency),
    )


async def _receipt(reading: Reading) -> facts.Letter:
    payment = await message_facts.about_payment(reading.session, reading.message)
    parts = await message_facts.settled_by(reading.session, payment.id)
    what = await message_facts.described(reading.session, [invoice.id for invoice, _ in parts])
    return facts.Receipt(
        **await reading.head(parts[0][0] if parts else None),
        number=payment.payment_number,
        amount=Money(payment.amount_minor, payment.currency),
        method=payment.method,
        reference=payment.reference,
        paid_on=payment.paid_on,
        settled=[
            facts.Settled(
                number=invoice.invoice_number or "",
                description=what.get(invoice.id, ""),
                amount=Money(minor, invoice.currency),
                remaining=Money(invoice.balance_minor, invoice.currency),
            )
            for invoice, minor in parts
        ],
        remaining=await _owed(reading, payment.currency),
        advance=Money(payment.unallocated_minor, payment.currency),
    )


async def _invoice(reading: Reading) -> facts.Letter:
    invoice = await message_facts.about_invoice(reading.session, reading.message)
    lines = await message_facts.lines_of(reading.session, [invoice.id])
    return facts.Invoice(
        **await reading.head(invoice),
        document=Document(invoice.document),
        number=invoice.invoice_number or "",
        issued_on=invoice.invoice_date,
        due=invoice.due_date,
        lines=[
            (
                line.description,
                Money(
                    line.amount_minor + line.cgst_minor + line.sgst_minor + line.igst_minor,
                    invoice.currency,
                ),
            )
            for line in lines.get(invoice.id, ())
        ],
        total=Money(invoice.total_minor, invoice.currency),
        balance=Money(invoice.balance_minor, invoice.currency),
    )


async def _promise_noted(reading: Reading) -> facts.Letter:
    invoice = await message_facts.about_invoice(reading.session, reading.message)
    assert invoice.promised_for is not None, "asked before: the promise stands"
    return facts.PromiseNoted(
        **await reading.head(invoice),
        promised_for=invoice.promised_for,
        dues=await _dues(reading, [invoice]),
        total=_sum([invoice]),
    )


async def _promise_broken(reading: Reading) -> facts.Letter:
    invoice = await message_facts.about_invoice(reading.session, reading.message)
    return facts.PromiseBroken(
        **await reading.head(invoice),
        promised_for=date.fromisoformat(reading.message.facts["promised_for"]),
        dues=await _dues(reading, [invoice]),
        total=_sum([invoice]),
    )


async def _instalments_agreed(reading: Reading) -> facts.Letter:
    invoice = await message_facts.about_invoice(reading.session, reading.message)
    parts = await open_parts_of(reading.session, invoice)
    asked = [Asked(invoice, one.part.due, one.open_minor, one) for one in parts]
    return facts.InstalmentsAgreed(
        **await reading.head(invoice), dues=await _asked(reading, asked), total=_sum([invoice])
    )


async def _instalments_broken(reading: Reading) -> facts.Letter:
    invoice = await message_facts.about_invoice(reading.session, reading.message)
    return facts.InstalmentsBroken(
        **await reading.head(invoice),
        missed_on=date.fromisoformat(reading.message.facts["missed_on"]),
        dues=await _dues(reading, [invoice]),
        total=_sum([invoice]),
    )


async def _fee_and_late(reading: Reading) -> tuple[Invoice, Invoice]:
    fee = await message_facts.penalty_of(reading.session, reading.message)
    assert fee.parent_id is not None, "a late fee names the invoice it is for"
    return fee, await one(reading.session, Invoice, fee.parent_id)


async def _dues(reading: Reading, invoices: Sequence[Invoice]) -> list[facts.Due]:
    whole = [Asked(one, one.due_date, one.balance_minor) for one in invoices]
    return await _asked(reading, whole)


async def _asked(reading: Reading, asked: Sequence[Asked]) -> list[facts.Due]:
    what = await message_facts.described(reading.session, [one.invoice.id for one in asked])
    return [
        facts.Due(
            number=one.invoice.invoice_number or "",
            description=what.get(one.invoice.id, ""),
            due=one.due,
            balance=Money(one.minor, one.invoice.currency),
            part=None if one.part is None else (one.part.number, one.part.of),
        )
        for one in asked
    ]


async def _owed(reading: Reading, currency: str) -> Money:
    minor = await message_facts.owed_minor(reading.session, reading.message.resident_id, currency)
    return Money(minor, currency)


def _sum(invoices: Sequence[Invoice]) -> Money:
    return Money(sum(invoice.balance_minor for invoice in invoices), invoices[0].currency)


_WRITE: dict[Purpose, Callable[[Reading], Awaitable[facts.Letter]]] = {
    Purpose.REMINDER: _reminder,
    Purpose.LATE_FEE: _late_fee,
    Purpose.FEE_REVERSED: _fee_reversed,
    Purpose.RECEIPT: _receipt,
    Purpose.INVOICE: _invoice,
    Purpose.PROMISE_NOTED: _promise_noted,
    Purpose.PROMISE_BROKEN: _promise_broken,
    Purpose.INSTALMENTS_AGREED: _instalments_agreed,
    Purpose.INSTALMENTS_BROKEN: _instalments_broken,
}
