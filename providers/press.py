"""Prints by WeasyPrint in processes of its own: laying out a page is long work for a CPU.

A page that hangs or crashes takes its printer with it and nothing else.
"""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from providers.documents import CannotPrint
from providers.printer import LENGTH_BYTES

PRINTERS_MAX = 2
# WeasyPrint keeps what it measured; a fresh process now and then forgets it.
PAGES_OF_ONE_PRINTER = 500
START_SECONDS = 30.0
PAGE_SECONDS = 30.0
# How long a machine without Pango is not asked again.
ABSENT_SECONDS = 300


class BrokenPage(Exception):
    """The page breaks what prints it: a mistake of a template, not of the machine."""


class BrokeOffError(Exception):
    """A printer ended in the middle of a page."""


@dataclass(slots=True)
class Printer:
    """One process that prints, and how many pages it has printed."""

    process: Process
    what: str
    pages: int = 0


class PrinterPress:
    """Prints with the fonts of one folder and no others, two pages at a time.

    Printers start with the first page and stay; they end when this process does.
    """

    def __init__(self, fonts: Path, *, page_seconds: float = PAGE_SECONDS) -> None:
        self._fonts = fonts
        self._page_seconds = page_seconds
        self._room = asyncio.Semaphore(PRINTERS_MAX)
        self._idle: list[Printer] = []
        self._absent: CannotPrint | None = None
        self._absent_until = 0.0

    async def pdf(self, html: str) -> bytes:
        """The page as PDF. CannotPrint without Pango, and when it takes too long.

        A printer may have died since its last page, so a second one tries what one broke off.
        """
        try:
            return await self._pdf(html)
        except BrokeOffError:
            try:
                return await self._pdf(html)
            except BrokeOffError as error:
                raise CannotPrint("two printers broke off at this page") from error

    async def _pdf(self, html: str) -> bytes:
        async with self._room, self._printer() as printer:
            try:
                async with asyncio.timeout(self._page_seconds):
                    ok, content = await _printed(printer.process, html)
            except TimeoutError as error:
                raise CannotPrint("the page took too long to print") from error
            except (OSError, asyncio.IncompleteReadError) as error:
                raise BrokeOffError from error
            printer.pages += 1
            if not ok:
                raise BrokenPage(content.decode(errors="replace")[:500])
            return content

    async def ready(self) -> str:
        """Versions of what prints; CannotPrint without Pango."""
        async with self._room, self._printer() as printer:
            return printer.what

    async def close(self) -> None:
        """End every idle printer."""
        while self._idle:
            await _end(self._idle.pop().process)

    @asynccontextmanager
    async def _printer(self) -> AsyncGenerator[Printer]:
        """A printer of one's own; one that was left in the middle of a page is not used again."""
        printer = self._taken() or await self._started()
        try:
            yield printer
        except BaseException:
            await _end(printer.process)
            raise
        if printer.pages < PAGES_OF_ONE_PRINTER:
            self._idle.append(printer)
        else:
            await _end(printer.process)

    def _taken(self) -> Printer | None:
        while self._idle:
            printer = self._idle.pop()
            if printer.process.returncode is None:
                return printer
        return None

    async def _started(self) -> Printer:
        if self._absent is not None and time.monotonic() < self._absent_until:
            raise CannotPrint(self._absent.detail, retry_after_seconds=ABSENT_SECONDS)
        command = (sys.executable, "-P", "-m", "providers.printer", str(self._fonts))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                ok, content = await _answer(process)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            await _end(process)
            raise CannotPrint("the printer does not start") from error
        except BaseException:
            await _end(process)
            raise
        if ok:
            self._absent = None
            return Printer(process, content.decode())
        await _end(process)
        why = f"PDF needs WeasyPrint and the Pango libraries: {content.decode(errors='replace')}"
        self._absent = CannotPrint(why, retry_after_seconds=ABSENT_SECONDS)
        self._absent_until = time.monotonic() + ABSENT_SECONDS
        raise self._absent


async def _printed(process: Process, html: str) -> tuple[bool, bytes]:
    page = html.encode("utf-8", "replace")
    assert process.stdin is not None, "it was started with a pipe"
    process.stdin.write(len(page).to_bytes(LENGTH_BYTES) + page)
    await process.stdin.drain()
    return await _answer(process)


async def _answer(process: Process) -> tuple[bool, bytes]:
    assert process.stdout is not None, "it was started with a pipe"
    head = await process.stdout.readexactly(1 + LENGTH_BYTES)
    return head[:1] == b"+", await process.stdout.readexactly(int.from_bytes(head[1:]))


async def _end(process: Process) -> None:
    """Whatever it is doing, it is gone when this returns."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
