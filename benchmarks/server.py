"""A PostgreSQL of the benchmarks' own, durable as in production, gone afterwards."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import asyncpg

from models.bulk import Driver
from runtime import migrate
from runtime.embedded.postgres import EmbeddedPostgres

# Statements are counted only where a database asks for it: counting costs time.
_COUNTING = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "none",
}


class Connection(Driver, Protocol):
    """What is used of a connection without a session."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Commits at the end of the block."""
        ...


@asynccontextmanager
async def a_server() -> AsyncGenerator[EmbeddedPostgres]:
    """The server, without any house yet."""
    with tempfile.TemporaryDirectory(prefix="innkeeper-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # noqa: ASYNC240 (before anything runs)
        server = EmbeddedPostgres(folder / "postgres", settings=_COUNTING)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


async def a_house(server: EmbeddedPostgres, name: str) -> None:
    """A database of that name with every table of the house."""
    await server.databases.create(name)
    await migrate.upgrade(server.dsn("inn_owner", name))


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Connection]:
    """A connection of that role."""
    connection = await asyncpg.connect(dsn)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    try:
        yield cast("Connection", connection)
    finally:
        await connection.close()  # pyright: ignore[reportUnknownMemberType]


async def analyse(owner_dsn: str) -> None:
    """What autovacuum does within a minute: without it every plan guesses."""
    async with connected(owner_dsn) as connection:
        await connection.execute("analyze")
