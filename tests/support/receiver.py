"""A small web server that takes webhooks and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Taken:
    """One webhook as it came: headers in lower case, the raw body."""

    headers: dict[str, str]
    raw: str

    @property
    def event(self) -> dict[str, Any]:
        """The body, read."""
        return json.loads(self.raw)


@dataclass(slots=True)
class Receiver:
    """What came, and the statuses of the next answers; 200 when none is left."""

    url: str = ""
    taken: list[Taken] = field(default_factory=list[Taken])
    answers: list[int] = field(default_factory=list[int])

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        raw = (await reader.readexactly(int(headers["content-length"]))).decode()
        status = self.answers.pop(0) if self.answers else 200
        self.taken.append(Taken(headers, raw))
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncGenerator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()
