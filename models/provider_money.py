"""Money a provider tells of: booked once, whoever told it first and however often.

A payment is known by its name at the provider, so one payment that fires four events, or is found
by asking as well, is one payment.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.money import Money
from domain.movement import MovementState
from domain.payment_account import Provider
from models.attempt_news import declined, find_attempt, money_waits
from models.money_in import NewPayment, Through, receive
from models.payment import Payment, PaymentMethod, PaymentMode
from models.payment_attempt import PaymentAttempt, invoices_of
from models.settling import lock_resident, timezone_of
from models.task import open_task

PAYMENT_ACCOUNT = "payment_account"
# What providers call their ways; what has no word of its own here is what it is settled as.
METHODS: Final = {
    "upi": PaymentMethod.UPI,
    "card": PaymentMethod.CARD,
    "emi": PaymentMethod.CARD,
    "netbanking": PaymentMethod.NETBANKING,
}


class Outcome(StrEnum):
    """What came of hearing it."""

    booked = "booked"
    known = "known"
    waits = "waits"
    declined = "declined"
    unplaced = "unplaced"
    nothing = "nothing"


@dataclass(frozen=True, slots=True)
class Heard:
    """One payment as a provider tells of it, through one of our accounts."""

    provider: Provider
    account_id: UUID
    provider_payment_id: str
    state: MovementState
    amount_minor: int
    currency: str
    at: datetime
    method: str | None = None
    attempt_id: UUID | None = None
    page_id: str | None = None
    reference: str | None = None
    code: str | None = None


async def hear(session: AsyncSession, heard: Heard, at: datetime) -> Outcome:
    """Book it, note that it waits to be taken, or that it failed; what is known changes nothing.

    Money that names no attempt of ours opens a task: it is in the account and in no book.
    """
    attempt = await find_attempt(session, heard.account_id, heard.attempt_id, heard.page_id)
    if heard.state is MovementState.captured:
        if attempt is None:
            return await _unplaced(session, heard, at)
        return await _booked(session, heard, attempt, at)
    if attempt is None or heard.state is MovementState.pending:
        return Outcome.nothing
    if await _known(session, heard):
        return Outcome.known
    if heard.state is MovementState.failed:
        await declined(session, attempt.id, heard.code, at)
        return Outcome.declined
    minor, name = heard.amount_minor, heard.provider_payment_id
    waits = await money_waits(session, attempt.id, name, minor, at)
    return Outcome.waits if waits else Outcome.known


async def _booked(
    session: AsyncSession, heard: Heard, attempt: PaymentAttempt, at: datetime
) -> Outcome:
    await lock_resident(session, attempt.resident_id)
    if await _known(session, heard):
        return Outcome.known
    zone = await timezone_of(session, attempt.resident_id)
    invoice_ids = await invoices_of(session, attempt.id)
    new = NewPayment(
        resident_id=attempt.resident_id,
        amount_minor=heard.amount_minor,
        currency=heard.currency,
        method=_method(heard),
        paid_on=min(local_day(heard.at, zone), local_day(at, zone)),
        reference=heard.reference,
        invoice_id=invoice_ids[0] if len(invoice_ids) == 1 else None,
        through=Through(
            mode=PaymentMode(heard.provider),
            provider_payment_id=heard.provider_payment_id,
            account_id=heard.account_id,
            attempt_id=attempt.id,
            invoice_ids=frozenset(invoice_ids),
        ),
    )
    await receive(session, new, at)
    return Outcome.booked


async def _known(session: AsyncSession, heard: Heard) -> bool:
    booked = select(Payment.id).where(
        Payment.mode == PaymentMode(heard.provider),
        Payment.provider_payment_id == heard.provider_payment_id,
    )
    return await session.scalar(booked) is not None


async def _unplaced(session: AsyncSession, heard: Heard, at: datetime) -> Outcome:
    if await _known(session, heard):
        return Outcome.known
    came = Money(heard.amount_minor, heard.currency).text
    await open_task(
        session,
        kind=PAYMENT_ACCOUNT,
        subject_id=heard.account_id,
        what=f"place_payment {heard.provider_payment_id}",
        title=f"{came} came by {heard.provider} without saying what for",
        detail=f"Payment {heard.provider_payment_id} was not asked for by us: record it for the"
        " resident who paid, or say that it is something else.",
        at=at,
    )
    return Outcome.unplaced


def _method(heard: Heard) -> PaymentMethod:
    usual = PaymentMethod.CARD if heard.provider is Provider.stripe else PaymentMethod.NETBANKING
    return METHODS.get(heard.method or "", usual)
