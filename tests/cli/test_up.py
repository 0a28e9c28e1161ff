"""`innkeeper up` stands a whole stack, keeps it standing, keeps its data, and leaves nothing."""

import asyncio
import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from tests.support.stack import ROOT, innkeeper, stack_of, with_free_ports


@pytest.fixture
async def state(tmp_path: Path) -> AsyncGenerator[Path]:
    folder = with_free_ports(tmp_path / "stack")
    yield folder
    await innkeeper("down", "--state", str(folder))


def processes_of(state: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.startswith(str(state)) for word in process.info["cmdline"] or [])
    ]


def status(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


async def until_ready(url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if status(url, "/health/ready") == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.2)


async def test_a_detached_stack_answers_survives_kills_and_keeps_its_data(state: Path) -> None:
    code, said = await innkeeper("up", "--detach", "--state", str(state))
    assert code == 0, said
    first = stack_of(state)
    assert (state / "stack.json").stat().st_mode & 0o777 == 0o600
    assert set(first) == {
        *("api", "temporalUi", "temporal", "sandbox", "postgres", "namespace", "demo")
    }
    assert first["demo"]["apiKey"].startswith("sk_test_demo_")
    assert status(first["api"], "/health/ready") == 200
    assert status(first["sandbox"], "/control/inbox") == 200
    assert status(first["temporalUi"], "/") == 200

    named = [" ".join(process.cmdline()) for process in processes_of(state)]
    for part in ("postgres", "temporal", "sandbox", "worker", "api"):
        assert any(part in words.replace(str(state), "") for words in named), part

    await tell(first["postgres"], "CREATE TABLE kept AS SELECT 7 AS value")
    await kill_postgres(state)
    await until_ready(first["api"])
    assert (await innkeeper("up", "--detach", "--state", str(state)))[0] == 0

    assert (await innkeeper("down", "--state", str(state)))[0] == 0
    assert processes_of(state) == []
    code, said = await innkeeper("up", "--detach", "--state", str(state))
    assert code == 0, said
    assert stack_of(state) == first
    assert await tell(first["postgres"], "SELECT value FROM kept") == 7


async def test_a_busy_port_is_said_and_the_next_free_one_taken(state: Path) -> None:
    ports = json.loads((state / "ports.json").read_text())
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", ports["api"]))
        squatter.listen()
        code, said = await innkeeper("up", "--detach", "--no-demo", "--state", str(state))
    assert code == 0, said
    assert f"port {ports['api']} is busy: api takes" in (state / "logs" / "up.log").read_text()
    taken = json.loads((state / "ports.json").read_text())["api"]
    assert taken > ports["api"]
    assert stack_of(state)["api"].endswith(f":{taken}")
    assert stack_of(state)["demo"] is None


async def test_sigterm_stops_everything_and_sigkill_leaves_nothing_behind(state: Path) -> None:
    for number, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "up", "--no-demo", "--state", str(state)),
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            while not (state / "stack.json").exists():
                await asyncio.sleep(0.1)
        running.send_signal(number)
        assert await running.wait() == expected
        async with asyncio.timeout(40):
            while [p for p in processes_of(state) if p.status() != psutil.STATUS_ZOMBIE]:
                await asyncio.sleep(0.1)
        (state / "stack.json").unlink(missing_ok=True)


async def test_a_stack_that_cannot_stand_says_why_and_exits_with_one(state: Path) -> None:
    (state / "postgres").write_text("a file where a folder belongs")
    code, said = await innkeeper("up", "--detach", "--no-demo", "--state", str(state))
    assert code == 1
    assert "the stack did not come up" in said
    assert "postgres" in said


async def test_down_over_nothing_is_no_error(tmp_path: Path) -> None:
    code, said = await innkeeper("down", "--state", str(tmp_path / "nothing"))
    assert (code, "nothing is up" in said) == (0, True)


async def test_a_part_without_settings_names_them(tmp_path: Path) -> None:
    code, said = await innkeeper("migrate", "--state", str(tmp_path))
    assert code == 1
    assert "INNKEEPER_OWNER_DATABASE_URL" in said


async def tell(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def kill_postgres(state: Path) -> None:
    pid_file = (state / "postgres" / "data").resolve() / "postmaster.pid"
    killed = int(pid_file.read_text().splitlines()[0])
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            words = pid_file.read_text().splitlines() if pid_file.exists() else []
            if words and int(words[0]) != killed and "ready" in words[-1]:
                return
            await asyncio.sleep(0.1)
