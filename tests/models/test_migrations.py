"""The migrations make exactly the tables the models describe, and each can be taken back."""

from collections.abc import Callable

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from runtime.migrate import configuration, newest
from tests.support.database import DatabaseUrls


async def test_the_models_ask_for_nothing_the_migrations_do_not_make(
    database_urls: DatabaseUrls,
) -> None:
    await _as_owner(database_urls, lambda connection: command.check(configuration(connection)))


async def test_the_newest_migration_can_be_taken_back_and_made_again(
    database_urls: DatabaseUrls,
) -> None:
    await _as_owner(database_urls, lambda c: command.downgrade(configuration(c), "-1"))
    await _as_owner(database_urls, lambda c: command.upgrade(configuration(c), str(newest())))
    await _as_owner(database_urls, lambda connection: command.check(configuration(connection)))


async def _as_owner(urls: DatabaseUrls, act: Callable[[Connection], None]) -> None:
    address = urls.owner.replace("postgresql://", "postgresql+asyncpg://", 1)
    async with create_async_engine(address, poolclass=NullPool).connect() as connection:
        await connection.run_sync(act)
