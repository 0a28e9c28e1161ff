"""`innkeeper bootstrap` and `innkeeper secrets`: from bare servers to a house with walls."""

import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from dotenv import dotenv_values
from sqlalchemy import select
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from cli.secrets import PASSWORDS
from domain.errors import InnkeeperError, Refused, Unavailable
from models.resident import Resident
from models.vault import Vault
from runtime.bootstrap import RETENTION_DAYS, prepare_postgres, prepare_temporal
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.temporal import connect, missing_search_attributes
from tests.conftest import TemporalServer
from tests.support.command import Said, command, settings_in
from tests.support.database import DatabaseUrls
from tests.support.house import a_database, a_resident, a_tenant

ROLES = ("inn_owner", "inn_app", "inn_platform")
ADMIN = "house_admin"


@dataclass(frozen=True, slots=True)
class Bare:
    """A PostgreSQL with an administrator who is no superuser, and nothing of ours in it."""

    port: int
    superuser: str

    def url(self, role: str, database: str = "books", password: str | None = None) -> str:
        return (
            f"postgresql://{role}:{password or 'p%40ss-' + role}@127.0.0.1:{self.port}/{database}"
        )

    def urls(self, **passwords: str) -> dict[str, str]:
        return {role: self.url(role, password=passwords.get(role)) for role in ROLES}

    async def ask(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.superuser.rpartition("/")[0] + f"/{database}")
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncGenerator[Bare]:
    server = EmbeddedPostgres(tmp_path / "pg", settings={"shared_buffers": "32MB", "fsync": "off"})
    await server.start()
    found = Bare(server.port, server.dsn("postgres", "postgres"))
    await server.databases.drop("innkeeper")
    for role in ROLES:
        await found.ask(f"DROP ROLE {role}")
    rights = "LOGIN CREATEROLE CREATEDB BYPASSRLS"
    await found.ask(f"CREATE ROLE {ADMIN} {rights} PASSWORD 'p@ss-{ADMIN}'")
    yield found
    await server.stop()


async def everything(bare: Bare, server: TemporalServer, namespace: str) -> list[Any]:
    """What a bootstrap makes, down to the stored passwords."""
    client = await connect(server.address, namespace)
    kept = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=namespace)
    )
    return [
        await bare.ask("SELECT * FROM pg_authid WHERE rolname LIKE 'inn%' ORDER BY oid"),
        await bare.ask("SELECT * FROM pg_auth_members ORDER BY oid"),
        await bare.ask("SELECT oid, datname, datdba, datacl FROM pg_database ORDER BY oid"),
        await bare.ask("SELECT extname, extversion FROM pg_extension ORDER BY 1", "books"),
        kept.config.workflow_execution_retention_ttl.seconds,
        kept.namespace_info.id,
        await missing_search_attributes(client),
    ]


