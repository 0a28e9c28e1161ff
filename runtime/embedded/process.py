"""Starts and stops child servers: their words go to a file, and they end when their parent does."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from domain.errors import Unavailable

_TAIL_LINES = 15


class ServerFailed(Unavailable):
    """A server ended by itself or did not answer in time; the last lines of its log say why."""

    code = "SERVER_FAILED"

    def __init__(self, name: str, problem: str, log: Path) -> None:
        super().__init__(f"{name} {problem}; the end of {log}:\n{tail(log)}")


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom a child runs: a prefix of its command line, or another user of the system."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


MYSELF = Identity()


def tail(log: Path) -> str:
    """The last lines of a log."""
    if not log.exists():
        return "(nothing was logged)"
    lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "(nothing was logged)"


@cache
def _dies_with_parent(signal_name: str) -> tuple[str, ...]:
    """The prefix that lets the kernel signal a child whose parent was killed; empty if unknown."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", signal_name)
    known = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if known.returncode == 0 else ()


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    identity: Identity = MYSELF,
    parting_signal: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; call it on a thread that lives as long as the child.

    The kernel sends `parting_signal` when the starting thread is gone, where the system can do so.
    """
    farewell = _dies_with_parent(parting_signal.name.removeprefix("SIG"))
    with log.open("ab") as output:
        return subprocess.Popen(
            [*identity.prefix, *farewell, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env=None if environment is None else dict(environment),
            user=identity.user,
            group=identity.group,
            extra_groups=None if identity.user is None else [],
        )


async def ended(process: subprocess.Popen[bytes], within_seconds: float) -> bool:
    """Whether the process ends within the time."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def stop(
    process: subprocess.Popen[bytes], *signals: signal.Signals, patience_seconds: float = 30
) -> int:
    """Send each signal in turn, waiting after each, and SIGKILL last; answers the exit code."""
    for number in (*signals, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        if await ended(process, patience_seconds):
            break
    return process.wait()


async def end_left_over(
    pid: int, mark: str, *signals: signal.Signals, patience_seconds: float = 20
) -> None:
    """End the process `pid` if `mark` is in its command line: a killed parent left it behind.

    Any other process of that number is left alone.
    """
    try:
        process = psutil.Process(pid)
        if not any(mark in word for word in process.cmdline()):
            return
        for number in (*signals, signal.SIGKILL):
            process.send_signal(number)
            if await _gone(process, patience_seconds):
                return
    except psutil.NoSuchProcess:
        return


async def _gone(process: psutil.Process, within_seconds: float) -> bool:
    deadline = asyncio.get_running_loop().time() + within_seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True
