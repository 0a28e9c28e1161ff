"""All that stands written in a database, to search it for what must not."""

import asyncpg

from models.registry import TABLES
from tests.support.database import DatabaseUrls


async def everything(urls: DatabaseUrls) -> list[str]:
    """Every row of every table as text, bytes as their letters."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        return [
            str(dict(row))
            for table in TABLES.sorted_tables
            for row in await connection.fetch(f"select * from {table.name}")  # noqa: S608
        ]
    finally:
        await connection.close()
