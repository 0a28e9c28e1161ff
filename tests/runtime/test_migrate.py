"""The migrations make exactly the tables that the models describe, and take them away again."""

from collections.abc import Callable

import asyncpg
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from runtime.migrate import applied, configuration, newest, upgrade
from tests.support.books import DUE
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt
from tests.support.house import House


async def test_the_newest_migration_leaves_nothing_to_migrate(database_urls: DatabaseUrls) -> None:
    """Tables, constraints, indexes and walls are compared; a difference would be told."""
    assert await applied(database_urls.owner) == newest()
    await _run(database_urls, lambda connection: command.check(configuration(connection)))


async def test_migrations_go_back_and_come_again_over_issued_invoices(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Every migration after the evidence, taken back in turn; what was issued reads the same."""
    debt = await a_debt(house, DUE)
    before = await debt.row()
    await _run(database_urls, lambda held: command.downgrade(configuration(held), "0002"))
    owner = await asyncpg.connect(database_urls.owner)
    try:
        assert await owner.fetchval("select to_regclass('statement_lines')") is None
    finally:
        await owner.close()
    await upgrade(database_urls.owner)
    assert await applied(database_urls.owner) == newest()
    after = await debt.row()
    assert (after.terms, after.balance_minor) == (before.terms, before.balance_minor)


async def _run(urls: DatabaseUrls, act: Callable[[Connection], None]) -> None:
    url = urls.owner.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(act)
