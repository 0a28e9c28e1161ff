"""No tenant sees, changes or points at another's rows; nobody without a tenant sees any."""

# ruff: noqa: S608 (names of tables are ours)

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from migrations import walls as built
from models import walls
from models.database import Actor, Database
from models.registry import TABLES
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_tenant
from tests.support.rows import a_row_of_every_table

APPEND_ONLY = (*built.APPEND_ONLY, *built.APPEND_ONLY_LATER)
WALLED = [table for table in TABLES.sorted_tables if "tenant_id" in table.c]
Question = Callable[[AsyncSession], Awaitable[list[str]]]


@pytest.fixture
async def ours(database: Database) -> House:
    """The tenant that owns a row of every table."""
    house = await a_tenant(database, "ours")
    async with house.session() as session:
        await a_row_of_every_table(session)
    return house


async def test_the_catalogue_knows_no_tenant_table_without_its_whole_wall(
    database: Database,
) -> None:
    """Row security on and forced, the exact policy, tenant_id required; the look-ups are few."""
    async with database.platform("test") as session:
        assert await walls.broken_walls(session) == []
        unwalled = await session.scalars(
            text(
                "select relname from pg_class where relnamespace = 'public'::regnamespace"
                " and relkind in ('r', 'p') and not relrowsecurity"
            )
        )
        assert set(unwalled) == {*walls.LOOK_UPS, *walls.OF_THE_HOUSE}
    assert len(walls.LOOK_UPS) <= 10


async def test_every_key_of_a_tenant_table_begins_with_the_tenant(database: Database) -> None:
    """Foreign keys bypass row security, and a unique key without the tenant tells of others."""
    async with database.platform("test") as session:
        assert await walls.loose_keys(session) == []


async def test_the_look_ups_are_closed_to_the_application(database: Database) -> None:
    """The app role holds no right on them; their functions are fixed in where they look."""
    async with database.platform("test") as session:
        assert await walls.open_look_ups(session) == []


async def test_every_role_holds_what_it_should_and_no_more(database: Database) -> None:
    """The app owns nothing and bypasses nothing; the platform sees above the walls."""
    async with database.platform("test") as session:
        assert await walls.wrong_roles(session) == []


HOLES: list[tuple[str, Question, str]] = [
    ("alter table beds no force row level security", walls.broken_walls, "beds"),
    ("alter table rooms disable row level security", walls.broken_walls, "rooms"),
    ("drop policy tenant_isolation on invoices", walls.broken_walls, "invoices"),
    ("create policy more on floors using (true)", walls.broken_walls, "floors"),
    ("create table notes (tenant_id uuid, id uuid)", walls.broken_walls, "notes"),
    ("drop table imported_rows", walls.broken_walls, "imported_rows is missing"),
    ("create unique index u on beds (bed_number)", walls.loose_keys, "beds.u"),
    (
        "alter table beds add constraint f foreign key (bed_number) references tenant_slugs (slug)",
        walls.loose_keys,
        "beds.f",
    ),
    ("grant select on tenant_slugs to inn_app", walls.open_look_ups, "tenant_slugs to inn_app"),
    ("grant select on event_cursors to inn_app", walls.open_look_ups, "event_cursors to inn_app"),
    ("grant select on user_emails to public", walls.open_look_ups, "user_emails to everybody"),
    (
        "grant execute on function find_tenant(text) to public",
        walls.open_look_ups,
        "find_tenant may be called by everybody",
    ),
    (
        "alter function find_user(text) reset search_path",
        walls.open_look_ups,
        "find_user looks where it is told",
    ),
    ("alter table floors owner to inn_app", walls.wrong_roles, "inn_app owns floors"),
]


async def test_every_hole_in_the_walls_is_found(
    database: Database, database_urls: DatabaseUrls
) -> None:
    """Made by an owner who knows no better, seen by the catalogue."""
    owner = await asyncpg.connect(database_urls.superuser)
    try:
        for damage, _, _ in HOLES:
            await owner.execute(damage)
    finally:
        await owner.close()
    async with database.platform("test") as session:
        for damage, question, found in HOLES:
            assert found in await question(session), damage


async def test_another_tenant_finds_and_changes_nothing(database: Database, ours: House) -> None:
    """Select, update and delete of every table as a second tenant touch no row."""
    theirs = await a_tenant(database, "theirs")
    for table in WALLED:
        async with theirs.session() as session:
            seen = await session.scalar(
                text(f"select count(*) from {table.name} where tenant_id = :ours"),
                {"ours": ours.tenant_id},
            )
            assert seen == 0, table.name
        if table.name in APPEND_ONLY:
            continue  # refused to everybody, see below
        for verb in (
            f"update {table.name} set tenant_id = tenant_id where tenant_id = :ours",
            f"delete from {table.name} where tenant_id = :ours",
        ):
            assert await _touched(theirs, verb, ours=ours.tenant_id) == 0, verb


