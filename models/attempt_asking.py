"""Asking to be paid: at most one open page for a debt, and the page that is open is found again.

The resident is locked first, then invoices, then attempts: as everywhere money moves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import Conflict, InvalidInput
from domain.payment_account import Provider
from domain.payment_attempt import OPEN, PAGE_LIVES, AttemptStatus, PayBy
from models import plan
from models.invoice import Invoice
from models.payment_account import AccountStatus, PaymentAccount
from models.payment_attempt import AttemptInvoice, PaymentAttempt, locked, planned
from models.settling import lock_resident, open_invoices

PROVIDER_OF: Final = {
    PayBy.checkout: Provider.stripe,
    PayBy.link: Provider.razorpay,
    PayBy.upi_qr: Provider.razorpay,
}
# A page about to close is not worth being sent to.
TOO_LATE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a payer wants to pay; `amount_minor` None: all that these invoices owe."""

    resident_id: UUID
    invoice_ids: frozenset[UUID]
    by: PayBy
    currency: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The attempt to be sent to, or those that must be closed before there can be another."""

    attempt: PaymentAttempt | None
    in_the_way: Sequence[PaymentAttempt] = ()


async def ask(session: AsyncSession, wanted: Wanted, at: datetime) -> AskedFor:
    """Find the open attempt for just this, or make one.

    Where another page is open for one of these invoices it is asked to close, and nothing is made:
    ask again when it has. InvalidInput for invoices that take no money and for an amount of
    nothing; Conflict (NO_ACCOUNT) when the house has no account at the provider of that way.
    """
    await lock_resident(session, wanted.resident_id)
    invoices = await _asked_for(session, wanted)
    due = sum(invoice.balance_minor for invoice in invoices)
    amount = due if wanted.amount_minor is None else wanted.amount_minor
    if amount <= 0:
        raise InvalidInput.of("amount", "TOO_SMALL", "must be more than zero")
    others = await _open_over(session, wanted.invoice_ids)
    same = [one for one in others if await _is_same(session, one, wanted, amount, at)]
    if same:
        await _come_back(session, same[0], at)
        return AskedFor(same[0])
    if others:
        for attempt in others:
            await ask_to_close(session, attempt, at)
        return AskedFor(None, others)
    return AskedFor(await _made(session, wanted, amount, due, at))


async def ask_to_close(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """Nobody should pay on a locked attempt's page any more; its life sees to that."""
    if attempt.close_asked_at is None:
        attempt.close_asked_at = at
        attempt.tries, attempt.tried_at = 0, None
    await _come_back(session, attempt, at)


async def close_outpaid(session: AsyncSession, invoice_ids: Iterable[UUID], at: datetime) -> None:
    """Close the pages that ask for more than is owed, now that the debts became smaller.

    Who meant to pay more than was owed from the start is left alone while nothing has changed. The
    invoices are locked by the caller.
    """
    for attempt in await _open_over(session, frozenset(invoice_ids)):
        due = await session.scalar(
            select(func.coalesce(func.sum(Invoice.balance_minor), 0))
            .join(AttemptInvoice, AttemptInvoice.invoice_id == Invoice.id)
            .where(AttemptInvoice.attempt_id == attempt.id)
        )
        assert due is not None, "a sum of nothing is zero"
        if due < attempt.due_minor and due < attempt.amount_minor:
            await ask_to_close(session, attempt, at)


async def _asked_for(session: AsyncSession, wanted: Wanted) -> list[Invoice]:
    opened = await open_invoices(session, wanted.resident_id, wanted.currency)
    chosen = [invoice for invoice in opened if invoice.id in wanted.invoice_ids]
    strangers = wanted.invoice_ids - {invoice.id for invoice in chosen}
    if strangers or not chosen:
        message = "choose invoices of the resident that are open and in this currency"
        raise InvalidInput.of("invoices", "NOT_OPEN", message)
    return chosen


async def _open_over(session: AsyncSession, invoice_ids: frozenset[UUID]) -> list[PaymentAttempt]:
    """The open attempts that ask for one of these invoices, locked in the order of their ids."""
    await session.flush()
    ids = select(AttemptInvoice.attempt_id).where(
        AttemptInvoice.invoice_id.in_(invoice_ids), AttemptInvoice.is_open
    )
    rows = await session.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.id.in_(ids), PaymentAttempt.status.in_(OPEN))
        .order_by(PaymentAttempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def _is_same(
    session: AsyncSession, attempt: PaymentAttempt, wanted: Wanted, amount: int, at: datetime
) -> bool:
    if attempt.close_asked_at is not None or at >= attempt.expires_at - TOO_LATE:
        return False
    asked = select(AttemptInvoice.invoice_id).where(AttemptInvoice.attempt_id == attempt.id)
    found = frozenset(await session.scalars(asked))
    return (attempt.by, attempt.amount_minor, attempt.currency, found) == (
        wanted.by,
        amount,
        wanted.currency,
        wanted.invoice_ids,
    )


async def ask_after(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """Somebody wants to know whether a locked attempt is paid: the provider is asked at once."""
    if AttemptStatus(attempt.status) in OPEN:
        attempt.asked_again_at = at
        await plan.changed(session, await planned(session, attempt))


async def _come_back(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """Somebody waits: an answer that was lost is asked after at once."""
    if attempt.status == AttemptStatus.unknown:
        attempt.asked_again_at = at
    await plan.changed(session, await planned(session, attempt))


async def _made(
    session: AsyncSession, wanted: Wanted, amount: int, due: int, at: datetime
) -> PaymentAttempt:
    account = await _account(session, PROVIDER_OF[wanted.by])
    attempt = PaymentAttempt(
        id=uuid7(),
        resident_id=wanted.resident_id,
        account_id=account.id,
        provider=account.provider,
        by=wanted.by,
        status=AttemptStatus.created,
        amount_minor=amount,
        due_minor=due,
        currency=wanted.currency,
        asked_at=at,
        expires_at=at + PAGE_LIVES,
    )
    session.add(attempt)
    await session.flush()
    session.add_all(
        AttemptInvoice(attempt_id=attempt.id, invoice_id=invoice_id, is_open=True)
        for invoice_id in sorted(wanted.invoice_ids)
    )
    attempt = await locked(session, attempt.id)
    await plan.changed(session, await planned(session, attempt))
    return attempt


async def _account(session: AsyncSession, provider: Provider) -> PaymentAccount:
    account = await session.scalar(
        select(PaymentAccount).where(
            PaymentAccount.provider == provider, PaymentAccount.status == AccountStatus.ACTIVE
        )
    )
    if account is None:
        raise Conflict(f"the house has no account at {provider}", code="NO_ACCOUNT")
    return account
