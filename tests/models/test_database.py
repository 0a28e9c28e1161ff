"""The one door: a block is a transaction of one tenant, and a lost database is temporary."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import Conflict, NotFound, Unavailable
from models.database import Actor, Database, Whence, one
from models.event import record
from models.life import SubjectKind
from models.record import DomainEvent, Task
from models.tenant import Tenant
from runtime.embedded.ports import any_free_port
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_database, a_tenant
from tests.support.web import NOON

KILL = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and usename = 'inn_app'"
)


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncGenerator[Database]:
    """The door, with two connections behind it."""
    async with a_database(database_urls, pool_size=2) as opened:
        yield opened


async def write(house: House, then: BaseException | None = None) -> None:
    async with house.session() as session:
        await record(session, "door.opened", SubjectKind.INVOICE, uuid7(), NOON)
        if then is not None:
            raise then


async def written(house: House) -> int:
    async with house.session() as session:
        return len((await session.scalars(select(DomainEvent))).all())


async def say(session: AsyncSession, *statements: str) -> None:
    for statement in statements:
        await session.execute(text(statement))


async def run(house: House, *statements: str) -> None:
    async with house.session() as session:
        await say(session, *statements)


async def cut(urls: DatabaseUrls) -> None:
    """End every session of the application in this database."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        await connection.fetch(KILL)
    finally:
        await connection.close()


async def test_a_block_commits_when_it_ends_and_not_when_it_breaks(house: House) -> None:
    """Whatever broke: our refusal, somebody's mistake, a cancelled task."""
    await write(house)
    for error in (Conflict("no"), RuntimeError("oh"), asyncio.CancelledError(), OSError("disk")):
        with pytest.raises(type(error)):
            await write(house, error)
    assert await written(house) == 1


async def test_nobody_else_commits(house: House) -> None:
    """A commit inside the block ends it: nothing more can be written."""
    async with house.session() as session:
        await session.commit()
        with pytest.raises(InvalidRequestError):
            await session.execute(text("select 1"))


async def test_a_statement_that_failed_and_was_swallowed_commits_nothing(house: House) -> None:
    """The transaction is lost, and says so at the latest when it should be kept."""

    async def swallow() -> None:
        async with house.session() as session:
            await record(session, "door.opened", SubjectKind.INVOICE, uuid7(), NOON)
            with suppress(DBAPIError):
                await session.execute(text("select 1 / 0"))
            await session.execute(text("select 1"))

    with pytest.raises(DBAPIError):
        await swallow()
    assert await written(house) == 0


async def test_the_tenant_of_a_row_is_never_typed(house: House) -> None:
    """It comes from the block, also for a row that says otherwise."""
    async with house.session() as session:
        lied = {"subject_kind": "invoice", "subject_id": uuid7(), "what": "x", "title": "x"}
        task = Task(tenant_id=UUID(int=9), due_at=NOON, opened_at=NOON, **lied)
        session.add(task)
        await session.flush()
        assert task.tenant_id == house.tenant_id


async def test_one_finds_our_row_or_says_there_is_none(database: Database, house: House) -> None:
    """Another tenant's row looks like no row at all."""
    other = await a_tenant(database, "other")
    async with house.session() as session:
        assert (await one(session, Tenant, house.tenant_id)).slug == house.slug
        for stranger in (other.tenant_id, uuid7()):
            with pytest.raises(NotFound, match=f"there is no tenant {stranger}"):
                await one(session, Tenant, stranger)


async def test_a_locked_row_is_read_anew(house: House) -> None:
    """What somebody else changed since we looked is seen with the lock."""
    async with house.session() as session:
        seen = await one(session, Tenant, house.tenant_id)
        async with house.session() as elsewhere:
            await elsewhere.execute(text("update tenants set name = 'Changed'"))
        assert seen.name == house.slug
        assert (await one(session, Tenant, house.tenant_id, lock=True)).name == "Changed"


