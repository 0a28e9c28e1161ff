"""A real PostgreSQL 18 of one folder: its own port on loopback, passwords of its own, data kept."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

import asyncpg

from domain.errors import Unavailable
from runtime.embedded.databases import DATABASE, ROLES, Databases, Role
from runtime.embedded.ports import LOOPBACK, any_free_port
from runtime.embedded.privileges import WAYS, Ground, Privileges, find_ground
from runtime.embedded.process import ServerFailed, end_left_over, ended, spawn, stop

# Durability stays on: what was answered survives a power cut here as in production.
SETTINGS: Final[dict[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_writer_delay": "10ms",  # a long transaction's log is mostly on disk before its commit
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # parallel plans need /dev/shm, tiny in containers
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # details of a refusal quote the row: personal data
    "log_min_error_statement": "panic",  # statements too
}
_START_SECONDS = 60
_STOP_SECONDS = 20


class EmbeddedPostgres:
    """One server over one folder. Call `start` and `stop` on the thread that lives longest.

    A second object over the same folder is refused while the first one's process lives; what a
    killed one left behind is taken over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        settings: dict[str, str] | None = None,
        ways: Sequence[Privileges] = WAYS,
    ) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "postgres.log"
        self.port = port or any_free_port()
        self._settings = SETTINGS | (settings or {})
        self._ways = ways
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server, for whoever watches over it."""
        return self._process

    @property
    def databases(self) -> Databases:
        """The databases and roles of the started server."""
        return Databases(self.port, self._passwords)

    def dsn(self, role: Role, database: str = DATABASE) -> str:
        """The address of `database` for `role`, password included: never print it."""
        return self.databases.dsn(role, database)

    async def start(self) -> None:
        """Make the folder if it is new, start the server, wait for it, make roles and database.

        Raises Unavailable with the reason when the server does not come up.
        """
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._lock = _locked(self.folder / "lock")
        try:
            self._passwords = _passwords(self.folder / "passwords.json")
            ground = await asyncio.to_thread(find_ground, self.folder, self._ways)
            await self._make_data(ground)
            await _clear_the_way(ground.data)
            self._process = self._spawn(ground)
            await self._wait_until_it_answers()
            await self.databases.furnish()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Fast shutdown: sessions are cut, everything committed is on disk. Harmless if stopped."""
        if self._process is not None:
            await stop(self._process, signal.SIGINT, signal.SIGQUIT, patience_seconds=_STOP_SECONDS)
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _make_data(self, ground: Ground) -> None:
        if ground.data.exists():
            if ground.data.stat().st_uid != _owner(ground):
                await asyncio.to_thread(_give, ground.data, ground)
            return
        unfinished = ground.data.with_name("data.new")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        _give(unfinished, ground)
        await self._initdb(ground, unfinished)
        unfinished.rename(ground.data)

    async def _initdb(self, ground: Ground, data: Path) -> None:
        password = data.with_name("password.new")
        password.touch(mode=0o600)
        password.write_text(self._passwords["postgres"] + "\n")
        _give(password, ground)
        command = [
            *(str(ground.programs / "initdb"), "--pgdata", str(data), "--username", "postgres"),
            *("--auth", "scram-sha-256", "--pwfile", str(password), "--encoding", "UTF8"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            *("--no-instructions", "--set", f"max_connections={SETTINGS['max_connections']}"),
        ]
        try:
            initdb = spawn(command, self.log, identity=ground.identity, folder=Path("/"))
            await ended(initdb, _START_SECONDS)
            if await stop(initdb) != 0:
                raise ServerFailed("initdb", f"ended with {initdb.returncode}", self.log)
        finally:
            password.unlink()

    def _spawn(self, ground: Ground) -> subprocess.Popen[bytes]:
        settings = self._settings | {"port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return spawn(
            [str(ground.programs / "postgres"), "-D", str(ground.data), *options],
            self.log,
            identity=ground.identity,
            parting_signal=signal.SIGINT,
            folder=Path("/"),
        )

    async def _wait_until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            process = self._process
            if process is None or process.poll() is not None:
                raise ServerFailed("PostgreSQL", "ended while starting", self.log)
            try:
                await self.databases.answer()
            except asyncpg.InvalidPasswordError as problem:
                raise Unavailable(
                    f"{self.folder}: the passwords do not fit the data; restore"
                    " passwords.json, or remove the whole folder to start anew"
                ) from problem
            except (OSError, asyncpg.PostgresError, TimeoutError) as problem:
                if asyncio.get_running_loop().time() > deadline:
                    raise ServerFailed("PostgreSQL", "did not answer", self.log) from problem
                await asyncio.sleep(0.05)
            else:
                return


def _locked(file: Path) -> TextIO:
    lock = file.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        lock.close()
        raise Unavailable(f"{file.parent} is in use by another process") from taken
    return lock


def _passwords(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [role for role in ("postgres", *ROLES) if role not in known]
    if missing:
        known |= {role: secrets.token_urlsafe(24) for role in missing}
        unfinished = file.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(known, indent=2) + "\n")
        unfinished.replace(file)
    return known


def _owner(ground: Ground) -> int:
    return os.geteuid() if ground.identity.user is None else ground.identity.user


def _give(data: Path, ground: Ground) -> None:
    user = _owner(ground)
    group = os.getegid() if ground.identity.group is None else ground.identity.group
    for path in (data, *data.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)


async def _clear_the_way(data: Path) -> None:
    """Wait for, then end, a server that a killed parent left over this data; drop its pid file.

    A pid file whose number now belongs to another program would stop PostgreSQL from starting.
    """
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        await end_left_over(pid, str(data), signal.SIGINT, signal.SIGQUIT)
    pid_file.unlink(missing_ok=True)
