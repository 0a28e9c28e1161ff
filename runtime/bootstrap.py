"""Prepares what the house stands on: roles, database and extensions; namespace and attributes.

What is there already is left as it is.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
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

OLDEST_POSTGRES: Final = 18
# How long Temporal shows a life that has ended. What happened stands in our rows for good.
RETENTION_DAYS: Final = 30
PATIENCE_SECONDS: Final = 60
_DAY: Final = 86_400
_SCRAM_ROUNDS: Final = 4096
_PASSING: Final = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}


class _Session(Protocol):
    async def execute(self, query: str, *values: object) -> str: ...
    async def fetchval(self, query: str, *values: object) -> object: ...
    async def close(self) -> None: ...


async def prepare_postgres(admin_url: str, urls: Mapping[str, str]) -> None:
    """Make the roles (`urls` by role: each with its password), their database, the extensions.

    `admin_url` is of a superuser, or of a role with CREATEROLE, CREATEDB and BYPASSRLS: PostgreSQL
    lets nobody give away BYPASSRLS, which `inn_platform` needs, who has not got it. Raises Refused
    when it lacks one of them or the URLs do not fit; Unavailable when nobody answers.
    """
    passwords, name = _read(urls)
    async with _session(admin_url, "the administrator") as session:
        await _check_version(session)
        for role, rights in ROLES.items():
            await _make_role(session, role, rights, passwords[role])
        await _make_database(session, name)
    inside = urlsplit(admin_url)._replace(path=f"/{name}").geturl()
    async with _session(inside, "the administrator") as session:
        for extension in EXTENSIONS:
            await session.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for role, url in urls.items():
        await _let_in(admin_url, role, url, passwords[role])


def _read(urls: Mapping[str, str]) -> tuple[dict[str, str], str]:
    parts = {role: urlsplit(url) for role, url in urls.items()}
    names = {part.path.lstrip("/") for part in parts.values()}
    if len(names) != 1 or not all(name.replace("_", "").isalnum() for name in names):
        raise Refused("the three PostgreSQL addresses must name one database, in plain letters")
    if wrong := [role for role, part in parts.items() if part.username != role]:
        raise Refused(f"the PostgreSQL address of {wrong[0]} must log in as {wrong[0]}")
    passwords = {role: unquote(part.password or "") for role, part in parts.items()}
    if odd := [role for role, word in passwords.items() if not word or not word.isascii()]:
        raise Refused(f"the PostgreSQL address of {odd[0]} needs a password of ASCII letters")
    return passwords, names.pop()


async def _check_version(session: _Session) -> None:
    version = int(str(await session.fetchval("SHOW server_version_num"))) // 10_000
    if version < OLDEST_POSTGRES:
        raise Refused(f"PostgreSQL {OLDEST_POSTGRES} or newer is needed, this is {version}")


async def _make_role(session: _Session, role: str, rights: str, password: str) -> None:
    found = await session.fetchval(
        "SELECT concat_ws(' ', CASE WHEN rolcanlogin THEN 'LOGIN' END,"
        " CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,"
        " CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END)"
        " FROM pg_roles WHERE rolname = $1",
        role,
    )
    if found is None:
        await session.execute(f"CREATE ROLE {role} {rights} PASSWORD '{_verifier(password)}'")
    elif found != rights:
        await session.execute(f"ALTER ROLE {role} {rights}")


async def _make_database(session: _Session, name: str) -> None:
    if not await session.fetchval("SELECT pg_has_role('inn_owner', 'SET')"):
        await session.execute("GRANT inn_owner TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
    if not await session.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await session.execute(f'CREATE DATABASE "{name}" OWNER inn_owner')
    await session.execute(
        f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'
        f' GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO inn_app, inn_platform'
    )


async def _let_in(admin_url: str, role: str, url: str, password: str) -> None:
    """See that the part's own address opens; a password that changed is set anew."""
    try:
        async with _session(url, role):
            return
    except Refused:
        async with _session(admin_url, "the administrator") as session:
            await session.execute(f"ALTER ROLE {role} PASSWORD '{_verifier(password)}'")
    async with _session(url, role):
        return


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803), so that no log of statements shows it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(b).decode() for b in (salt, stored, server))
    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{salt64}${stored64}:{server64}"


@asynccontextmanager
async def _session(url: str, who: str) -> AsyncGenerator[_Session]:
    opened: _Session | None = None
    try:
        opened = cast("_Session", await asyncpg.connect(url, timeout=10))  # pyright: ignore[reportUnknownMemberType]
        yield opened
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise Refused(f"PostgreSQL does not let {who} in: {_told(error)}") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused(
            f"{who} may not: {_told(error)}; it needs CREATEROLE, CREATEDB and BYPASSRLS"
        ) from error
    except (asyncpg.InvalidCatalogNameError, asyncpg.InterfaceError, ValueError) as error:
        raise Refused(f"the PostgreSQL address of {who} is wrong: {_told(error)}") from error
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        detail = f"PostgreSQL does not answer at the address of {who}: {_told(error)}"
        raise Unavailable(detail) from error
    finally:
        if opened is not None:
            await opened.close()


def _told(error: Exception) -> str:
    """The server's own line; the addresses we connect with are never part of it."""
    return str(error).partition("\n")[0] or type(error).__name__


async def prepare_temporal(
    address: str, namespace: str, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Register the namespace and our search attributes, and wait until both are known there.

    Raises Refused when Temporal says no, Unavailable when it does not answer or learn in time.
    """
    try:
        async with asyncio.timeout(patience_seconds):
            client = await connect(address, namespace)
            await _register(client, namespace)
            while not await _knows_all(client):  # noqa: ASYNC110 - a server elsewhere sets no event
                await asyncio.sleep(0.5)
    except RPCError as error:
        kind = Unavailable if error.status in _PASSING else Refused
        raise kind(f"Temporal at {address}: {error.message}") from error
    except (RuntimeError, TimeoutError) as error:
        raise Unavailable(
            f"Temporal at {address} does not answer, or has not learned the namespace {namespace}"
            f" within {patience_seconds:g} s"
        ) from error


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
