"""What providers told us: every event as it came, verified, kept before it was acknowledged."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Index,
    Integer,
    UniqueConstraint,
    exists,
    func,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from domain.payment_account import Provider
from models.base import TenantRow, one_of, within_tenant
from models.database import tenant_of

PROVIDER_EVENT = "provider_event"
# The longest that what only informs waits for money to be booked.
LETS_GO_FIRST: Final = timedelta(seconds=30)


class LogStatus(StrEnum):
    """How far an event came. `failed` is a dead letter: it waits for a person."""

    RECEIVED = "received"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


class GatewayLog(TenantRow):
    """One event of a provider, as raw as it was signed. What it said never changes.

    `due_at` and `leased_until` are wall time: when it may be tried (again), and in whose hands it
    is. `outcome` says in a word what it came to.
    """

    __tablename__ = "gateway_logs"
    __table_args__ = (
        within_tenant("account_id", "payment_accounts"),
        # The provider tells everything at least once; we keep it once.
        UniqueConstraint("tenant_id", "provider", "event_id"),
        one_of("provider", Provider),
        one_of("status", LogStatus),
        Index(
            "ix_gateway_logs_queue",
            "tenant_id",
            "due_at",
            postgresql_where=text("status in ('received', 'processing')"),
        ),
        Index(
            "ix_gateway_logs_failed", "tenant_id", "id", postgresql_where=text("status = 'failed'")
        ),
    )

    account_id: Mapped[UUID]
    provider: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    body: Mapped[bytes]
    effective_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(server_default=LogStatus.RECEIVED)
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    leased_until: Mapped[datetime | None]
    outcome: Mapped[str | None]
    problem: Mapped[str | None]
    done_at: Mapped[datetime | None]


def after_money(recorded_at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
    """No money waits or is being booked, or what was recorded then let it go first long enough."""
    now = func.clock_timestamp()
    under_way = (LogStatus.RECEIVED, LogStatus.PROCESSING)
    waits = exists().where(GatewayLog.status.in_(under_way), GatewayLog.due_at <= now)
    return or_(recorded_at < now - LETS_GO_FIRST, ~waits)


@dataclass(frozen=True, slots=True)
class Told:
    """A verified event on its way into the log; `at` is when it happened, by the provider."""

    provider: Provider
    account_id: UUID
    event_id: str
    kind: str
    body: bytes
    at: datetime


async def keep(session: AsyncSession, told: Told) -> bool:
    """Keep a verified event; False when it is known already."""
    kept = await session.scalar(
        insert(GatewayLog)
        .values(
            tenant_id=tenant_of(session),
            account_id=told.account_id,
            provider=told.provider,
            event_id=told.event_id,
            kind=told.kind,
            body=told.body,
            effective_at=told.at,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "provider", "event_id"])
        .returning(GatewayLog.id)
    )
    return kept is not None