async def test_another_tenant_cannot_write_in_our_name(database: Database, ours: House) -> None:
    """Inserting a row of ours, or making one of theirs ours, is refused for every table."""
    theirs = await a_tenant(database, "theirs")
    async with theirs.session() as session:
        await a_row_of_every_table(session)
    for table in WALLED:
        copied = ", ".join(c.name for c in table.c if c.name not in {"tenant_id", "span"})
        steal = (
            f"insert into {table.name} (tenant_id, {copied})"
            f" select :ours, {copied} from {table.name}"
        )
        with pytest.raises(DBAPIError, match="row-level security"):
            await _touched(theirs, steal, ours=ours.tenant_id)
        if table.name not in APPEND_ONLY:
            move = f"update {table.name} set tenant_id = :ours"
            with pytest.raises(DBAPIError, match=r"row-level security|violates|is issued"):
                await _touched(theirs, move, ours=ours.tenant_id)


async def test_without_a_tenant_nothing_is_seen_or_written(database: Database, ours: House) -> None:
    """The app role that forgot to say whose request it is gets empty answers, no rows in."""
    assert ours
    for table in WALLED:
        async with database.anonymous() as connection:
            assert await connection.scalar(text(f"select count(*) from {table.name}")) == 0
        columns = ", ".join(c.name for c in table.c if c.name != "span")
        with pytest.raises(DBAPIError):
            async with database.anonymous() as connection:
                await connection.execute(
                    text(f"insert into {table.name} ({columns}) values ({_nulls(table)})")
                )


async def test_a_key_cannot_point_at_another_tenants_row(database: Database, ours: House) -> None:
    """For every foreign key: a row of theirs that names a row of ours is refused."""
    theirs = await a_tenant(database, "theirs")
    async with theirs.session() as session:
        made = await a_row_of_every_table(session)
    named = {key.referred_table.name for t in WALLED for key in t.foreign_key_constraints}
    async with ours.session() as session:
        targets = {
            name: await session.scalar(text(f"select id from {name} limit 1")) for name in named
        }
    tried = 0
    for table in WALLED:
        for key in table.foreign_key_constraints:
            column = next(c.name for c in key.columns if c.name != "tenant_id")
            target = targets[key.referred_table.name]
            with pytest.raises(DBAPIError, match=r"foreign key|violates"):
                await _point(theirs, table, column, target, made[table.name])
            tried += 1
    assert tried >= 20


async def test_a_posting_cannot_name_another_tenants_entry(database: Database, ours: House) -> None:
    """Its reference is a trigger's, not a key's: our entry does not exist for them."""
    async with ours.session() as session:
        entry = await session.scalar(text("select id from journal_entries"))
    theirs = await a_tenant(database, "theirs")
    with pytest.raises(DBAPIError, match="no journal entry"):
        await _touched(
            theirs,
            "insert into postings (entry_id, account, minor, currency)"
            " values (:entry, 'cash', 1, 'INR'), (:entry, 'cash', -1, 'INR')",
            entry=entry,
        )


async def test_nobody_changes_rows_without_saying_who(database: Database) -> None:
    """A transaction without an actor is refused by the audit trigger."""
    house = await a_tenant(database, "nameless")
    with pytest.raises(DBAPIError, match="nobody is acting"):
        async with database.tenant(house.tenant_id, Actor("")) as session:
            await session.execute(text("update tenants set name = 'x'"))


async def test_what_is_append_only_stays_as_it_was(database: Database, ours: House) -> None:
    """Neither the tenant nor the platform rewrites evidence."""
    assert ours
    for table in APPEND_ONLY:
        for verb in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
            with pytest.raises(DBAPIError, match="permission denied"):
                await _touched(ours, verb)
            with pytest.raises(DBAPIError, match="permission denied"):
                async with database.platform("test") as session:
                    await session.execute(text(verb))


async def test_the_pool_carries_no_tenant_to_its_next_borrower(database: Database) -> None:
    """After commits, errors and rollbacks an anonymous connection knows no tenant."""
    house = await a_tenant(database, "borrower")
    for _ in range(20):
        async with house.session() as session:
            assert await session.scalar(text("select count(*) from tenants")) == 1
        with pytest.raises(DBAPIError):
            await _touched(house, "select 1/0")
        async with database.anonymous() as connection:
            left = await connection.scalar(
                text("select current_setting('app.current_tenant', true)")
            )
            assert left in (None, "")


async def _touched(house: House, statement: str, **given: Any) -> int:
    async with house.session() as session:
        result = await session.execute(text(statement), given)
        return int(getattr(result, "rowcount", 0))


async def _point(
    house: House, table: Table, column: str, target: UUID | None, row: dict[str, Any]
) -> None:
    """Copy one of their rows under a new id, pointing at the target."""
    values = {**row, column: target}
    if column != "id":
        values["id"] = uuid7()
    async with house.session() as session:
        await _insert(session, table, values)


async def _insert(session: AsyncSession, table: Table, values: dict[str, Any]) -> None:
    await session.execute(table.insert().values({k: v for k, v in values.items() if k != "span"}))


def _nulls(table: Table) -> str:
    return ", ".join("null" for c in table.c if c.name != "span")
