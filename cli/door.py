"""The database as a command opens it: the app's role and the platform's, a few connections."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from models.database import Database
from runtime.settings import DatabaseSettings


@asynccontextmanager
async def opened(settings: DatabaseSettings) -> AsyncGenerator[Database]:
    """The door to the database that the settings name, closed when the block ends."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.platform_database_url.get_secret_value(),
        pool_size=2,
    )
    try:
        yield database
    finally:
        await database.close()
