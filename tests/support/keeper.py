"""Keeps one server of a test run alive until the run's owner is gone or asks to stop."""

import asyncio
import contextlib
import json
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil

from runtime import migrate
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal
from tests.support.run import BLANK, TEMPLATE

# Nothing of a test run outlives it, so nothing of it need survive a power cut.
_FAST = {
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",
}


@contextlib.asynccontextmanager
async def postgres(folder: Path) -> AsyncGenerator[dict[str, object]]:
    """PostgreSQL with a blank and a migrated database to copy from."""
    server = EmbeddedPostgres(folder, settings=_FAST)
    await server.start()
    try:
        for name in (BLANK, TEMPLATE):
            await server.databases.create(name)
        await migrate.upgrade(server.dsn("inn_owner", TEMPLATE))
        yield {"port": server.port, "passwords": dict(server.databases.passwords)}
    finally:
        await server.stop()
        shutil.rmtree((server.folder / "data").resolve(), ignore_errors=True)


@contextlib.asynccontextmanager
async def temporal(folder: Path) -> AsyncGenerator[dict[str, object]]:
    """Temporal with its UI."""
    server = EmbeddedTemporal(folder)
    await server.start()
    try:
        yield {"address": server.address, "namespace": server.namespace, "ui": server.ui_url}
    finally:
        await server.stop()


async def keep(kind: str, run: Path, owner: int) -> None:
    """Start, tell where, wait for the end of the run, stop."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    master = psutil.Process(owner)
    server = {"postgres": postgres, "temporal": temporal}[kind]
    async with server(run / kind) as told:
        _tell(run / f"{kind}.json", told)
        while not stopped.is_set() and master.is_running():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), 0.25)
    if not master.is_running():
        shutil.rmtree(run, ignore_errors=True)


def _tell(file: Path, told: dict[str, object]) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(told))
    unfinished.rename(file)


if __name__ == "__main__":
    asyncio.run(keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
