"""The servers of one test run: started when first wanted, shared by its processes, ended with it.

The first process that wants a server starts its keeper (`python -m tests.support.keeper`), which
ends the server when the run is over, also when the run was killed.
"""

import fcntl
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

Kind = Literal["postgres", "temporal"]
TEMPLATE = "innkeeper_template"
BLANK = "innkeeper_blank"
_ROOT = Path(__file__).parents[2]
_START_SECONDS = 90
_STOP_SECONDS = 30
_started: list[subprocess.Popen[bytes]] = []  # a keeper outlives whoever started it


@dataclass(frozen=True, slots=True)
class Run:
    """One test run: its folder and the process whose end ends it."""

    folder: Path
    owner: int

    def server(self, kind: Kind) -> dict[str, Any]:
        """What the keeper says of the server, started now unless another process did."""
        answer = self.folder / f"{kind}.json"
        with (self.folder / f"{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not answer.exists():
                keeper = self._start(kind)
                self._wait_for(answer, keeper)
        told: dict[str, Any] = json.loads(answer.read_text())
        return told

    def stop(self) -> None:
        """End every keeper and wait until its server is gone."""
        keepers = [_process(int(file.read_text())) for file in self.folder.glob("*.pid")]
        alive = [keeper for keeper in keepers if keeper is not None]
        for keeper in alive:
            keeper.send_signal(signal.SIGTERM)
        psutil.wait_procs(alive, timeout=_STOP_SECONDS)

    def _start(self, kind: Kind) -> subprocess.Popen[bytes]:
        with (self.folder / f"{kind}.keeper.log").open("wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.support.keeper", kind, self.folder, str(self.owner)],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _started.append(keeper)
        (self.folder / f"{kind}.pid").write_text(str(keeper.pid))
        return keeper

    def _wait_for(self, answer: Path, keeper: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answer.exists():
            if keeper.poll() is not None or time.monotonic() > deadline:
                log = answer.with_suffix(".keeper.log").read_text(errors="replace")
                raise RuntimeError(f"{answer.stem} did not start:\n{log}")
            time.sleep(0.02)


def _process(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if "tests.support.keeper" in process.cmdline() else None
