"""Writers slow and quick, two sequencers and a reader at once: every event, one order, no gap."""

import asyncio
import random
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from domain.errors import Conflict
from models.event_sequence import SLACK, EventPosition, missed
from tests.support.events import all_sequenced, an_event, positions
from tests.support.house import House
from tests.support.soak import soaked
from workers.event_relay import Sequencer

DOORS = 5
SLOW_SECONDS = 0.05
# Seldom one takes longer than any slack there is.
SELDOM = 0.02
VERY_SLOW_SECONDS = SLACK.total_seconds() + 0.3
FAILS = 0.1


@dataclass(frozen=True, slots=True)
class Door:
    """A subject: only one transaction at a time changes it, as its row's lock sees to."""

    id: UUID = field(default_factory=uuid7)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    opened: list[UUID] = field(default_factory=list[UUID])


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes on in a house, until all of it is written."""

    house: House
    first: int
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    doors: list[Door] = field(default_factory=lambda: [Door() for _ in range(DOORS)])
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, amount: int) -> None:
        """So many events; some of their transactions take long, some fail."""
        await asyncio.gather(*(self._open(self.dice.choice(self.doors)) for _ in range(amount)))
        self.over.set()

    async def _open(self, door: Door) -> None:
        slow, fails = self.dice.random() * SLOW_SECONDS, self.dice.random() < FAILS
        if self.dice.random() < SELDOM:
            slow = VERY_SLOW_SECONDS
        async with door.lock:
            made = an_event(door.id)
            try:
                async with self.house.session() as session:
                    session.add(made)
                    await session.flush()
                    await asyncio.sleep(slow)
                    if fails:
                        raise Conflict("the door did not open")
            except Conflict:
                return
            door.opened.append(made.id)

    async def relay(self) -> None:
        """Give positions all the while."""
        sequencer = Sequencer(self.house.database, busy_seconds=0)
        while not self.over.is_set():
            if not await sequencer.turn():
                await asyncio.sleep(0.002)

    async def read(self) -> None:
        """Whatever is new follows what was seen, without a gap."""
        seen = self.first
        while not self.over.is_set():
            new = (
                select(EventPosition.position)
                .where(EventPosition.position > seen)
                .order_by(EventPosition.position)
            )
            async with self.house.database.platform("test") as session:
                found = list(await session.scalars(new))
            assert found == list(range(seen + 1, seen + 1 + len(found)))
            seen += len(found)
            await asyncio.sleep(0.003)


async def test_every_event_gets_one_position_and_subjects_keep_their_order(house: House) -> None:
    database = house.database
    await all_sequenced(database)
    traffic = Traffic(house, len(await positions(database)))
    await asyncio.gather(
        traffic.write(soaked(4_000)), traffic.relay(), traffic.relay(), traffic.read()
    )
    await all_sequenced(database)
    found = await positions(database)
    written = [event for door in traffic.doors for event in door.opened]
    assert set(list(found)[traffic.first :]) == set(written)
    assert list(found.values()) == list(range(1, traffic.first + len(written) + 1))
    for door in traffic.doors:
        assert all(found[one] < found[other] for one, other in pairwise(door.opened))
    async with database.platform("test") as session:
        assert await missed(session) == 0
