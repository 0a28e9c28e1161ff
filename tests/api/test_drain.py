"""Told to stop, the API answers what it was asked, says it is not ready, and is gone in time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import pytest

from models.resident import Resident
from runtime.embedded.ports import any_free_port
from tests.conftest import TemporalServer
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_resident
from tests.support.part import Part, a_part, whole_settings

QUICKLY = 15  # seconds: far from the 25 it may take, whatever else the machine does
WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


@dataclass(frozen=True, slots=True)
class Desk:
    """A program of the tenant before an API that is a process of its own."""

    part: Part
    client: httpx2.AsyncClient
    resident: Resident

    async def rename(self) -> httpx2.Response:
        """A request that waits for the resident's row."""
        path = f"/api/v1/residents/{self.resident.id}"
        body = {"firstName": "Meera", "lastName": "Rao", "phone": self.resident.phone}
        return await self.client.put(path, json=body)

    async def ready(self) -> tuple[int, str]:
        """What an orchestrator is told."""
        answer = await self.client.get("/health/ready")
        return answer.status_code, answer.json()["status"]


@asynccontextmanager
async def a_desk(state: Path, house: House) -> AsyncGenerator[Desk]:
    resident = await a_resident(house)
    port = any_free_port()
    with (state / "settings.env").open("a") as settings:
        settings.write(f"INNKEEPER_API_PORT='{port}'\n")
    headers = {"Authorization": f"Bearer {house.api_key}"}
    async with (
        a_part(state, "api") as part,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False
        ) as client,
    ):
        desk = Desk(part, client, resident)
        async with asyncio.timeout(40):
            while not await _answers(desk):
                await asyncio.sleep(0.1)
        yield desk


async def _answers(desk: Desk) -> bool:
    try:
        return await desk.ready() == (200, "ok")
    except httpx2.TransportError:
        assert desk.part.process.returncode is None, desk.part.log.read_text()[-2_000:]
        return False


@asynccontextmanager
async def held_up(urls: DatabaseUrls, desk: Desk) -> AsyncGenerator[asyncio.Task[httpx2.Response]]:
    """Somebody holds the resident's row, and a request has come that waits for it."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        async with connection.transaction():
            held = "select 1 from residents where id = $1 for update"
            await connection.execute(held, desk.resident.id)
            asked = asyncio.create_task(desk.rename())
            async with asyncio.timeout(30):
                while not await connection.fetchval(WAITING):
                    assert not asked.done(), await asked
                    await asyncio.sleep(0.02)
            yield asked
    finally:
        await connection.close()


@pytest.fixture
def state(tmp_path: Path, database_urls: DatabaseUrls, temporal_server: TemporalServer) -> Path:
    return whole_settings(
        tmp_path,
        database_urls,
        temporal_address=temporal_server.address,
        temporal_namespace=temporal_server.namespace,
    )


async def test_a_request_under_way_is_answered_and_readiness_says_no_meanwhile(
    state: Path, house: House, database_urls: DatabaseUrls
) -> None:
    async with a_desk(state, house) as desk:
        async with held_up(database_urls, desk) as asked:
            desk.part.tell()
            await desk.part.says("told to stop")
            assert await desk.ready() == (503, "leaving")
            assert (await desk.client.get("/health/live")).status_code == 200
        answer = await asked
        assert (answer.status_code, answer.json()["firstName"]) == (200, "Meera")
        code, seconds = await desk.part.ended()
    assert code == 0, desk.part.log.read_text()[-2_000:]
    assert seconds < QUICKLY


async def test_an_idle_api_lingers_as_long_as_it_was_told_and_is_not_ready_then(
    state: Path, house: House
) -> None:
    with (state / "settings.env").open("a") as settings:
        settings.write("INNKEEPER_LINGER_SECONDS='2'\n")
    async with a_desk(state, house) as desk:
        desk.part.tell()
        await desk.part.says("told to stop")
        assert await desk.ready() == (503, "leaving")
        code, seconds = await desk.part.ended()
    assert code == 0, desk.part.log.read_text()[-2_000:]
    assert 1 < seconds < QUICKLY


async def test_a_request_that_never_ends_is_cut_off_and_changes_nothing(
    state: Path, house: House, database_urls: DatabaseUrls
) -> None:
    with (state / "settings.env").open("a") as settings:
        settings.write("INNKEEPER_DRAIN_SECONDS='1'\n")
    async with a_desk(state, house) as desk, held_up(database_urls, desk) as asked:
        desk.part.tell()
        code, seconds = await desk.part.ended()
        answer = await asked
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (code, seconds < QUICKLY) == (0, True), desk.part.log.read_text()[-2_000:]
    async with house.session() as session:
        resident = await session.get(Resident, (house.tenant_id, desk.resident.id))
        assert resident is not None
        assert resident.first_name == "Asha"


async def test_told_twice_it_ends_at_once(
    state: Path, house: House, database_urls: DatabaseUrls
) -> None:
    async with a_desk(state, house) as desk, held_up(database_urls, desk) as asked:
        desk.part.tell()
        await desk.part.says("told to stop")
        desk.part.tell()
        code, seconds = await desk.part.ended()
        with pytest.raises(httpx2.TransportError):
            pytest.fail(f"answered with {(await asked).status_code}")
    assert (code, seconds < QUICKLY) == (1, True)
