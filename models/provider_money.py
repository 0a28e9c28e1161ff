"""Money a provider tells of: booked once, whoever told it first and however often.

A payment is known by its name at the provider, so one payment that fires four events, or is found
by asking as well, is one payment.
"""

from collections.abc import Sequence
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
from models.attempt_news import Named, declined, find_attempts, money_waits
from models.money_in import receive_all
from models.money_intake import NewPayment, Through
from models.payment import Payment, PaymentMethod, PaymentMode
from models.payment_attempt import PaymentAttempt, invoices_of
from models.settling import lock_residents, timezones_of
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

    @property
    def name(self) -> tuple[str, str]:
        """What the payment is known by."""
        return PaymentMode(self.provider), self.provider_payment_id

    @property
    def named(self) -> Named:
        """The attempt it names."""
        return Named(self.account_id, self.attempt_id, self.page_id)


async def hear(session: AsyncSession, heard: Heard, at: datetime) -> Outcome:
    """Book it, note that it waits to be taken, or that it failed; what is known changes nothing.

    Money that names no attempt of ours opens a task: it is in the account and in no book.
    """
    return (await hear_all(session, [heard], at))[0]


async def hear_all(session: AsyncSession, news: Sequence[Heard], at: datetime) -> list[Outcome]:
    """The same for many; money goes into the books before all else that is told."""
    attempts = await find_attempts(session, {heard.named for heard in news})
    outcomes: dict[int, Outcome] = {}
    came: list[_Came] = []
    for number, heard in enumerate(news):
        attempt = attempts.get(heard.named)
        if heard.state is MovementState.captured and attempt is not None:
            came.append(_Came(number, heard, attempt))
    outcomes |= await _book(session, came, at)
    for number, heard in enumerate(news):
        if number not in outcomes:
            outcomes[number] = await _noted(session, heard, attempts.get(heard.named), at)
    return [outcomes[number] for number in range(len(news))]


async def _noted(
    session: AsyncSession, heard: Heard, attempt: PaymentAttempt | None, at: datetime
) -> Outcome:
    """What changes no book."""
    if heard.state is MovementState.captured:
        return await _unplaced(session, heard, at)
    if attempt is None or heard.state is MovementState.pending:
        return Outcome.nothing
    if heard.name in await _known(session, [heard]):
        return Outcome.known
    if heard.state is MovementState.failed:
        await declined(session, attempt.id, heard.code, at)
        return Outcome.declined
    minor, name = heard.amount_minor, heard.provider_payment_id
    waits = await money_waits(session, attempt.id, name, minor, at)
    return Outcome.waits if waits else Outcome.known


@dataclass(frozen=True, slots=True)
class _Came:
    """Money that was taken on an attempt, as the so-many-eth of what was heard."""

    number: int
    heard: Heard
    attempt: PaymentAttempt


async def _book(session: AsyncSession, came: Sequence[_Came], at: datetime) -> dict[int, Outcome]:
    """Each payment once; those of one resident one after another."""
    if not came:
        return {}
    residents = {one.attempt.resident_id for one in came}
    await lock_residents(session, residents)
    known = await _known(session, [one.heard for one in came])
    outcomes = {one.number: Outcome.known for one in came}
    rounds: list[dict[UUID, _Came]] = []
    for one in came:
        if one.heard.name in known:
            continue
        known.add(one.heard.name)
        outcomes[one.number] = Outcome.booked
        resident_id = one.attempt.resident_id
        free = next((turn for turn in rounds if resident_id not in turn), None)
        if free is None:
            rounds.append(free := {})
        free[resident_id] = one
    zones = await timezones_of(session, residents)
    asked = await invoices_of(session, {one.attempt.id for one in came})
    for turn in rounds:
        news = [
            _payment(one, zones[resident_id], asked[one.attempt.id], at)
            for resident_id, one in turn.items()
        ]
        await receive_all(session, news, at)
    return outcomes


def _payment(came: _Came, zone: str, invoice_ids: Sequence[UUID], at: datetime) -> NewPayment:
    heard, attempt = came.heard, came.attempt
    return NewPayment(
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


async def _known(session: AsyncSession, news: Sequence[Heard]) -> set[tuple[str, str]]:
    """The names of those that are in the books."""
    rows = await session.execute(
        select(Payment.mode, Payment.provider_payment_id).where(
            Payment.provider_payment_id.in_({heard.provider_payment_id for heard in news})
        )
    )
    return {(mode, name) for mode, name in rows if name is not None}


async def _unplaced(session: AsyncSession, heard: Heard, at: datetime) -> Outcome:
    if heard.name in await _known(session, [heard]):
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
