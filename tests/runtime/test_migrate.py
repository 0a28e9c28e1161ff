"""The migrations make exactly the tables that the models describe, and take them away again."""

from collections.abc import Callable

import asyncpg
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from runtime.migrate import applied, configuration, newest, upgrade
from tests.support.database import DatabaseUrls


async def test_the_newest_migration_leaves_nothing_to_migrate(database_urls: DatabaseUrls) -> None:
    """Tables, constraints, indexes and walls are compared; a difference would be told."""
    assert await applied(database_urls.owner) == newest()
    await _run(database_urls, lambda connection: command.check(configuration(connection)))


async def test_a_migration_goes_back_and_comes_again(database_urls: DatabaseUrls) -> None:
    """Every migration after the evidence, taken back in turn; the rest stands."""
    await _run(database_urls, lambda held: command.downgrade(configuration(held), "0002"))
    owner = await asyncpg.connect(database_urls.owner)
    try:
        assert await owner.fetchval("select to_regclass('statement_lines')") is None
    finally:
        await owner.close()
    await upgrade(database_urls.owner)
    assert await applied(database_urls.owner) == newest()


async def _run(urls: DatabaseUrls, act: Callable[[Connection], None]) -> None:
    url = urls.owner.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(act)
