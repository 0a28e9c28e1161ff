"""The migrations make exactly the tables the models know, and the newest can be taken back."""

from collections.abc import Callable

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from models.database import Database
from runtime.migrate import configuration
from tests.support.books import DUE
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt
from tests.support.house import House


async def _as_owner(urls: DatabaseUrls, act: Callable[[Connection], None]) -> None:
    url = urls.owner.replace("postgresql://", "postgresql+asyncpg://", 1)
    async with create_async_engine(url, poolclass=NullPool).connect() as connection:
        await connection.run_sync(act)


async def test_nothing_is_left_to_migrate(database: Database, database_urls: DatabaseUrls) -> None:
    """Alembic, comparing tables, walls and columns with the models, finds no difference."""
    assert database
    await _as_owner(database_urls, lambda connection: command.check(configuration(connection)))


async def test_the_newest_migration_goes_back_and_forth_over_issued_invoices(
    database: Database, database_urls: DatabaseUrls, house: House
) -> None:
    """With rows in the tables; what was issued before reads the same afterwards."""
    assert database
    debt = await a_debt(house, DUE)
    before = await debt.row()
    await _as_owner(database_urls, lambda one: command.downgrade(configuration(one), "-1"))
    await _as_owner(database_urls, lambda one: command.upgrade(configuration(one), "head"))
    after = await debt.row()
    assert (after.terms, after.balance_minor) == (before.terms, before.balance_minor)
