"""Ends what a killed `innkeeper up` may have left running over a state folder."""

import asyncio
import os
import signal
from pathlib import Path

import psutil

from runtime.embedded.process import end_left_over

_SERVERS = ("postgres", "temporal")
_PARTS = ("worker", "api", "sandbox")


async def end_left_overs(folder: Path) -> None:
    """End, politely first, every server process whose command line names the folder."""
    found = [
        process.pid for process in psutil.process_iter(["cmdline"]) if _is_part(process, folder)
    ]
    await asyncio.gather(
        *(end_left_over(pid, str(folder), signal.SIGINT, signal.SIGTERM) for pid in found)
    )


def _is_part(process: psutil.Process, folder: Path) -> bool:
    words: list[str] = process.info["cmdline"] or []
    if process.pid == os.getpid() or not words:
        return False
    names_folder = any(
        word == str(folder) or word.startswith(f"{folder}{os.sep}") for word in words
    )
    is_server = Path(words[0]).name in _SERVERS
    is_part = "cli.main" in words and any(part in words for part in _PARTS)
    return names_folder and (is_server or is_part)
