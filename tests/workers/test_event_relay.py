"""Consumers take each event once, in order; one that cannot be taken holds up its subject alone."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import Unavailable
from models.database import Database
from models.event_cursor import advance, begin_anew, enrol, newest, position_of
from models.event_dead_letter import EventDeadLetter
from models.happened import Happened
from tests.support.dying import DiedError
from tests.support.events import (
    KIND,
    Keeping,
    all_sequenced,
    caught_up,
    handed_over,
    happens,
    letters_fall_due,
)
from tests.support.house import House, a_tenant
from workers.event_relay import CONSUMERS, EventRelay


async def letters(database: Database) -> dict[UUID, EventDeadLetter]:
    """What was set aside, by event."""
    async with database.platform("test") as session:
        rows = await session.scalars(select(EventDeadLetter).order_by(EventDeadLetter.position))
        return {row.event_id: row for row in rows}


async def wall(database: Database) -> datetime:
    async with database.platform("test") as session:
        now = await session.scalar(text("select clock_timestamp()"))
    assert now is not None
    return now


async def test_each_event_is_taken_once_in_its_order(database: Database) -> None:
    """A batch at a time; what is of no concern to the consumer passes by it."""
    houses, keeping = [await a_tenant(database) for _ in range(2)], Keeping()
    events = [await happens(houses[number % 2]) for number in range(10)]
    await happens(houses[0], type="door.shut")
    await all_sequenced(database)
    while await handed_over(database, keeping, batch=7):
        pass
    assert await keeping.kept(database) == events
    assert sum(keeping.batches) == len(events)
    assert len(keeping.batches) < len(events)
    async with database.platform("test") as session:
        assert await position_of(session, keeping) == await newest(session)


async def test_a_consumer_that_comes_later_is_told_from_the_beginning(
    database: Database, house: House
) -> None:
    events = [await happens(house) for _ in range(3)]
    await caught_up(database, Keeping("first"))
    second = Keeping("second")
    await caught_up(database, second)
    assert await second.kept(database) == events


class Dying(Keeping):
    """Dies when it has done its work, before its cursor moves."""

    async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
        """Everything, and then nothing any more."""
        await super().take(session, events)
        raise DiedError


class CutOff(Keeping):
    """Loses its connection when it has done its work."""

    async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
        """Everything, and then the line goes dead."""
        await super().take(session, events)
        await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))


async def test_a_worker_that_dies_after_the_work_and_before_the_cursor_did_nothing(
    database: Database, house: House
) -> None:
    events = [await happens(house) for _ in range(3)]
    await all_sequenced(database)
    with pytest.raises(DiedError):
        await EventRelay(database, Dying()).turn()
    assert await Keeping().kept(database) == []
    with pytest.raises(Unavailable):
        await EventRelay(database, CutOff()).turn()
    keeping = Keeping()
    await caught_up(database, keeping)
    assert await keeping.kept(database) == events
    assert await letters(database) == {}


async def test_only_one_worker_at_a_time_reads_for_a_consumer(
    database: Database, house: House
) -> None:
    """The other has nothing to do; other consumers are not held up."""
    events = [await happens(house) for _ in range(3)]
    await all_sequenced(database)
    one, other = Keeping("one"), Keeping("other")
    async with database.platform("test") as session:
        await enrol(session, one)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(database.platform("test"))
        assert await advance(session, one, 1_000)
        assert await EventRelay(database, one).turn() == 0
        assert await EventRelay(database, other).turn()
    assert await EventRelay(database, one).turn() == 0
    assert [await consumer.kept(database) for consumer in (one, other)] == [events, events]


async def test_workers_that_race_take_each_event_once(database: Database, house: House) -> None:
    keeping = Keeping()
    relays = [EventRelay(database, keeping) for _ in range(3)]
    events: list[UUID] = []
    for _ in range(10):
        events += [await happens(house) for _ in range(5)]
        await all_sequenced(database)
        await asyncio.gather(*(relay.turn() for relay in relays))
    await caught_up(database, keeping)
    assert await keeping.kept(database) == events


async def test_what_cannot_be_taken_is_tried_again_and_then_waits_for_a_person(
    database: Database, house: House
) -> None:
    """After one second, two and four; then it is dead and everything goes on."""
    keeping = Keeping()
    bad, good = await happens(house), await happens(house)
    keeping.poisoned = {bad}
    for tries, seconds in ((1, 1), (2, 2), (3, 4)):
        before = await wall(database)
        await caught_up(database, keeping)
        letter = (await letters(database))[bad]
        assert (letter.status, letter.tries) == ("received", tries)
        assert letter.problem == "ValueError"
        wait = timedelta(seconds=seconds)
        assert before + wait <= letter.due_at <= await wall(database) + wait
        assert await handed_over(database, keeping) == 0
        await letters_fall_due(database)
    await caught_up(database, keeping)
    letter = (await letters(database))[bad]
    assert (letter.status, letter.tries, letter.failed_at is None) == ("failed", 4, False)
    await letters_fall_due(database)
    assert await handed_over(database, keeping) == 0
    assert await keeping.kept(database) == [good]


async def test_one_tenants_poisoned_event_holds_up_nobody_but_its_own_subject(
    database: Database,
) -> None:
    """Later events of that subject wait behind it; all else of the same tenant goes on."""
    houses = [await a_tenant(database) for _ in range(2)]
    subject, keeping = uuid7(), Keeping()
    before = await happens(houses[0], subject)
    bad = await happens(houses[0], subject)
    same_batch = await happens(houses[0], subject)
    others = [await happens(houses[0]), await happens(houses[1]), await happens(houses[1], subject)]
    keeping.poisoned = {bad}
    await caught_up(database, keeping)
    assert await keeping.kept(database) == [before, *others]
    later = await happens(houses[0], subject)
    others.append(await happens(houses[0]))
    await caught_up(database, keeping)
    assert await keeping.kept(database) == [before, *others]
    waits = await letters(database)
    assert {one: letter.tries for one, letter in waits.items()} == {bad: 1, same_batch: 0, later: 0}

    keeping.poisoned = set()
    await letters_fall_due(database)
    await caught_up(database, keeping)
    assert await keeping.kept(database) == [before, *others, bad, same_batch, later]
    assert {letter.status for letter in (await letters(database)).values()} == {"done"}


async def test_what_waited_behind_a_dead_letter_goes_on_without_it(
    database: Database, house: House
) -> None:
    subject, keeping = uuid7(), Keeping()
    bad, *later = [await happens(house, subject) for _ in range(3)]
    keeping.poisoned = {bad}
    for _ in range(4):
        await caught_up(database, keeping)
        assert await keeping.kept(database) == [] or len(await keeping.kept(database)) == 2
        await letters_fall_due(database)
    await caught_up(database, keeping)
    assert await keeping.kept(database) == later
    statuses = [letter.status for letter in (await letters(database)).values()]
    assert statuses == ["failed", "done", "done"]


async def test_of_many_events_only_those_that_cannot_be_taken_are_set_aside(
    database: Database, house: House
) -> None:
    keeping = Keeping()
    events = [await happens(house) for _ in range(40)]
    keeping.poisoned = {events[number] for number in (0, 17, 18, 39)}
    await caught_up(database, keeping)
    assert set(await letters(database)) == keeping.poisoned
    assert await keeping.kept(database) == [one for one in events if one not in keeping.poisoned]


async def test_a_database_that_goes_away_is_no_fault_of_the_event(
    database: Database, house: House
) -> None:
    """It is not set aside for it."""

    class Locked(Keeping):
        async def take(self, session: AsyncSession, events: Sequence[Happened]) -> None:
            assert events
            await session.execute(text("do $$ begin raise sqlstate '40P01'; end $$"))

    await happens(house)
    await all_sequenced(database)
    with pytest.raises(Unavailable):
        await EventRelay(database, Locked()).turn()
    assert await letters(database) == {}


async def test_a_consumer_begun_anew_takes_everything_again(
    database: Database, house: House
) -> None:
    """Also what had been a dead letter."""
    keeping = Keeping()
    events = [await happens(house) for _ in range(5)]
    keeping.poisoned = {events[2]}
    await caught_up(database, keeping)
    keeping.poisoned = set()
    async with database.platform("test") as session:
        await begin_anew(session, keeping)
    assert await keeping.kept(database) == []
    await caught_up(database, keeping)
    assert await keeping.kept(database) == events
    assert await letters(database) == {}


def test_every_consumer_has_a_name_of_its_own() -> None:
    names = [consumer.name for consumer in CONSUMERS]
    assert len(set(names)) == len(names)
    assert all(KIND not in consumer.types for consumer in CONSUMERS)