async def test_platform_work_sees_every_tenant_and_says_why(
    database: Database, house: House
) -> None:
    """The reason stands in the audit of whatever it changes."""
    other = await a_tenant(database, "other")
    async with database.platform("a test") as session:
        slugs = await session.scalars(select(Tenant.slug).order_by(Tenant.slug))
        assert slugs.all() == [house.slug, "other"]
        await session.execute(text("update tenants set name = 'Seen' where slug = 'other'"))
    async with other.session() as session:
        actors = await session.scalars(
            text(
                "select actor from audit_log where table_name = 'tenants' and operation = 'update'"
            )
        )
        assert actors.all() == ["platform:a test"]
    assert await written(house) == 0


async def test_what_is_acting_stands_in_the_audit(house: House) -> None:
    """Actor and request of a tenant's block."""
    actor = Actor("user:7", Whence("request-9", "192.0.2.7", "Desk/2", "PUT /tenants"))
    async with house.database.tenant(house.tenant_id, actor) as session:
        await session.execute(text("update tenants set name = 'New'"))
    async with house.session() as session:
        found = await session.execute(
            text(
                "select actor, request_id, ip, agent, why from audit_log where operation = 'update'"
            )
        )
        assert found.all() == [("user:7", "request-9", "192.0.2.7", "Desk/2", "PUT /tenants")]
    assert Actor.life("invoice/a/b").name == "life:invoice/a/b"


async def test_a_database_that_is_not_there_is_unavailable(database_urls: DatabaseUrls) -> None:
    """However it is opened; asking again later is right."""
    nowhere = f"postgresql://inn_app:x@127.0.0.1:{any_free_port()}/nothing"
    database = Database(nowhere, nowhere, pool_size=2)
    try:
        for opened in (
            database.anonymous(),
            database.platform("test"),
            database.tenant(uuid7(), Actor("platform:test")),
        ):
            with pytest.raises(Unavailable, match="does not answer"):
                async with opened:
                    pytest.fail("nobody should be there")
    finally:
        await database.close()


async def test_a_connection_cut_in_the_middle_is_unavailable(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Between two statements, in one, and at the commit; afterwards everything works again."""

    async def write_and_be_cut(*then: str) -> None:
        async with house.session() as session:
            await record(session, "door.opened", SubjectKind.INVOICE, uuid7(), NOON)
            await cut(database_urls)
            await say(session, *then)

    with pytest.raises(Unavailable):
        await write_and_be_cut("select 1")
    with pytest.raises(Unavailable):
        await run(house, "select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable):
        await write_and_be_cut()
    assert await written(house) == 0
    await write(house)
    assert await written(house) == 1


async def test_a_cut_connection_in_the_pool_is_not_lent_again(
    house: House, database_urls: DatabaseUrls
) -> None:
    """After the server was away the first one who asks is served."""
    await asyncio.gather(written(house), written(house))
    await cut(database_urls)
    assert await asyncio.gather(written(house), written(house)) == [0, 0]


async def test_a_lock_or_an_answer_that_does_not_come_is_temporary(house: House) -> None:
    """The other one won; asking again is right."""
    async with house.session() as holder:
        await one(holder, Tenant, house.tenant_id, lock=True)
        with pytest.raises(Unavailable):
            await run(house, "set local lock_timeout = '50ms'", "select * from tenants for update")
        with pytest.raises(Unavailable):
            await run(house, "set local statement_timeout = '50ms'", "select pg_sleep(5)")


async def test_a_value_no_column_holds_is_not_an_outage(house: House) -> None:
    """Refused by the server or by the driver, it is the caller's to mend: never tried again."""
    for value in (2**70, "not a number", -(2**63) - 1):
        with pytest.raises(DBAPIError):
            async with house.session() as session:
                await session.execute(text("select cast(:v as bigint) + 1"), {"v": value})
    with pytest.raises(DBAPIError):
        async with house.session() as session:
            await session.execute(text("update tenants set name = :v"), {"v": "a\x00b"})


async def test_all_connections_busy_is_unavailable(database_urls: DatabaseUrls) -> None:
    """Rather than an error nobody expects, when the wait for one is over."""
    database = Database(database_urls.app, database_urls.platform, pool_size=2, pool_seconds=0.1)
    try:
        async with database.anonymous(), database.anonymous():
            with pytest.raises(Unavailable):
                async with database.anonymous():
                    pytest.fail("there was a third one")
    finally:
        await database.close()
