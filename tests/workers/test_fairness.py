"""A tenant with a huge backlog delays nobody: relays and lives serve tenants in turn."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Actor, Database
from models.fair_queue import fair_heads
from models.life import Wake
from models.message import Purpose
from models.message_queue import lease
from models.messages import tell
from models.repair import PRIORITY
from runtime.clock import SetClock
from runtime.temporal import connect, register_search_attributes, store_id
from tests.conftest import TemporalServer
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt, pay
from tests.support.house import ZONE, House, a_tenant
from tests.support.namespace import own_namespace
from tests.support.recording import Recording
from workers import lives
from workers.message_relay import MessageRelay
from workers.relay import BATCH, WakeRelay

MANY, FEW = 400, 5
LETTERS = 160
NOW = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)

_WAKE = text("""
insert into wakes (subject_kind, subject_id, workflow_id, priority)
select 'invoice', id, 'invoice/' || current_setting('app.current_tenant') || '/' || id, :priority
  from (select uuidv7() as id from generate_series(1, :amount)) as subjects
""")


@pytest.fixture
async def large(database: Database) -> House:
    """The tenant with the backlog."""
    return await a_tenant(database)


@pytest.fixture
async def small(database: Database) -> House:
    """The tenant that comes after it with a little."""
    return await a_tenant(database)


async def ask_to_wake(house: House, amount: int, priority: int = 3) -> None:
    """Wake-ups of so many lives, in one go: their subjects are gone, so a look ends them."""
    async with house.session() as session:
        await session.execute(_WAKE, {"amount": amount, "priority": priority})


async def waiting(house: House) -> int:
    async with house.session() as session:
        return await session.scalar(select(func.count()).select_from(Wake)) or 0


class Watched(Database):
    """A database that remembers whose turn it was."""

    def __init__(self, urls: DatabaseUrls) -> None:
        super().__init__(urls.app, urls.platform, pool_size=20)
        self.turns: list[UUID] = []

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID, actor: Actor) -> AsyncGenerator[AsyncSession]:
        """As the real one."""
        self.turns.append(tenant_id)
        async with super().tenant(tenant_id, actor) as session:
            yield session


async def heads(session: AsyncSession, batch: int) -> Sequence[UUID]:
    """Whose rows a relay would take, in the order it would."""
    queue = fair_heads(
        Wake, lambda row: row.leased_until.is_(None), ("priority", "recorded_at"), batch
    )
    return (await session.scalars(select(queue.c.tenant_id))).all()


async def test_wake_ups_of_a_small_tenant_leave_with_the_first_batch(
    temporal_server: TemporalServer, large: House, small: House, database: Database
) -> None:
    namespace = await own_namespace(temporal_server)
    client = await connect(temporal_server.address, namespace)
    await ask_to_wake(large, MANY)
    await ask_to_wake(small, FEW, PRIORITY)
    relay = WakeRelay(database, client)
    assert await relay.turn() == BATCH // 2 + FEW
    assert (await waiting(large), await waiting(small)) == (MANY - BATCH // 2, 0)
    assert await relay.turn() == BATCH


async def test_lives_of_a_small_tenant_are_served_before_the_backlog_of_a_large_one(
    temporal_server: TemporalServer, large: House, small: House, database_urls: DatabaseUrls
) -> None:
    """All of them stand in Temporal's queue when the worker comes up, the small tenant's last."""
    namespace = await own_namespace(temporal_server)
    client = await connect(temporal_server.address, namespace)
    await register_search_attributes(client)
    relay = WakeRelay(large.database, client)
    for house, amount in ((large, MANY), (small, FEW)):
        await ask_to_wake(house, amount)
        while await relay.turn():
            pass
    database = Watched(database_urls)
    worker = lives.worker(client, database, Recording(SetClock(NOW)), await store_id(client))
    async with asyncio.timeout(60), worker:
        while database.turns.count(small.tenant_id) < FEW:
            await asyncio.sleep(0.05)
    served_before = database.turns.count(large.tenant_id)
    await database.close()
    assert served_before < MANY * 2 * 3 // 4  # each life opens the door twice: it looks, it ends
    first = database.turns.index(small.tenant_id)
    assert first < MANY // 4


async def test_letters_of_a_small_tenant_leave_with_the_first_batch(
    large: House, small: House
) -> None:
    clock = SetClock(NOW)
    carrier = Recording(clock)
    for house, amount in ((large, LETTERS), (small, FEW)):  # the small one's are the youngest
        debt = await a_debt(house, date(2026, 9, 5))
        payment = await pay(debt, NOW)
        async with house.session() as session:
            for days in range(1, amount):  # the first receipt was queued with the money
                await tell(
                    session,
                    resident_id=debt.resident_id,
                    purpose=Purpose.RECEIPT,
                    at=NOW - timedelta(days=days),
                    timezone=ZONE,
                    about_id=payment.id,
                )
    relay = MessageRelay(large.database, carrier, clock)
    await relay.turn()
    served = [carried.outgoing.tenant_id for carried in carrier.carried]
    assert (served.count(large.tenant_id), served.count(small.tenant_id)) == (50, FEW)
    while await relay.turn():
        pass
    assert len(carrier.carried) == LETTERS + FEW
    assert carrier.none_twice()


async def test_when_there_are_more_tenants_than_places_the_oldest_come_first(
    database: Database,
) -> None:
    houses = [await a_tenant(database) for _ in range(4)]
    for house in houses:
        await ask_to_wake(house, 3)
    async with database.platform("test") as session:
        assert list(await heads(session, 3)) == [house.tenant_id for house in houses[:3]]
        # Nobody gets a second place before everybody had a first.
        assert list(await heads(session, 6))[:4] == [house.tenant_id for house in houses]


async def test_a_tenant_alone_gets_the_whole_batch_and_an_empty_queue_gives_nothing(
    database: Database, large: House
) -> None:
    async with database.platform("test") as session:
        assert await heads(session, BATCH) == []
    await ask_to_wake(large, MANY)
    async with database.platform("test") as session:
        assert len(await heads(session, BATCH)) == BATCH


async def test_two_relays_at_once_take_different_rows(
    database: Database, large: House, small: House
) -> None:
    await ask_to_wake(large, MANY)
    await ask_to_wake(small, FEW)
    async with database.platform("one") as one, database.platform("other") as other:
        first, second = await heads(one, 20), await heads(other, 20)
    assert (first.count(small.tenant_id), second.count(small.tenant_id)) == (FEW, 0)
    assert (first.count(large.tenant_id), second.count(large.tenant_id)) == (10, 10)


async def test_what_is_not_due_yet_takes_nobodys_place(
    database: Database, large: House, small: House
) -> None:
    """A tenant whose letters wait for the morning is not in the count of those who share."""
    for house, at in ((large, NOW), (small, NOW + timedelta(hours=9))):
        debt = await a_debt(house, date(2026, 9, 5))
        await pay(debt, at)
    async with database.platform("test") as session:
        assert [hand.tenant_id for hand in await lease(session, NOW, 100)] == [large.tenant_id]
