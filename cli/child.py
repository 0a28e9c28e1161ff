"""One part of the stack as a child process that names itself and its state folder."""

import asyncio
import http.client
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from runtime.embedded.process import ServerFailed, spawn, stop

_START_SECONDS = 60


class Child:
    """`innkeeper <part> --state DIR`, ready once its health address answers."""

    def __init__(
        self,
        part: str,
        state: Path,
        log: Path,
        *,
        environment: Mapping[str, str],
        health: str | None = None,
        patience_seconds: float = 5,
    ) -> None:
        self.part = part
        self.log = log
        self._command = [sys.executable, "-P", "-m", "cli.main", part, "--state", str(state)]
        self._environment = environment
        self._health = health
        self._patience_seconds = patience_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running process, for whoever watches over it."""
        return self._process

    async def start(self) -> None:
        """Start it and wait until it is ready; ServerFailed with its last words if it never is."""
        self._process = spawn(self._command, self.log, environment=self._environment)
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while self._health is not None and not await answers(self._health):
            self.check()
            if asyncio.get_running_loop().time() > deadline:
                raise ServerFailed(f"the {self.part}", "did not answer", self.log)
            await asyncio.sleep(0.1)

    def check(self) -> None:
        """Raise ServerFailed with its last words if it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise ServerFailed(f"the {self.part}", "ended while starting", self.log)

    async def stop(self) -> None:
        """Ask it to end, wait, insist. Harmless if it is stopped."""
        if self._process is not None:
            await stop(self._process, signal.SIGTERM, patience_seconds=self._patience_seconds)
            self._process = None


async def answers(url: str) -> bool:
    """Whether a GET is answered with 200 within two seconds."""
    return await asyncio.to_thread(_answers, url)


def _answers(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=2)
    try:
        connection.request("GET", address.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
