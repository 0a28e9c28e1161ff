"""Tries to be paid through a provider: their rows, what these say, and the plan that follows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain import keys, payment_attempt
from domain.payment_account import Provider
from domain.payment_attempt import LATE_AUTHORISATION, OPEN, AttemptFacts, AttemptStatus, PayBy
from models import event, plan
from models.base import TenantRow, one_of, within_tenant
from models.bulk import update_all
from models.database import one, tenant_of
from models.event import Happened
from models.life import SubjectKind
from models.plan import Planned
from models.task import close_tasks_of, open_whats, open_whats_of


class PaymentAttempt(TenantRow):
    """One page of a provider on which one amount can be paid, and what is known of it.

    Its id goes to the provider with every call and comes back with every event. `due_minor` is what
    its invoices owed when it was asked for. A refusal or a lost answer is told by `failure_code`
    and `unknown_since`; `money_waits_id` is a payment that is authorised and not taken yet.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        within_tenant("account_id", "payment_accounts"),
        UniqueConstraint("tenant_id", "account_id", "page_id"),
        one_of("status", AttemptStatus),
        one_of("by", PayBy),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index(
            "ix_payment_attempts_open",
            "tenant_id",
            "resident_id",
            postgresql_where=text("status in ('created', 'pending', 'unknown')"),
        ),
    )

    resident_id: Mapped[UUID]
    account_id: Mapped[UUID]
    provider: Mapped[str]
    by: Mapped[str]
    status: Mapped[str]
    amount_minor: Mapped[int]
    due_minor: Mapped[int]
    currency: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    page_id: Mapped[str | None]
    pay_url: Mapped[str | None]
    upi_uri: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    tried_at: Mapped[datetime | None]
    unknown_since: Mapped[datetime | None]
    look_ups: Mapped[int] = mapped_column(server_default=text("0"))
    looked_up_at: Mapped[datetime | None]
    asked_again_at: Mapped[datetime | None]
    close_asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    looked_late_at: Mapped[datetime | None]
    money_waits_id: Mapped[str | None]
    money_waits_minor: Mapped[int | None]
    money_waits_since: Mapped[datetime | None]
    failure_code: Mapped[str | None]


class AttemptInvoice(TenantRow):
    """An invoice that an attempt asks for. While the attempt is open nobody else asks for it."""

    __tablename__ = "payment_attempt_invoices"
    __table_args__ = (
        within_tenant("attempt_id", "payment_attempts"),
        within_tenant("invoice_id", "invoices"),
        UniqueConstraint("tenant_id", "attempt_id", "invoice_id"),
        # One open attempt an invoice: two pages for one debt would be paid twice.
        Index(
            "uq_payment_attempt_invoices_open",
            "tenant_id",
            "invoice_id",
            unique=True,
            postgresql_where=text("is_open"),
        ),
    )

    attempt_id: Mapped[UUID]
    invoice_id: Mapped[UUID]
    is_open: Mapped[bool]


async def locked(session: AsyncSession, attempt_id: UUID) -> PaymentAttempt:
    """The attempt, locked and read anew. Its resident and invoices, if needed, are locked first."""
    await session.flush()
    return await one(session, PaymentAttempt, attempt_id, lock=True)


