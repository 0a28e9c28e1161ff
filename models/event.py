"""Domain events: what happened, in the transaction that made it so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.bulk import insert_all
from models.record import DomainEvent


@dataclass(frozen=True, slots=True)
class Happened:
    """An event (`invoice.issued`, `payment.completed`, …) about a subject; ids and amounts only."""

    event: str
    kind: str
    subject_id: UUID
    data: Mapping[str, Any]


async def record(
    session: AsyncSession,
    event: str,
    kind: str,
    subject_id: UUID,
    at: datetime,
    **data: Any,
) -> None:
    """Write one event."""
    await record_all(session, [Happened(event, kind, subject_id, data)], at)


async def record_all(session: AsyncSession, happened: Sequence[Happened], at: datetime) -> None:
    """Write events of one instant, in their order."""
    rows = [
        {
            "type": one.event,
            "subject_kind": one.kind,
            "subject_id": one.subject_id,
            "data": dict(one.data),
            "effective_at": at,
        }
        for one in happened
    ]
    await insert_all(session, DomainEvent, rows)
