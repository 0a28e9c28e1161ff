"""The press of a process: documents are printed with the fonts that come with their templates."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from providers.press import PrinterPress
from templates import FONTS


def press_of() -> PrinterPress:
    """A press; it starts nothing before the first page. Whoever makes it closes it."""
    return PrinterPress(FONTS)


@asynccontextmanager
async def a_press() -> AsyncGenerator[PrinterPress]:
    """A press for the length of the block."""
    press = press_of()
    try:
        yield press
    finally:
        await press.close()
