"""The queue of messages: deliveries are leased, held while a carrier is called, and closed.

A lease is wall time and says whose hands a row is in; `not_before` and `tried_at` are business
time. Rows are locked in the order invoices, message, deliveries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.message_delivery import DeliveryState
from models.database import one
from models.fair_queue import fair_heads
from models.gateway_log import after_money
from models.message import Delivery, Message

LEASE = timedelta(seconds=60)
_WALL = func.clock_timestamp()
OPEN = (DeliveryState.pending, DeliveryState.processing)


@dataclass(slots=True)
class Hand:
    """A delivery in one pair of hands: a relay's while its lease runs, a life's without a lease.

    `unknown`: somebody began to send it and nobody knows how that ended. `last`: the ladder is used
    up, so it is looked up but not sent again.
    """

    tenant_id: UUID
    message_id: UUID
    delivery_id: UUID
    leased_until: datetime | None
    unknown: bool
    last: bool = False


async def lease(session: AsyncSession, now: datetime, batch: int) -> list[Hand]:
    """Take due deliveries, each tenant's oldest first and tenants in turn; what others hold stays.

    A delivery that was begun before (`processing`) comes as a hand whose outcome is unknown.
    """
    queue = fair_heads(Delivery, lambda row: _may_be_taken(row, now), ("not_before", "id"), batch)
    taken = await session.execute(
        update(Delivery)
        .where(Delivery.tenant_id == queue.c.tenant_id, Delivery.id == queue.c.id)
        .values(leased_until=_WALL + LEASE)
        .returning(
            Delivery.tenant_id,
            Delivery.message_id,
            Delivery.id,
            Delivery.leased_until,
            Delivery.state == DeliveryState.processing,
        )
    )
    return [Hand(*row) for row in taken]


def _may_be_taken(row: type[Delivery], now: datetime) -> ColumnElement[bool]:
    """Due and free, or begun by a relay that died: its lease ran out. Money is booked first."""
    expired = row.leased_until < _WALL
    free = or_(row.leased_until.is_(None), expired)
    return and_(
        row.not_before <= now,
        or_(
            and_(row.state == DeliveryState.pending, free, after_money(row.recorded_at)),
            and_(row.state == DeliveryState.processing, expired),
        ),
    )


async def give_back(session: AsyncSession, hands: Sequence[Hand]) -> None:
    """End the leases of hands that did nothing: whoever comes next may take the deliveries."""
    mine = tuple_(Delivery.tenant_id, Delivery.id, Delivery.leased_until)
    held_now = [(hand.tenant_id, hand.delivery_id, hand.leased_until) for hand in hands]
    await session.execute(
        update(Delivery)
        .where(mine.in_(held_now), Delivery.state.in_(OPEN))
        .values(leased_until=_WALL)
    )


async def locked(session: AsyncSession, hand: Hand) -> tuple[Message, Delivery]:
    """Message and delivery, locked and read anew."""
    message = await one(session, Message, hand.message_id, lock=True)
    return message, await one(session, Delivery, hand.delivery_id, lock=True)


async def held(session: AsyncSession, hand: Hand) -> tuple[Message, Delivery] | None:
    """Message and delivery, locked, if the delivery is still in this hand; None if it slipped."""
    message, delivery = await locked(session, hand)
    mine = delivery.leased_until == hand.leased_until and delivery.state in OPEN
    return (message, delivery) if mine else None


async def renew(session: AsyncSession, hand: Hand) -> None:
    """Begin the lease anew, before every call. A life's hand has none."""
    if hand.leased_until is not None:
        hand.leased_until = await session.scalar(
            update(Delivery)
            .where(Delivery.id == hand.delivery_id)
            .values(leased_until=_WALL + LEASE)
            .returning(Delivery.leased_until)
        )
