"""Events that a test makes happen, and a consumer that keeps what it was handed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from models.database import Database
from models.event_cursor import advance, enrol
from models.event_sequence import EventPosition, sequence
from models.happened import Happened
from models.record import DomainEvent, ImportedRow
from tests.support.house import House

KIND = "door.opened"
NOON = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)


def an_event(subject_id: UUID, **more: Any) -> DomainEvent:
    """A door of the subject was opened."""
    said = {"id": uuid7(), "type": KIND, "subject_kind": "door", "data": {}, "effective_at": NOON}
    return DomainEvent(subject_id=subject_id, **{**said, **more})


async def happens(house: House, subject_id: UUID | None = None, **more: Any) -> UUID:
    """One event, committed; its id."""
    made = an_event(subject_id or uuid7(), **more)
    async with house.session() as session:
        session.add(made)
    return made.id


async def sequenced(database: Database, batch: int = 5_000) -> int:
    """One pass of the sequencer; how many events got their position."""
    async with database.platform("test") as session:
        return await sequence(session, batch)


async def all_sequenced(database: Database, batch: int = 5_000) -> None:
    """Every event that is committed has its position."""
    while await sequenced(database, batch):
        pass


async def positions(database: Database) -> dict[UUID, int]:
    """Every event that has a position, in that order."""
    async with database.platform("test") as session:
        rows = await session.execute(
            select(EventPosition.event_id, EventPosition.position).order_by(EventPosition.position)
        )
        return {row.event_id: row.position for row in rows}


class Keeping:
    """A consumer that writes a row for each event, once: a second one would be refused.

    Events in `poisoned` it cannot take.
    """

    types = frozenset({KIND})

    def __init__(self, name: str = "keeping") -> None:
        self.name = name
        self.poisoned: set[UUID] = set()
        self.batches: list[int] = []

    async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
        """Write them down, the poisoned one after those before it."""
        self.batches.append(len(events))
        for event in events:
            await session.execute(
                insert(ImportedRow).values(
                    tenant_id=event.tenant_id,
                    source=self.name,
                    identity=str(event.id),
                    row_id=event.id,
                )
            )
            if event.id in self.poisoned:
                raise ValueError("the door is stuck")

    async def forget(self, session: AsyncSession) -> None:
        """Throw away what was written down."""
        await session.execute(delete(ImportedRow).where(ImportedRow.source == self.name))

    async def kept(self, database: Database) -> list[UUID]:
        """What it took, in the order it did."""
        async with database.platform("test") as session:
            rows = await session.scalars(
                select(ImportedRow.row_id)
                .where(ImportedRow.source == self.name)
                .order_by(ImportedRow.recorded_at, ImportedRow.id)
            )
            return list(rows)


async def handed_over(database: Database, consumer: Any, batch: int = 1_000) -> int:
    """One turn of the consumer; how much there was."""
    async with database.platform("test") as session:
        await enrol(session, consumer)
        return await advance(session, consumer, batch)


async def caught_up(database: Database, consumer: Any) -> None:
    """Every event has its position, and the consumer has come to the last one."""
    await all_sequenced(database)
    while await handed_over(database, consumer):
        pass


async def letters_fall_due(database: Database) -> None:
    """The second, the two and the four are over."""
    async with database.platform("test") as session:
        await session.execute(text("update event_dead_letters set due_at = clock_timestamp()"))
