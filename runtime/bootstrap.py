"""Prepares what the house stands on: roles, database and extensions; namespace and attributes.

Harmless when it is all there: passwords are set to those of the settings, nothing else changes.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol, cast
from urllib.parse import unquote, urlsplit

import asyncpg
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Refused, Unavailable
from runtime.embedded.databases import EXTENSIONS, ROLES
from runtime.temporal import connect, missing_search_attributes, register_search_attributes

# How long Temporal shows a life that has ended. What happened stands in our rows for good.
RETENTION_DAYS: Final = 30
PATIENCE_SECONDS: Final = 60
_DAY: Final = 86_400


class _Session(Protocol):
    async def execute(self, query: str, *values: object) -> str: ...
    async def fetchval(self, query: str, *values: object) -> object: ...
    async def close(self) -> None: ...


async def prepare_postgres(admin_url: str, urls: Mapping[str, str]) -> None:
    """Make the roles (`urls` by role: each with its password), their database, the extensions.

    `admin_url` is of a role that may create roles and databases: a superuser, or a managed
    server's own. Raises Refused when the URLs do not name one database and the right roles.
    """
    passwords, name = _read(urls)
    session = await _session(admin_url)
    try:
        for role, rights in ROLES.items():
            await _make_role(session, role, rights, passwords[role])
        if not await session.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await session.execute(f'CREATE DATABASE "{name}" OWNER inn_owner')
        await session.execute(
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'
            f' GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO inn_app, inn_platform'
        )
    finally:
        await session.close()
    inside = await _session(urlsplit(admin_url)._replace(path=f"/{name}").geturl())
    try:
        for extension in EXTENSIONS:
            await inside.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    finally:
        await inside.close()


def _read(urls: Mapping[str, str]) -> tuple[dict[str, str], str]:
    parts = {role: urlsplit(url) for role, url in urls.items()}
    names = {part.path.lstrip("/") for part in parts.values()}
    if len(names) != 1 or not all(name.replace("_", "").isalnum() for name in names):
        raise Refused("the three PostgreSQL addresses must name one database, in plain letters")
    if wrong := [role for role, part in parts.items() if part.username != role]:
        raise Refused(f"the PostgreSQL address of {wrong[0]} must log in as {wrong[0]}")
    return {role: unquote(part.password or "") for role, part in parts.items()}, names.pop()


async def _make_role(session: _Session, role: str, rights: str, password: str) -> None:
    if not await session.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await session.execute(f"CREATE ROLE {role} {rights}")
    quoted = await session.fetchval("SELECT quote_literal($1)", password)
    await session.execute(f"ALTER ROLE {role} {rights} PASSWORD {quoted}")


async def _session(url: str) -> _Session:
    try:
        opened = await asyncpg.connect(url, timeout=10)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except (OSError, asyncpg.PostgresConnectionError, TimeoutError) as error:
        raise Unavailable("PostgreSQL does not answer at the administrator's address") from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise Refused("PostgreSQL does not let the administrator in") from error
    return cast("_Session", opened)


async def prepare_temporal(address: str, namespace: str) -> None:
    """Register the namespace and our search attributes, and wait until both are known there."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            client = await connect(address, namespace)
            await _register(client, namespace)
            while not await _knows_all(client):
                await asyncio.sleep(0.5)
    except (RuntimeError, TimeoutError, RPCError) as error:
        raise Unavailable(f"Temporal does not answer at {address}") from error


async def _register(client: Client, namespace: str) -> None:
    kept = Duration(seconds=RETENTION_DAYS * _DAY)
    asked = RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=kept)
    try:
        await client.workflow_service.register_namespace(asked)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


async def _knows_all(client: Client) -> bool:
    """A new namespace is known everywhere only after seconds."""
    try:
        missing = await missing_search_attributes(client)
        if missing:
            await register_search_attributes(client, missing)
    except RPCError as error:
        if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNAVAILABLE}:
            raise
        return False
    return not missing
