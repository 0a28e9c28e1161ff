"""The servers that tests stand on are real and give each test its own ground."""

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.conftest import TemporalServer
from tests.support.database import DatabaseUrls


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_migrated_database_of_its_own(
    database_urls: DatabaseUrls, turn: int
) -> None:
    connection = await asyncpg.connect(database_urls.owner)
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        await connection.execute("CREATE TABLE mine ()")  # the second turn would find it
    finally:
        await connection.close()
    assert tables > 0


async def test_the_three_roles_reach_the_database(database_urls: DatabaseUrls) -> None:
    seen: dict[str, bool] = {}
    for url in (database_urls.owner, database_urls.app, database_urls.platform):
        connection = await asyncpg.connect(url)
        row = await connection.fetchrow(
            "SELECT rolname, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert row is not None
        seen[row["rolname"]] = row["rolbypassrls"]
        await connection.close()
    assert seen == {"inn_owner": False, "inn_app": False, "inn_platform": True}


async def test_the_temporal_server_answers(temporal_server: TemporalServer) -> None:
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    assert await client.service_client.check_health()


async def test_skipped_time_moves_when_asked(env: WorkflowEnvironment) -> None:
    before = await env.get_current_time()
    await env.sleep(86_400)
    after = await env.get_current_time()
    assert (after - before).days == 1
