"""Requests over a few open connections, as cheap as can be: the machine is for those who answer."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DONE = b"200"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; without a body it asks, with one it posts."""

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def written(self) -> bytes:
        """As it goes over the wire."""
        parts = urlsplit(self.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [
            f"{'POST' if self.body else 'GET'} {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


async def knock(requests: Sequence[Request], in_flight: int) -> Sequence[float]:
    """Send them all, so many at a time; the seconds of each. RuntimeError unless each is a 200."""
    turns = [requests[number::in_flight] for number in range(in_flight)]
    ends = await asyncio.gather(*(_one_after_another(turn) for turn in turns if turn))
    return [seconds for end in ends for seconds in end]


async def _one_after_another(requests: Sequence[Request]) -> list[float]:
    parts = urlsplit(requests[0].url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    taken: list[float] = []
    try:
        for request in requests:
            began = time.perf_counter()
            writer.write(request.written)
            await writer.drain()
            status = await _answered(reader)
            taken.append(time.perf_counter() - began)
            if status != DONE:
                raise RuntimeError(f"{request.url} was answered with {status.decode()}")
    finally:
        writer.close()
    return taken


async def _answered(reader: asyncio.StreamReader) -> bytes:
    """The status, once the whole answer was read."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = head.partition(b"content-length:")
    await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
    return head.split(b" ", 2)[1]
