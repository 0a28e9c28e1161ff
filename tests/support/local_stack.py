"""A whole stack that lives for a block: the command line, HTTP, the inbox, and sudden deaths."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil

from tests.support.stack import innkeeper, with_free_ports

PATIENCE_SECONDS = 240


class LocalStack:
    """One embedded stack over a folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state

    async def run(self, *words: str, status: int = 0) -> str:
        """`innkeeper …` over this stack; what it printed."""
        code, said = await innkeeper(*words, "--state", str(self.state))
        assert code == status, f"{words}: exit {code}\n{said}"
        return said

    async def up(self) -> None:
        """Bring it up, without the demo tenant."""
        await self.run("up", "--detach", "--no-demo")

    async def down(self) -> None:
        """Bring it down; its data stays."""
        await self.run("down")

    @property
    def addresses(self) -> dict[str, Any]:
        """What `stack.json` says."""
        return json.loads((self.state / "stack.json").read_text())

    async def new_tenant(self, slug: str) -> dict[str, str]:
        """`innkeeper tenant create`, and what it told."""
        told = await self.run(
            *("tenant", "create", "--name", "Sunrise Hostels", "--slug", slug),
            *("--owner", f"owner@{slug}.example.com", "--country", "IN", "--currency", "INR"),
            *("--timezone", "Asia/Kolkata", "--json"),
        )
        return json.loads(told)

    def client(self, api_key: str) -> httpx2.AsyncClient:
        """A program of the tenant over real HTTP."""
        return httpx2.AsyncClient(
            base_url=f"{self.addresses['api']}/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=30,
        )

    async def inbox(self, channel: str, to: str | None = None) -> list[dict[str, Any]]:
        """Every message of a channel that arrived outside the house."""
        asked = {"channel": channel, "limit": "1000"} | ({"to": to} if to else {})
        async with httpx2.AsyncClient(timeout=30) as web:
            answer = await web.get(f"{self.addresses['sandbox']}/control/inbox", params=asked)
        answer.raise_for_status()
        return answer.json()["items"]

    async def count(self, query: str) -> int:
        """One number out of the database, seen above the walls."""
        connection = await asyncpg.connect(self.addresses["postgres"])
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    def kill(self, part: str) -> None:
        """SIGKILL every process of a part (`worker`, `api`, `postgres`, `temporal`)."""
        found = [process for process in psutil.process_iter() if self._is(process, part)]
        assert found, f"no process of {part} runs over {self.state}"
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    def _is(self, process: psutil.Process, part: str) -> bool:
        try:
            words = process.cmdline()
        except psutil.Error:
            return False
        if not any(str(self.state) in word for word in words):
            return False
        if part in ("postgres", "temporal"):
            return any(Path(word).name == part for word in words[:1])
        return "cli.main" in words and part in words


@asynccontextmanager
async def a_stack(state: Path) -> AsyncGenerator[LocalStack]:
    """A stack that is up, and down again when the block ends, whatever happened."""
    stack = LocalStack(with_free_ports(state))
    await stack.up()
    try:
        yield stack
    finally:
        await stack.down()


async def until(
    what: str,
    holds: Callable[[], Awaitable[object]],
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = 0.5,
) -> None:
    """Wait until something holds; a clear error when it never does."""
    last: object = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    last = await holds()
                except (httpx2.HTTPError, OSError, asyncpg.PostgresError) as away:
                    last = away
                else:
                    if last:
                        return
                await asyncio.sleep(every)
    except TimeoutError as error:
        raise AssertionError(f"{what} did not come true in {seconds} s; last: {last!r}") from error
