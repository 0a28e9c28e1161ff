"""The roles and databases of one embedded server, as its superuser makes them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast

import asyncpg

from runtime.embedded.ports import LOOPBACK

Role = Literal["postgres", "inn_owner", "inn_app", "inn_platform"]
DATABASE: Final = "innkeeper"
ROLES: Final[dict[Role, str]] = {
    "inn_owner": "LOGIN NOCREATEROLE NOBYPASSRLS",
    "inn_app": "LOGIN NOCREATEROLE NOBYPASSRLS",
    "inn_platform": "LOGIN NOCREATEROLE BYPASSRLS",
}
EXTENSIONS: Final = ("btree_gist", "citext")


@dataclass(frozen=True, slots=True)
class Databases:
    """A server's port and passwords, and what can be done with them."""

    port: int
    passwords: Mapping[str, str]

    def dsn(self, role: Role, database: str = DATABASE) -> str:
        """The address of `database` for `role`, password included: never print it."""
        return f"postgresql://{role}:{self.passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    async def answer(self) -> None:
        """Connect once as superuser; raises what asyncpg raises when the server does not answer."""
        async with _session(self.dsn("postgres", "postgres")):
            return

    async def furnish(self) -> None:
        """Make the three roles, with their present passwords, and the database; harmless twice."""
        async with _session(self.dsn("postgres", "postgres")) as session:
            for role, rights in ROLES.items():
                if not await session.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await session.execute(f"CREATE ROLE {role}")
                password = self.passwords[role]  # drawn from letters, digits, - and _
                await session.execute(f"ALTER ROLE {role} {rights} PASSWORD '{password}'")
        await self.create(DATABASE)

    async def create(self, name: str, *, template: str | None = None) -> None:
        """Make a database owned by `inn_owner`, with the extensions, unless it is there.

        Given a `template` it becomes a copy of that database, which nobody may be using.
        """
        async with _session(self.dsn("postgres", "postgres")) as session:
            if not await session.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                source = "" if template is None else f' TEMPLATE "{template}" STRATEGY FILE_COPY'
                await session.execute(f'CREATE DATABASE "{name}" OWNER inn_owner{source}')
                await session.execute(
                    f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'
                    f' GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO inn_app, inn_platform'
                )
        if template is None:
            async with _session(self.dsn("postgres", name)) as session:
                for extension in EXTENSIONS:
                    await session.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")

    async def drop(self, name: str) -> None:
        """Remove a database, cutting the sessions in it; harmless if it is not there."""
        async with _session(self.dsn("postgres", "postgres")) as session:
            await session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class _Session(Protocol):
    async def execute(self, query: str, *values: object) -> str: ...
    async def fetchval(self, query: str, *values: object) -> object: ...


@asynccontextmanager
async def _session(dsn: str) -> AsyncGenerator[_Session]:
    connection = await asyncpg.connect(dsn, timeout=5)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    try:
        yield cast("_Session", connection)
    finally:
        await connection.close()  # pyright: ignore[reportUnknownMemberType]
