"""Books money: the one function that does, for routers and relay alike.

Payment, allocations, postings, balances, status `paid`, events, receipt, plans and wakes are
written in one transaction, so a collection never reminds of money that is there.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import local_day
from domain.ledger import Posting, for_payment
from domain.numbering import PAYMENT
from models import event
from models.advances import use_advances
from models.attempt_news import captured_all
from models.bulk import Row, insert_all
from models.collection import replan_all
from models.event import Happened
from models.ledger_entry import NewEntry, post_all
from models.message import Purpose
from models.messages import Telling, tell_all
from models.money_intake import Intake, NewPayment, begun, must_be_open, share_all
from models.payment import Payment, PaymentMethod, PaymentMode, PaymentStatus
from models.recovery import recover
from models.settling import (
    Share,
    allocate,
    locked_invoice,
    move_all,
    next_numbers,
)


async def receive(session: AsyncSession, new: NewPayment, at: datetime) -> Payment:
    """Book money: the named invoices first, then the oldest due; what is left is an advance.

    What of a late fee this money, dated earlier, would have spared is credited; where it settles
    an invoice that costs more each late day, those days are charged with it. Naming an invoice
    that was written off recovers what was given up, and nothing else ever does. Conflict for a
    reference that was booked before, IllegalTransition when the named invoice is not open; money
    that a provider has taken is never refused for that.
    """
    return (await receive_all(session, [new], at))[0]


async def receive_all(
    session: AsyncSession, news: Sequence[NewPayment], at: datetime
) -> list[Payment]:
    """The same for many payments, each of another resident; all of them or none."""
    intakes = await begun(session, news, at)
    await share_all(session, intakes, at)
    await _written(session, intakes, at)
    await _booked(session, intakes, at)
    for intake in intakes:
        await recover(session, intake.payment, intake.recoveries, at)
        if intake.reversed_fees:
            intake.replanned |= await use_advances(session, intake.new.resident_id, at)
    receipts = [
        Telling(one.new.resident_id, Purpose.RECEIPT, one.zone, one.payment.id) for one in intakes
    ]
    await tell_all(session, receipts, at)
    await captured_all(session, [intake.payment for intake in intakes], at)
    await replan_all(session, {found for intake in intakes for found in intake.touched}, at)
    return [intake.payment for intake in intakes]


async def pay_in_full(
    session: AsyncSession,
    invoice_id: UUID,
    method: PaymentMethod,
    at: datetime,
    *,
    paid_on: date | None = None,
    reference: str | None = None,
) -> Payment:
    """Book exactly the balance of an issued invoice, paid on that day (None: today there)."""
    invoice = await locked_invoice(session, invoice_id)
    must_be_open(invoice)
    new = NewPayment(
        resident_id=invoice.resident_id,
        amount_minor=invoice.balance_minor,
        currency=invoice.currency,
        method=method,
        paid_on=paid_on or local_day(at, invoice.timezone),
        reference=reference,
        invoice_id=invoice.id,
    )
    return await receive(session, new, at)


async def _written(session: AsyncSession, intakes: Sequence[Intake], at: datetime) -> None:
    days = [local_day(at, intake.zone) for intake in intakes]
    numbers = await next_numbers(session, PAYMENT, days)
    ids = [uuid7() for _ in intakes]
    rows = [
        {"id": payment_id, "payment_number": number, "paid_at": at, **_row(intake)}
        for payment_id, number, intake in zip(ids, numbers, intakes, strict=True)
    ]
    await insert_all(session, Payment, rows)
    found = await session.scalars(select(Payment).where(Payment.id.in_(ids)))
    by_id = {payment.id: payment for payment in found}
    for payment_id, intake in zip(ids, intakes, strict=True):
        intake.written = by_id[payment_id]
    happened = [told("payment.completed", intake.payment, intake.new.paid_on) for intake in intakes]
    await event.record_all(session, happened, at)


def _row(intake: Intake) -> Row:
    new, through = intake.new, intake.new.through
    return {
        "resident_id": new.resident_id,
        "amount_minor": new.amount_minor,
        "unallocated_minor": intake.shared.rest_minor,
        "currency": new.currency,
        "method": new.method,
        "mode": PaymentMode.MANUAL if through is None else through.mode,
        "provider_payment_id": None if through is None else through.provider_payment_id,
        "account_id": None if through is None else through.account_id,
        "attempt_id": None if through is None else through.attempt_id,
        "status": PaymentStatus.COMPLETED,
        "paid_on": new.paid_on,
        "reference": new.reference,
        "notes": new.notes,
    }


async def _booked(session: AsyncSession, intakes: Sequence[Intake], at: datetime) -> None:
    """Allocations, the entries with their postings, and the balances they leave."""
    shares = [
        Share(invoice_id, minor, intake.new.currency, payment_id=intake.payment.id)
        for intake in intakes
        for invoice_id, minor in intake.shared.parts
    ]
    await allocate(session, shares, at)
    await post_all(session, [_act(intake) for intake in intakes])
    by_id = {invoice.id: invoice for intake in intakes for invoice in intake.invoices}
    await move_all(session, [(by_id[share.invoice_id], -share.minor) for share in shares], at)


def _act(intake: Intake) -> tuple[NewEntry, Sequence[Posting]]:
    payment, parts = intake.payment, intake.shared.parts
    entry = NewEntry(
        kind="payment.received",
        subject_id=payment.id,
        resident_id=payment.resident_id,
        day=payment.paid_on,
        at=payment.paid_at,
        description=f"Payment {payment.payment_number}",
        currency=payment.currency,
        receivables=[(invoice_id, -minor) for invoice_id, minor in parts],
    )
    postings = for_payment(
        payment.method,
        sum(minor for _, minor in parts),
        payment.unallocated_minor,
        intake.recovered_minor,
        by_provider=payment.mode != PaymentMode.MANUAL,
    )
    return entry, postings


def told(what: str, payment: Payment, day: date) -> Happened:
    """What happened to a payment, as its events say it; `day` is when the money came, or went."""
    said = {
        "resident_id": str(payment.resident_id),
        "number": payment.payment_number,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "mode": payment.mode,
        "method": payment.method,
        "day": day.isoformat(),
    }
    return Happened(what, "payment", payment.id, said)
