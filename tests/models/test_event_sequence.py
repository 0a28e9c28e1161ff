"""Every event gets one position, whenever it commits, whoever dies; and readers can trust them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from uuid_utils.compat import uuid7

from domain.errors import Unavailable
from models.database import Database
from models.event_sequence import (
    CHANNEL,
    EventSequence,
    missed,
    sequence,
    sequence_missed,
    waiting,
)
from models.record import DomainEvent
from tests.support.books import breaches
from tests.support.database import DatabaseUrls
from tests.support.events import (
    all_sequenced,
    an_event,
    happens,
    positions,
    sequenced,
)
from tests.support.house import House, a_tenant
from workers.event_relay import Sequencer


@pytest.fixture
async def door(house: House) -> House:
    """A house whose own beginnings have their positions already."""
    await all_sequenced(house.database)
    return house


@asynccontextmanager
async def slowly(house: House, made: DomainEvent) -> AsyncGenerator[None]:
    """An event that is written now and committed when the block ends."""
    async with house.session() as session:
        session.add(made)
        await session.flush()
        yield


async def state(database: Database) -> EventSequence:
    async with database.platform("test") as session:
        return (await session.scalars(select(EventSequence))).one()


async def passes_until(database: Database, holds: Callable[[EventSequence], bool]) -> None:
    """So many passes as it takes: other houses of the server have transactions open as well."""
    async with asyncio.timeout(60):
        while not holds(await state(database)):
            await sequenced(database)


async def after(database: Database, first: int) -> list[UUID]:
    """The events after a position."""
    return [one for one, position in (await positions(database)).items() if position > first]


async def test_positions_count_from_one_without_a_gap(database: Database) -> None:
    houses = [await a_tenant(database) for _ in range(2)]
    for number in range(10):
        await happens(houses[number % 2])
        if number % 3 == 0:
            await sequenced(database)
    await all_sequenced(database)
    found = list((await positions(database)).values())
    assert found == list(range(1, len(found) + 1))
    assert (await state(database)).position == len(found)
    assert await breaches(database) == {}


async def test_what_commits_late_is_not_passed_over(door: House) -> None:
    """Its id and its clock are older than those of all that came to their positions before it."""
    database, late = door.database, an_event(uuid7())
    first = (await state(database)).position
    async with slowly(door, late):
        others = [await happens(door) for _ in range(3)]
        assert await sequenced(database) == 3
        for _ in range(3):
            others.append(await happens(door))
            assert await sequenced(database) == 1
            assert await sequenced(database) == 0
        assert (await state(database)).searched_from < late.recorded_at
    assert await sequenced(database) == 1
    assert await after(database, first) == [*others, late.id]
    async with database.platform("test") as session:
        assert await missed(session) == 0


async def test_it_is_searched_for_as_long_as_its_transaction_is_open_and_no_longer(
    door: House,
) -> None:
    database, late = door.database, an_event(uuid7())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(slowly(door, late))
        for _ in range(5):
            await happens(door)
            await sequenced(database)
        held = await state(database)
        assert held.searched_from < late.recorded_at
    await happens(door)
    await passes_until(database, lambda now: now.searched_from > late.recorded_at)
    assert (await state(database)).searched_from > held.searched_from


async def test_when_nothing_happens_nothing_is_written(door: House) -> None:
    await happens(door)
    assert await sequenced(door.database) == 1
    await passes_until(door.database, lambda now: now.then_xid is None)
    row_version = text("select xmin::text from event_sequence")
    async with door.database.platform("test") as session:
        before = await session.scalar(row_version)
    for _ in range(3):
        assert await sequenced(door.database) == 0
    async with door.database.platform("test") as session:
        assert await session.scalar(row_version) == before
    assert (await state(door.database)).then_xid is None


async def test_when_it_is_quiet_what_happened_last_is_not_looked_at_for_ever(door: House) -> None:
    """Its search moves beyond it once, and then nothing is written any more."""
    last = await happens(door, recorded_at=(await state(door.database)).searched_from)
    back = "update event_sequence set searched_from = searched_from - interval '3 seconds'"
    assert await sequenced(door.database) == 1
    async with door.database.platform("test") as session:
        await session.execute(text(back))
    async with door.database.platform("test") as session:
        event = (await session.scalars(select(DomainEvent).where(DomainEvent.id == last))).one()
    moved = set[datetime]()

    def is_beyond(now: EventSequence) -> bool:
        moved.add(now.searched_from)
        return now.searched_from > event.recorded_at and now.then_xid is None

    await passes_until(door.database, is_beyond)
    assert len(moved) <= 3


async def test_a_backlog_is_worked_off_in_order_and_the_search_moves_with_it(door: House) -> None:
    """Also when one of it commits only when most have their positions."""
    database, late = door.database, an_event(uuid7())
    first = (await state(database)).position
    async with slowly(door, late):
        events = [await happens(door) for _ in range(25)]
        assert await sequenced(database, 10) == 10
        held = (await state(database)).searched_from
        assert await sequenced(database, 10) == 10
        assert (await state(database)).searched_from == held
    assert await sequenced(database, 10) == 6
    assert await after(database, first) == [*events[:20], late.id, *events[20:]]
    more = [await happens(door) for _ in range(25)]
    for found in (10, 10, 5, 0):
        assert await sequenced(database, 10) == found
    assert await after(database, first + 26) == more
    await passes_until(database, lambda now: now.searched_from > held)


async def test_a_subjects_events_keep_the_order_of_its_transactions(door: House) -> None:
    """Though the second was named by a machine whose clock goes slow."""
    subject, named_early = uuid7(), uuid7()
    first = await happens(door, subject)
    second = await happens(door, subject, id=named_early)
    assert named_early < first
    await all_sequenced(door.database)
    found = await positions(door.database)
    assert found[first] < found[second]


async def test_one_transactions_events_keep_the_order_they_were_told_in(door: House) -> None:
    told = [an_event(uuid7()) for _ in range(5)]
    async with door.session() as session:
        for one in told:
            session.add(one)
            await session.flush()
    await all_sequenced(door.database)
    assert list(await positions(door.database))[-5:] == [one.id for one in told]


async def test_only_one_gives_positions_at_a_time(door: House) -> None:
    """The other does not wait; and when the first dies, the next one does it all."""
    database = door.database
    event = await happens(door)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(database.platform("test"))
        assert await sequence(session, 10) == 1
        assert await sequenced(database) == 0
        assert event not in await positions(database)
        await session.rollback()
    assert await sequenced(database) == 1
    assert event in await positions(database)


async def test_whoever_is_cut_off_in_the_middle_leaves_nothing(door: House) -> None:
    database = door.database
    event = await happens(door)
    with pytest.raises(Unavailable):
        await _cut_off(database)
    assert event not in await positions(database)
    assert await sequenced(database) == 1
    assert await breaches(database) == {}


async def _cut_off(database: Database) -> None:
    async with database.platform("test") as session:
        assert await sequence(session, 10) == 1
        await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))


async def test_two_that_count_from_the_same_number_cannot_both_commit(door: House) -> None:
    """Though both believed that they were alone, the counter would not be moved on twice."""
    database = door.database
    count = "update event_sequence set position = position {by}"
    event = await happens(door)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(database.platform("test"))
        await session.execute(text(count.format(by="+ 5")))
        other = asyncio.ensure_future(sequenced(database))
        await asyncio.sleep(0.2)
        assert not other.done()
    with pytest.raises(Unavailable, match="somebody else"):
        await other
    assert event not in await positions(database)
    async with database.platform("test") as session:
        await session.execute(text(count.format(by="- 5")))
    assert await sequenced(database) == 1
    assert await breaches(database) == {}


async def test_a_house_restored_on_another_server_begins_its_search_again(door: House) -> None:
    """The numbers of its transactions begin anew there, and ours would never be reached."""
    database = door.database
    ahead = "update event_sequence set then_from = clock_timestamp(), then_xid = 1::bigint << 60"
    async with database.platform("test") as session:
        await session.execute(text(ahead))
    before = await positions(database)
    event = await happens(door)
    assert await sequenced(database) == 1
    assert await positions(database) == {**before, event: len(before) + 1}
    await happens(door)
    await passes_until(database, lambda now: now.searched_from.year >= 2026)
    assert (await state(database)).then_xid != 1 << 60


async def test_a_clock_that_was_set_back_is_found_out_and_mended(door: House) -> None:
    database = door.database
    yesterday = (await state(database)).searched_from - timedelta(days=1)
    event = await happens(door, recorded_at=yesterday)
    assert await sequenced(database) == 0
    assert list(await breaches(database)) == ["no event was passed over, and positions have no gap"]
    async with database.platform("test") as session:
        assert await missed(session) == 1
        assert await sequence_missed(session) == 1
        assert await missed(session) == 0
    assert event in await positions(database)
    assert await breaches(database) == {}


async def test_the_relay_looks_over_everything_now_and_then(door: House) -> None:
    yesterday = (await state(door.database)).searched_from - timedelta(days=1)
    event = await happens(door, recorded_at=yesterday)
    await Sequencer(door.database, busy_seconds=0).turn()
    assert event in await positions(door.database)


async def test_nobody_at_work_is_seen_after_five_minutes(door: House) -> None:
    ago = timedelta(minutes=6)
    async with door.database.platform("test") as session:
        back = "update event_sequence set searched_from = searched_from - interval '1 hour'"
        await session.execute(text(back))
    await happens(door, recorded_at=(await state(door.database)).searched_from + 2 * ago)
    async with door.database.platform("test") as session:
        amount, since = await waiting(session)
    assert (amount, since is not None) == (1, True)
    await all_sequenced(door.database)
    async with door.database.platform("test") as session:
        assert await waiting(session) == (0, None)


async def test_whoever_listens_hears_how_far_it_is(
    door: House, database_urls: DatabaseUrls
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    ear = await asyncpg.connect(database_urls.platform)
    try:
        await ear.add_listener(CHANNEL, lambda *told: heard.put_nowait(str(told[3])))
        await happens(door)
        await sequenced(door.database)
        said = await asyncio.wait_for(heard.get(), 5)
        assert int(said) == (await state(door.database)).position
    finally:
        await ear.close()
