"""How a process ends: told to stop it begins nothing new, finishes what runs, and is gone in time.

Cutting it short is safe, only ruder: what was leased or begun comes back by itself elsewhere.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, NoReturn

import structlog

log = structlog.get_logger()

DRAIN: Final = timedelta(seconds=25)
# After the patience: for connections to be closed and answers to be handed in.
CLOSING_SECONDS: Final = 3.0
FORCED: Final = 1


class Drain:
    """The first SIGTERM or SIGINT asks, the second ends at once, and so does the end of time."""

    def __init__(self, seconds: float) -> None:
        self.asked = asyncio.Event()
        self._seconds = seconds
        self._limits: list[asyncio.Timeout] = []

    def listen(self) -> None:
        """Hear both signals on the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told)

    def ask(self) -> None:
        """As the first signal does; once asked, nothing more."""
        if not self.asked.is_set():
            self._told()

    async def finish(self, name: str, work: Awaitable[None]) -> None:
        """Do the work to its own end; once asked, it has the patience for that and is cut off."""
        limit = asyncio.timeout(self._seconds if self.asked.is_set() else None)
        try:
            async with limit:
                self._limits.append(limit)
                await work
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("cut off", work=name)
        finally:
            self._limits.remove(limit)

    def _told(self) -> None:
        if self.asked.is_set():
            end_now("told twice to stop")
        log.info("told to stop", seconds=self._seconds)
        insist(self._seconds + CLOSING_SECONDS)
        self.asked.set()
        until = asyncio.get_running_loop().time() + self._seconds
        for limit in self._limits:
            limit.reschedule(until)


def insist(after_seconds: float) -> None:
    """End the process by force then, if it has not ended by itself; also when its loop is stuck."""
    timer = threading.Timer(after_seconds, end_now, ("it did not end in time",))
    timer.daemon = True
    timer.start()


def end_now(why: str) -> NoReturn:
    """Leave everything as it stands."""
    log.error("ended by force", why=why)
    logging.shutdown()
    os._exit(FORCED)
