"""Money by day, mode and method, as a landlord asks for it: a view that only events feed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import WalledRow
from models.happened import Happened
from models.payment import PaymentMode

NAME = "payment_days"
# What `payment.completed` was called before it said by which mode and for which day.
RECEIVED = frozenset({"payment.completed", "payment.received"})
BOUNCED = "payment.bounced"


class PaymentDay(WalledRow):
    """What came in on one day at the houses by one mode and method, and what went back on it.

    A cheque that bounces goes back on the day it bounced; the day it came in keeps what it had.
    Behind the payments by a moment, and never written but from events.
    """

    __tablename__ = NAME
    __table_args__ = (
        CheckConstraint("received_count >= 0 and bounced_count >= 0", name="counts_not_negative"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    received_count: Mapped[int]
    received_minor: Mapped[int]
    bounced_count: Mapped[int]
    bounced_minor: Mapped[int]


class _Key(NamedTuple):
    tenant_id: UUID
    day: date
    currency: str
    mode: str
    method: str


@dataclass(slots=True)
class _Sums:
    received_count: int = 0
    received_minor: int = 0
    bounced_count: int = 0
    bounced_minor: int = 0


class PaymentDays:
    """The consumer that keeps them. Adding is all it does, so order does not matter to it."""

    name = NAME
    types = frozenset({*RECEIVED, BOUNCED})

    async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
        """Add what these payments and bounces say, in one statement."""
        sums: dict[_Key, _Sums] = defaultdict(_Sums)
        for event in events:
            sum_of, minor = sums[_key(event)], int(event.data["amount_minor"])
            if event.type == BOUNCED:
                sum_of.bounced_count += 1
                sum_of.bounced_minor += minor
            else:
                sum_of.received_count += 1
                sum_of.received_minor += minor
        rows = [{**key._asdict(), **_written(sums[key])} for key in sorted(sums)]
        added = insert(PaymentDay).values(rows)
        await session.execute(
            added.on_conflict_do_update(
                index_elements=list(_Key._fields),
                set_={
                    name: PaymentDay.__table__.c[name] + added.excluded[name]
                    for name in _Sums.__slots__
                },
            )
        )

    async def forget(self, session: AsyncSession) -> None:
        """Empty it for all tenants."""
        await session.execute(delete(PaymentDay))


async def between(session: AsyncSession, first: date, last: date) -> Sequence[PaymentDay]:
    """The tenant's rows of these days, both included, the oldest first."""
    rows = await session.scalars(
        select(PaymentDay)
        .where(PaymentDay.day.between(first, last))
        .order_by(PaymentDay.day, PaymentDay.currency, PaymentDay.mode, PaymentDay.method)
    )
    return rows.all()


def _key(event: Happened) -> _Key:
    said = event.data
    day = said.get("day")
    return _Key(
        event.tenant_id,
        event.effective_at.astimezone(UTC).date() if day is None else date.fromisoformat(day),
        said["currency"],
        said.get("mode", PaymentMode.MANUAL.value),
        said["method"],
    )


def _written(sums: _Sums) -> dict[str, Any]:
    return {name: getattr(sums, name) for name in _Sums.__slots__}