async def test_bare_servers_become_a_house_with_walls_and_the_second_run_changes_nothing(
    bare: Bare, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    namespace = f"b-{uuid4().hex}"
    names = DatabaseUrls("books", *bare.urls().values(), superuser=bare.superuser)
    state = settings_in(
        *(tmp_path, names),
        admin_database_url=bare.url(ADMIN, "postgres"),
        temporal_address=temporal_server.address,
        temporal_namespace=namespace,
    )
    first = await command("bootstrap", "--state", str(state))
    assert first.code == 0, first.err
    assert f"namespace {namespace}" in first.out
    made = await everything(bare, temporal_server, namespace)
    assert made[-3:-1][0] == RETENTION_DAYS * 86_400
    assert made[-1] == []
    assert await command("bootstrap", "--state", str(state)) == first
    assert await everything(bare, temporal_server, namespace) == made
    await the_walls_hold(state, names)


async def the_walls_hold(state: Path, urls: DatabaseUrls) -> None:
    migrated: Said = await command("migrate", "--state", str(state))
    assert migrated.out.startswith("from nothing to "), migrated.err
    async with a_database(urls) as database:
        mine, other = await a_tenant(database), await a_tenant(database)
        await a_resident(mine)

        async def seen(tenant: UUID) -> int:
            async with database.tenant(tenant, mine.actor) as session:
                return len((await session.scalars(select(Resident))).all())

        assert (await seen(mine.tenant_id), await seen(other.tenant_id)) == (1, 0)
    for role, rows in (("app", 0), ("platform", 1)):
        connection = await asyncpg.connect(getattr(urls, role))
        assert await connection.fetchval("SELECT count(*) FROM residents") == rows
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (id int)")
        await connection.close()


async def test_a_changed_password_is_set_anew_and_a_helpless_administrator_is_refused(
    bare: Bare,
) -> None:
    await bare.ask("CREATE ROLE clerk LOGIN CREATEROLE CREATEDB PASSWORD 'p@ss-clerk'")
    with pytest.raises(Refused, match="it needs CREATEROLE, CREATEDB and BYPASSRLS"):
        await prepare_postgres(bare.url("clerk", "postgres"), bare.urls())
    for role in ROLES:
        await bare.ask(f"DROP ROLE IF EXISTS {role}")
    await prepare_postgres(bare.url(ADMIN, "postgres"), bare.urls())
    changed = bare.urls(inn_app="n%C3%A9w")
    with pytest.raises(Refused, match="inn_app needs a password of ASCII letters"):
        await prepare_postgres(bare.url(ADMIN, "postgres"), changed)
    await prepare_postgres(bare.url(ADMIN, "postgres"), bare.urls(inn_app="another-word"))
    connection = await asyncpg.connect(bare.url("inn_app", password="another-word"))
    await connection.close()
    stored = await bare.ask("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'inn%'")
    assert all(str(row[0]).startswith("SCRAM-SHA-256$4096:") for row in stored)


# Nobody listens on the first port.
NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("admin", "urls", "kind", "words"),
    [
        (f"postgresql://root:hunter2@{NOWHERE}/postgres", {}, Unavailable, "does not answer"),
        ("postgresql://root:hunter2@[bad/postgres", {}, Refused, "is wrong"),
        ("", {"inn_app": "postgresql://inn_app:hunter2@h/other"}, Refused, "name one database"),
        ("", {"inn_app": "postgresql://root:hunter2@h/books"}, Refused, "must log in as inn_app"),
        ("", {"inn_owner": "postgresql://inn_owner@h/books"}, Refused, "needs a password"),
    ],
)
async def test_a_wrong_address_is_named_and_its_password_is_not(
    admin: str, urls: dict[str, str], kind: type[InnkeeperError], words: str
) -> None:
    right = {role: f"postgresql://{role}:hunter2@{NOWHERE}/books" for role in ROLES}
    with pytest.raises(kind, match=words) as told:
        await prepare_postgres(admin, right | urls)
    assert "hunter2" not in told.value.detail


async def test_an_administrator_who_is_not_let_in_hears_so(
    blank_database_urls: DatabaseUrls,
) -> None:
    wrong = blank_database_urls.superuser.replace("postgres:", "postgres:not-", 1)
    assert wrong != blank_database_urls.superuser
    urls = {role: f"postgresql://{role}:hunter2@{NOWHERE}/books" for role in ROLES}
    with pytest.raises(Refused, match="does not let the administrator in"):
        await prepare_postgres(wrong, urls)


async def test_a_silent_temporal_is_unavailable_and_a_bad_namespace_refused(
    temporal_server: TemporalServer,
) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await prepare_temporal(NOWHERE, "house", patience_seconds=2)
    with pytest.raises(Refused, match="Temporal at"):
        await prepare_temporal(temporal_server.address, "x" * 2000)


async def test_the_secrets_drawn_fit_the_house_and_differ_each_time(tmp_path: Path) -> None:
    first, second = await command("secrets"), await command("secrets")
    (tmp_path / "env").write_text(first.out)
    drawn = dotenv_values(tmp_path / "env")
    assert set(drawn) == {"INNKEEPER_KEYSET", "INNKEEPER_BLIND_INDEX_KEY", *PASSWORDS}
    assert set(first.out.splitlines()).isdisjoint(second.out.splitlines())
    index_key = base64.b64decode(drawn["INNKEEPER_BLIND_INDEX_KEY"] or "")
    vault = Vault(drawn["INNKEEPER_KEYSET"] or "", index_key)
    tenant = uuid4()
    assert vault.open(tenant, "pan", vault.seal(tenant, "pan", "ABCDE1234F")) == "ABCDE1234F"
    for name in PASSWORDS:  # they stand in addresses unquoted
        assert (drawn[name] or "").replace("-", "").replace("_", "").isalnum()
        assert len(drawn[name] or "") >= 32
