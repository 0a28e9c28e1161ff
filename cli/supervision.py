"""Keeps the parts of a stack running: a part that ended is started again, ever more patiently."""

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.errors import Unavailable

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_SETTLED_SECONDS = 60.0


class Server(Protocol):
    """What can be started, watched and stopped. Stopping twice is harmless."""

    log: Path

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running process, None before the start."""
        ...

    async def start(self) -> None:
        """Start it; Unavailable with the reason when it does not come up."""
        ...

    async def stop(self) -> None:
        """Stop it in order."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A server and the name people call it by."""

    name: str
    server: Server


async def keep_running(parts: list[Part], say: Callable[[str], None]) -> None:
    """Watch every part until cancelled."""
    async with asyncio.TaskGroup() as watch:
        for part in parts:
            watch.create_task(_keep(part, say))


async def _keep(part: Part, say: Callable[[str], None]) -> None:
    clock = asyncio.get_running_loop().time
    pause = _FIRST_PAUSE_SECONDS
    while True:
        started = clock()
        code = await _end_of(part.server)
        if clock() - started > _SETTLED_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        say(f"{part.name} ended with {code} (see {part.server.log}); once more in {pause:g} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        await _start_again(part, say)


async def _start_again(part: Part, say: Callable[[str], None]) -> None:
    await part.server.stop()
    try:
        await part.server.start()
    except Unavailable as problem:
        say(problem.detail)
    else:
        say(f"{part.name} was started again")


async def _end_of(server: Server) -> int | None:
    while (process := server.process) is not None:
        code = process.poll()
        if code is not None:
            return code
        await asyncio.sleep(0.2)
    return None
