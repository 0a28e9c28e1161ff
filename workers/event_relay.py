"""The relay of our own events: gives them positions, and hands them to whoever follows them.

It holds no state: a lock says who is at it, and is gone with the transaction of whoever dies.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from models import event_cursor, event_sequence, reading
from models.database import Database
from models.event_cursor import Consumer
from models.payment_day import PaymentDays

log = structlog.get_logger()

# Who follows the events. A name stays for ever: it is that of a cursor.
CONSUMERS: Final[Sequence[Consumer]] = (PaymentDays(),)
PLACED_AT_ONCE = 5_000
READ_AT_ONCE = 1_000
BUSY_SECONDS = 0.1
LOOKED_OVER = "events looked over"
LOOK_OVER_EVERY = timedelta(hours=1)
ASK_EVERY_SECONDS = 60.0


class Sequencer:
    """Gives positions: ten times a second while something happens, by one worker at a time.

    Now and then one of all workers looks through all events for what should not be there: one
    that was passed over.
    """

    def __init__(self, database: Database, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._database = database
        self._busy_seconds = busy_seconds
        self._ask_at = 0.0

    async def turn(self) -> int:
        """Give the next positions; returns how many."""
        await self._look_over()
        async with self._database.platform("relay: event positions") as session:
            placed = await event_sequence.sequence(session, PLACED_AT_ONCE)
        if 0 < placed < PLACED_AT_ONCE:
            await asyncio.sleep(self._busy_seconds)
        return placed

    async def _look_over(self) -> None:
        if time.monotonic() < self._ask_at:
            return
        self._ask_at = time.monotonic() + ASK_EVERY_SECONDS
        async with self._database.platform("relay: event positions") as session:
            if not await reading.claim(session, LOOKED_OVER, LOOK_OVER_EVERY):
                return
            passed_over = await event_sequence.missed(session)
            if passed_over:
                log.error("events were passed over and have their positions now", them=passed_over)
                await event_sequence.sequence_missed(session)


class EventRelay:
    """Hands the events to one consumer, in order; only one worker at a time does."""

    def __init__(self, database: Database, consumer: Consumer) -> None:
        self._database = database
        self._consumer = consumer
        self._enrolled = False

    async def turn(self) -> int:
        """Hand over what is due; returns how many positions and events that were.

        Raises Unavailable when the database is away: nothing of it was done then.
        """
        async with self._database.platform(f"relay: {self._consumer.name}") as session:
            if not self._enrolled:
                await event_cursor.enrol(session, self._consumer)
            moved = await event_cursor.advance(session, self._consumer, READ_AT_ONCE)
        self._enrolled = True
        return moved
