"""What becomes of an attempt by what is heard of it: taken, waiting to be taken, declined, closed.

Events come twice, late and in any order: each of these looks at where the attempt stands first.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.money import Money
from domain.payment_attempt import OPEN, AttemptStatus
from models import event, plan
from models.life import SubjectKind
from models.payment import Payment
from models.payment_attempt import PaymentAttempt, locked, moved, planned
from models.task import open_task

PAYMENT = "payment"
SETTLE_OVERPAYMENT = "settle_overpayment"


async def find_attempt(
    session: AsyncSession, account_id: UUID, attempt_id: UUID | None, page_id: str | None
) -> PaymentAttempt | None:
    """The attempt of this account that an event is about, by our name for it or the provider's."""
    ours = select(PaymentAttempt).where(PaymentAttempt.account_id == account_id)
    if attempt_id is not None:
        found = await session.scalar(ours.where(PaymentAttempt.id == attempt_id))
        if found is not None:
            return found
    if page_id is None:
        return None
    return await session.scalar(ours.where(PaymentAttempt.page_id == page_id))


async def captured(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Money of this payment is in the books; what nobody meant to pay, a person settles."""
    assert payment.attempt_id is not None, "asked only of a payment that was made on an attempt"
    await session.flush()
    attempt = await locked(session, payment.attempt_id)
    again = attempt.status == AttemptStatus.captured
    if not again:
        attempt.money_waits_id = attempt.money_waits_minor = attempt.money_waits_since = None
        await moved(session, attempt, AttemptStatus.captured, at)
        await plan.changed(session, await planned(session, attempt))
    meant = 0 if again else max(0, attempt.amount_minor - attempt.due_minor)
    too_much = payment.unallocated_minor - meant
    if too_much > 0:
        left = Money(too_much, payment.currency).text
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
