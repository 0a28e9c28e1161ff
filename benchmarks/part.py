"""A part of the stack, or a peer of it, as a process of its own, for the length of a block."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from cli.child import answers
from runtime.settings import environment_without

START_SECONDS = 60


@asynccontextmanager
async def a_process(
    words: Sequence[str], settings: Mapping[str, str], health: str
) -> AsyncGenerator[None]:
    """`python -m words…` with these settings, once its health address answers."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 (returns at once; words of ours)
        [sys.executable, "-m", *words],
        env=environment_without(()) | dict(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await answers(health):
                if process.poll() is not None:
                    raise RuntimeError(f"{words[0]} ended with {process.returncode}")
                await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
