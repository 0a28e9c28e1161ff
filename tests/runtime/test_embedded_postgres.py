"""PostgreSQL of a folder: also as root, also in a closed folder, also after the worst ends."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import psutil
import pytest

from domain.errors import Unavailable
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.privileges import AsMappedRoot, AsMyself, AsNobody, Privileges

SMALL = {"shared_buffers": "32MB"}
ROOT = os.geteuid() == 0
PARENT = """
import asyncio, sys
from pathlib import Path
from runtime.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "32MB"})
async def live():
    await server.start()
    print(server.process.pid, server.port, flush=True)
    await asyncio.sleep(60)
asyncio.run(live())
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[EmbeddedPostgres]:
    found = EmbeddedPostgres(tmp_path / "postgres", settings=SMALL)
    yield found
    await found.stop()


async def write(server: EmbeddedPostgres, value: int) -> None:
    connection = await asyncpg.connect(server.dsn("inn_owner"))
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
    await connection.execute("INSERT INTO kept VALUES ($1)", value)
    await connection.close()


async def read(server: EmbeddedPostgres) -> list[int]:
    connection = await asyncpg.connect(server.dsn("inn_owner"))
    rows = await connection.fetch("SELECT value FROM kept ORDER BY value")
    await connection.close()
    return [row["value"] for row in rows]


async def test_data_survives_stop_start_and_sigkill(server: EmbeddedPostgres) -> None:
    await server.start()
    await write(server, 1)
    await server.stop()
    await server.start()
    await write(server, 2)
    assert server.process is not None
    server.process.kill()
    await server.stop()
    await server.start()
    assert await read(server) == [1, 2]


async def test_it_is_postgresql_18_with_the_roles_the_extensions_and_durability(
    server: EmbeddedPostgres,
) -> None:
    await server.start()
    connection = await asyncpg.connect(server.dsn("inn_app"))
    assert connection.get_server_version().major == 18
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await connection.fetchval("SELECT current_setting($1)", setting) == "on"
    assert await connection.fetchval("SELECT current_setting('password_encryption')") == (
        "scram-sha-256"
    )
    extensions = {row[0] for row in await connection.fetch("SELECT extname FROM pg_extension")}
    owner = await connection.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'innkeeper'"
    )
    rights = {
        row["rolname"]: (row["rolcreaterole"], row["rolbypassrls"], row["rolsuper"])
        for row in await connection.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'inn\\_%'")
    }
    await connection.close()
    assert {"btree_gist", "citext"} <= extensions
    assert owner == "inn_owner"
    assert rights == {
        "inn_owner": (False, False, False),
        "inn_app": (False, False, False),
        "inn_platform": (False, True, False),
    }


async def test_a_wrong_password_does_not_get_in(server: EmbeddedPostgres) -> None:
    await server.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://inn_app:guess@127.0.0.1:{server.port}/innkeeper")
    assert (server.folder / "passwords.json").stat().st_mode & 0o777 == 0o600


async def test_a_stale_pid_file_of_another_program_does_not_hinder_the_start(
    server: EmbeddedPostgres,
) -> None:
    await server.start()
    await server.stop()
    pid_file = server.folder / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{server.folder}/data\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
    await server.start()
    assert psutil.pid_exists(os.getppid())


async def test_a_second_server_over_the_same_folder_is_refused(server: EmbeddedPostgres) -> None:
    await server.start()
    second = EmbeddedPostgres(server.folder, settings=SMALL)
    with pytest.raises(Unavailable, match="in use"):
        await second.start()
    assert await asyncpg_answers(server)


async def test_a_lost_password_file_is_explained(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    (server.folder / "passwords.json").unlink()
    with pytest.raises(Unavailable, match="passwords do not fit"):
        await server.start()


async def test_it_ends_when_its_parent_is_killed_and_starts_again_over_what_is_left(
    server: EmbeddedPostgres,
) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(server.folder), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int((await parent.stdout.readline()).split()[0]))
    parent.kill()
    await parent.wait()
    await server.start()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert await asyncpg_answers(server)


WAYS: list[Privileges] = [AsMappedRoot(), AsNobody()] if ROOT else [AsMyself()]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
@pytest.mark.parametrize("closed", [False, True], ids=["open parents", "closed parents"])
async def test_every_way_of_not_being_root_keeps_its_data(
    way: Privileges, tmp_path: Path, closed: bool
) -> None:
    house = tmp_path / "house"
    house.mkdir(mode=0o700 if closed else 0o755)
    server = EmbeddedPostgres(house / "postgres", settings=SMALL, ways=[way])
    try:
        await open_way(server)
        await write(server, 1)
        await server.stop()
        await server.start()
        await write(server, 2)
        assert await read(server) == [1, 2]
        assert server.process is not None
        assert await effective_user(server) != 0
    finally:
        await server.stop()
        data = (server.folder / "data").resolve()
        if tmp_path not in data.parents:
            shutil.rmtree(data.parent)


async def open_way(server: EmbeddedPostgres) -> None:
    try:
        await server.start()
    except Unavailable as problem:
        if "no other user" not in problem.detail:
            raise
        pytest.skip("this way is closed on this machine")


async def effective_user(server: EmbeddedPostgres) -> int:
    """The user PostgreSQL believes to be, as its own function for files tells."""
    connection = await asyncpg.connect(server.dsn("postgres", "postgres"))
    told = await connection.fetchval("SELECT pg_read_file('/proc/self/status')")
    await connection.close()
    words = next(line for line in told.splitlines() if line.startswith("Uid:")).split()
    return int(words[2])


async def asyncpg_answers(server: EmbeddedPostgres) -> bool:
    connection = await asyncpg.connect(server.dsn("inn_app"))
    answer = await connection.fetchval("SELECT 1")
    await connection.close()
    return answer == 1
