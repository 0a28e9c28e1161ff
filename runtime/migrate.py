"""Brings a database to the newest migration, over alembic, as the owner of the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import migrations


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration over our migrations, bound to a connection if one is given."""
    config = Config()
    assert migrations.__file__ is not None
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def newest() -> str | None:
    """The newest migration the code knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


async def upgrade(owner_dsn: str, revision: str = "head") -> None:
    """Run what is missing up to `revision`; harmless when nothing is."""

    def run(connection: Connection) -> None:
        command.upgrade(configuration(connection), revision)

    async with _engine(owner_dsn).connect() as connection:
        await connection.run_sync(run)


async def applied(owner_dsn: str) -> str | None:
    """The migration the database is at, None for an empty one."""

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with _engine(owner_dsn).connect() as connection:
        return await connection.run_sync(read)


def _engine(owner_dsn: str) -> AsyncEngine:
    url = owner_dsn.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(url, poolclass=NullPool)
