"""A part of the house as a process of its own, as production runs it: `innkeeper worker`, `api`."""

import asyncio
import base64
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from models.vault import new_keyset
from runtime.settings import environment_without
from tests.support.command import settings_in
from tests.support.database import DatabaseUrls
from tests.support.outgoing import ACCOUNT
from tests.support.stack import ROOT


@dataclass(frozen=True, slots=True)
class Part:
    """A running process and its log."""

    process: asyncio.subprocess.Process
    log: Path

    async def says(self, words: str, seconds: float = 40) -> None:
        """Until these words stand in its log."""
        async with asyncio.timeout(seconds):
            while words not in self.log.read_text():
                assert self.process.returncode is None, self.log.read_text()[-2_000:]
                await asyncio.sleep(0.05)

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, within_seconds: float = 30) -> tuple[int, float]:
        """Its exit code, and how long that took from now."""
        began = time.monotonic()
        async with asyncio.timeout(within_seconds):
            code = await self.process.wait()
        return code, time.monotonic() - began


@asynccontextmanager
async def a_part(state: Path, *words: str) -> AsyncGenerator[Part]:
    """`innkeeper …` over the settings in a folder; killed when the block ends, if it still runs."""
    log = state / f"{words[0]}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", *words, "--state", str(state)),
            cwd=ROOT,
            env=environment_without(()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Part(process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def whole_settings(folder: Path, urls: DatabaseUrls, **more: str) -> Path:
    """A state folder with every setting that API and worker want."""
    (folder / "keyset.json").write_text(new_keyset())
    told = {
        "keyset": str(folder / "keyset.json"),
        "blind_index_key": base64.b64encode(b"an index key of thirty-two bytes").decode(),
        "smtp_host": "127.0.0.1",
        "smtp_security": "none",
        "smtp_from": "desk@innkeeper.example",
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": "token",
        "twilio_from": "+15005550006",
        **more,
    }
    return settings_in(folder, urls, **told)
