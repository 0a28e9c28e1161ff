"""Domain events: what happened, in the transaction that made it so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.record import DomainEvent


async def record(
    session: AsyncSession,
    event: str,
    kind: str,
    subject_id: UUID,
    at: datetime,
    **data: Any,
) -> None:
    """Write an event (`invoice.issued`, `payment.completed`, …); ids and amounts only."""
    session.add(
        DomainEvent(
            type=event, subject_kind=kind, subject_id=subject_id, data=data, effective_at=at
        )
    )
    await session.flush()
