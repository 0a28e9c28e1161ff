"""The worker's own small port: `/metrics` for Prometheus, `/health` for orchestrators.

It speaks just enough HTTP for those two, and to nobody who asks for long.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from runtime.metrics import CONTENT_TYPE, Metrics

HEAD_BYTES = 8_192
HEAD_SECONDS = 5.0
JSON = "application/json"


class WatchPort:
    """Answers on a port until the block ends. `leaving` is set when the worker is told to stop."""

    def __init__(self, metrics: Metrics, leaving: asyncio.Event, token: str = "") -> None:
        self._metrics = metrics
        self._leaving = leaving
        self._token = token

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncGenerator[None]:
        """Serve there; OSError when the port is taken."""
        server = await asyncio.start_server(self._serve, host, port, limit=HEAD_BYTES)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self._answered(head.decode("latin-1")))
            await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _answered(self, head: str) -> bytes:
        asked, _, headers = head.partition("\r\n")
        method, path = [*asked.split(" "), "", ""][:2]
        if method != "GET":
            return _answer(HTTPStatus.METHOD_NOT_ALLOWED, b"")
        match path.partition("?")[0]:
            case "/metrics" if self._may_read(headers):
                return _answer(HTTPStatus.OK, await self._metrics.text(), CONTENT_TYPE)
            case "/health/live":
                return _answer(HTTPStatus.OK, _status("ok"))
            case "/health" | "/health/ready" if self._leaving.is_set():
                return _answer(HTTPStatus.SERVICE_UNAVAILABLE, _status("leaving"))
            case "/health" | "/health/ready":
                return _answer(HTTPStatus.OK, _status("ok"))
            case _:
                return _answer(HTTPStatus.NOT_FOUND, b"")

    def _may_read(self, headers: str) -> bool:
        """The port is the worker's own, so without a token its address is the fence."""
        if not self._token:
            return True
        given = dict(_header(line) for line in headers.split("\r\n"))
        wanted = f"Bearer {self._token}"
        return hmac.compare_digest(given.get("authorization", "").encode(), wanted.encode())


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _status(word: str) -> bytes:
    return json.dumps({"status": word}).encode()


def _answer(status: HTTPStatus, body: bytes, content_type: str = JSON) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
