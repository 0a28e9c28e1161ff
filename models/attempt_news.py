"""What becomes of an attempt by what is heard of it: taken, waiting to be taken, declined, closed.

Events come twice, late and in any order: each of these looks at where the attempt stands first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import Money
from domain.payment_attempt import OPEN, AttemptStatus
from models import event, plan
from models.life import SubjectKind
from models.payment import Payment
from models.payment_attempt import (
    PaymentAttempt,
    locked,
    move_all,
    moved,
    planned,
    planned_all,
)
from models.task import open_task

PAYMENT = "payment"
SETTLE_OVERPAYMENT = "settle_overpayment"


@dataclass(frozen=True, slots=True)
class Named:
    """An attempt of one of our accounts, by our name for it or by the provider's for its page."""

    account_id: UUID
    attempt_id: UUID | None
    page_id: str | None


async def find_attempts(
    session: AsyncSession, named: Collection[Named]
) -> dict[Named, PaymentAttempt]:
    """The attempts that events are about; what names none is left out."""
    ids = {one.attempt_id for one in named if one.attempt_id is not None}
    pages = {one.page_id for one in named if one.page_id is not None}
    if not ids and not pages:
        return {}
    rows = await session.scalars(
        select(PaymentAttempt).where(
            PaymentAttempt.account_id.in_({one.account_id for one in named}),
            or_(PaymentAttempt.id.in_(ids), PaymentAttempt.page_id.in_(pages)),
        )
    )
    by_id: dict[tuple[UUID, UUID | None], PaymentAttempt] = {}
    by_page: dict[tuple[UUID, str | None], PaymentAttempt] = {}
    for row in rows:
        by_id[row.account_id, row.id] = row
        if row.page_id is not None:
            by_page[row.account_id, row.page_id] = row
    found: dict[Named, PaymentAttempt] = {}
    for one in named:
        row = by_id.get((one.account_id, one.attempt_id)) or by_page.get(
            (one.account_id, one.page_id)
        )
        if row is not None:
            found[one] = row
    return found


async def captured_all(session: AsyncSession, payments: Sequence[Payment], at: datetime) -> None:
    """Money of these is in the books, one an attempt; what nobody meant to pay a person settles."""
    attempts = await _locked(session, {p.attempt_id for p in payments if p.attempt_id is not None})
    waiting = [a for a in attempts.values() if a.status != AttemptStatus.captured]
    for attempt in waiting:
        attempt.money_waits_id = attempt.money_waits_minor = attempt.money_waits_since = None
    first = {attempt.id for attempt in waiting}
    if waiting:
        await move_all(session, waiting, AttemptStatus.captured, at)
        await plan.change_all(session, await planned_all(session, waiting))
    for payment in payments:
        attempt = None if payment.attempt_id is None else attempts[payment.attempt_id]
        if attempt is not None:
            meant = max(0, attempt.amount_minor - attempt.due_minor) if attempt.id in first else 0
            await _too_much(session, payment, payment.unallocated_minor - meant, at)


async def _locked(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, PaymentAttempt]:
    if not ids:
        return {}
    rows = await session.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.id.in_(ids))
        .order_by(PaymentAttempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


async def _too_much(session: AsyncSession, payment: Payment, minor: int, at: datetime) -> None:
    if minor <= 0:
        return
    left = Money(minor, payment.currency).text
    await open_task(
        session,
        kind=PAYMENT,
        subject_id=payment.id,
        what=SETTLE_OVERPAYMENT,
        title=f"{payment.payment_number} was paid twice",
        detail=f"{left} found nothing to pay; keep it as an advance or give it back",
        at=at,
    )


async def money_waits(
    session: AsyncSession, attempt_id: UUID, provider_payment_id: str, minor: int, at: datetime
) -> bool:
    """A payment is authorised: its life takes it. False when another one was taken already."""
    attempt = await locked(session, attempt_id)
    if attempt.status == AttemptStatus.captured:
        return False
    if attempt.money_waits_id is None:
        attempt.money_waits_id, attempt.money_waits_minor = provider_payment_id, minor
        attempt.money_waits_since, attempt.tries, attempt.tried_at = at, 0, None
        await plan.changed(session, await planned(session, attempt))
    return True


async def declined(session: AsyncSession, attempt_id: UUID, code: str | None, at: datetime) -> None:
    """A try on the page failed. The page stays open: the payer may try again there."""
    attempt = await locked(session, attempt_id)
    if AttemptStatus(attempt.status) in OPEN:
        attempt.failure_code = code
    kind = SubjectKind.PAYMENT_ATTEMPT
    await event.record(session, "payment_attempt.declined", kind, attempt.id, at, code=code)


async def page_closed(session: AsyncSession, attempt_id: UUID, at: datetime) -> bool:
    """Nobody can begin to pay on the page any more. False when that is known."""
    attempt = await locked(session, attempt_id)
    if AttemptStatus(attempt.status) not in OPEN:
        return False
    wanted = attempt.close_asked_at is None
    status = AttemptStatus.expired if wanted else AttemptStatus.cancelled
    await moved(session, attempt, status, at)
    await plan.changed(session, await planned(session, attempt))
    return True
