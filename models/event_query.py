"""A tenant's events as they are read by position."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.event_sequence import EventPosition
from models.happened import Happened
from models.record import DomainEvent


async def after(
    session: AsyncSession,
    position: int,
    limit: int,
    *,
    of_type: str | None = None,
    subject_id: UUID | None = None,
) -> list[Happened]:
    """At most `limit` events of the tenant after a position, in their order."""
    query = (
        select(
            EventPosition.position,
            DomainEvent.tenant_id,
            DomainEvent.id,
            DomainEvent.type,
            DomainEvent.subject_kind,
            DomainEvent.subject_id,
            DomainEvent.data,
            DomainEvent.effective_at,
        )
        .join(
            DomainEvent,
            (DomainEvent.tenant_id == EventPosition.tenant_id)
            & (DomainEvent.id == EventPosition.event_id),
        )
        .where(EventPosition.position > position)
        .order_by(EventPosition.position)
        .limit(limit)
    )
    if of_type is not None:
        query = query.where(DomainEvent.type == of_type)
    if subject_id is not None:
        query = query.where(DomainEvent.subject_id == subject_id)
    return [Happened(*row) for row in await session.execute(query)]