async def invoices_of(
    session: AsyncSession, attempt_ids: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """The invoices each asks for, by id."""
    rows = await session.execute(
        select(AttemptInvoice.attempt_id, AttemptInvoice.invoice_id)
        .where(AttemptInvoice.attempt_id.in_(attempt_ids))
        .order_by(AttemptInvoice.invoice_id)
    )
    asked: dict[UUID, list[UUID]] = {attempt_id: [] for attempt_id in attempt_ids}
    for attempt_id, invoice_id in rows:
        asked[attempt_id].append(invoice_id)
    return asked


async def facts_of(session: AsyncSession, attempt: PaymentAttempt) -> AttemptFacts:
    """What the rows say of a locked attempt."""
    return _facts(attempt, await open_whats(session, attempt.id))


def _facts(attempt: PaymentAttempt, tasks_open: frozenset[str]) -> AttemptFacts:
    may_come_late = attempt.provider == Provider.razorpay and attempt.looked_late_at is None
    return AttemptFacts(
        status=AttemptStatus(attempt.status),
        created_at=attempt.asked_at,
        expires_at=attempt.expires_at,
        tries=attempt.tries,
        tried_at=attempt.tried_at,
        unknown_since=attempt.unknown_since,
        look_ups=attempt.look_ups,
        looked_up_at=attempt.looked_up_at,
        asked_again_at=attempt.asked_again_at,
        page_known=attempt.page_id is not None,
        close_asked_at=attempt.close_asked_at,
        money_waits_since=attempt.money_waits_since,
        late_until=attempt.expires_at + LATE_AUTHORISATION if may_come_late else None,
        tasks_open=tasks_open,
    )


async def planned(session: AsyncSession, attempt: PaymentAttempt) -> Planned:
    """The plan of a locked attempt."""
    return (await planned_all(session, [attempt]))[0]


async def planned_all(session: AsyncSession, attempts: Sequence[PaymentAttempt]) -> list[Planned]:
    """The plans of locked attempts."""
    await session.flush()
    tasks = await open_whats_of(session, [attempt.id for attempt in attempts])
    tenant_id = tenant_of(session)
    return [
        Planned(
            kind=SubjectKind.PAYMENT_ATTEMPT,
            subject_id=attempt.id,
            workflow_id=keys.payment_attempt(tenant_id, attempt.id),
            property_id=None,
            stage=attempt.status,
            actions=payment_attempt.plan(_facts(attempt, tasks.get(attempt.id, frozenset()))),
        )
        for attempt in attempts
    ]


async def replan(session: AsyncSession, attempt_id: UUID, _at: datetime) -> Planned:
    """Facts of the attempt changed: write its plan anew and wake its life when that matters."""
    now = await planned(session, await locked(session, attempt_id))
    await plan.changed(session, now)
    return now


async def moved(
    session: AsyncSession, attempt: PaymentAttempt, status: AttemptStatus, at: datetime
) -> None:
    """Take a locked attempt to another status; at its end its invoices may be asked for anew."""
    await move_all(session, [attempt], status, at)


async def move_all(
    session: AsyncSession, attempts: Sequence[PaymentAttempt], status: AttemptStatus, at: datetime
) -> None:
    """The same for many locked attempts."""
    others = [attempt for attempt in attempts if attempt.status != status]
    for attempt in attempts:
        attempt.status, attempt.tries, attempt.tried_at = status, 0, None
        if status is not AttemptStatus.unknown:
            attempt.unknown_since, attempt.look_ups = None, 0
        if status not in OPEN:
            attempt.ended_at = at
            attempt.pay_url = attempt.upi_uri = None
    await update_all(session, attempts)
    if status not in OPEN:
        await _let_go(session, [attempt.id for attempt in attempts], status, at)
    await event.record_all(session, [_told(attempt) for attempt in others], at)


async def _let_go(
    session: AsyncSession, ids: Collection[UUID], status: AttemptStatus, at: datetime
) -> None:
    await session.execute(
        update(AttemptInvoice)
        .where(AttemptInvoice.attempt_id.in_(ids), AttemptInvoice.is_open)
        .values(is_open=False)
    )
    await close_tasks_of(session, ids, f"the attempt is {status}", at)


def _told(attempt: PaymentAttempt) -> Happened:
    said = {
        "resident_id": str(attempt.resident_id),
        "amount_minor": attempt.amount_minor,
        "currency": attempt.currency,
    }
    kind = SubjectKind.PAYMENT_ATTEMPT
    return Happened(f"payment_attempt.{attempt.status}", kind, attempt.id, said)
