"""A wire to PostgreSQL that counts statements and can end the process at its other end at one."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

_STARTUP = 196_608  # protocol 3.0
_HEADER = 5
_STATEMENTS = (b"E", b"Q")  # Execute, and a simple query such as BEGIN


@dataclass
class Wire:
    """Statements are counted from 1. Before the `fatal` one is passed on, `victim` is killed.

    With `answered` it is passed on and carried out, but its answer never arrives.
    """

    port: int = 0
    count: int = 0
    fatal: int | None = None
    answered: bool = False
    victim: int | None = None
    killed: asyncio.Event = field(default_factory=asyncio.Event)

    def through(self, url: str) -> str:
        """The address of the same database over this wire."""
        parts = urlsplit(url)
        login = parts.netloc.rsplit("@", 1)[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))

    def is_fatal(self, kind: bytes) -> bool:
        """Count the message if it is a statement; whether it is the one."""
        if kind not in _STATEMENTS:
            return False
        self.count += 1
        return self.count == self.fatal

    def kill(self) -> None:
        """End the other end at once, as a power cut would."""
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)
        self.killed.set()


@asynccontextmanager
async def a_wire(url: str) -> AsyncGenerator[Wire]:
    """A wire to the server of that address."""
    parts = urlsplit(url)
    wire = Wire()
    pumps: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(parts.hostname, parts.port)
        deaf = asyncio.Event()
        asking = asyncio.create_task(_ask(wire, reader, server_writer, deaf))
        answering = asyncio.create_task(_answer(wire, server_reader, writer, deaf))
        pumps.update({asking, answering})
        with suppress(asyncio.CancelledError):
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        for task in (asking, answering):
            task.cancel()
        for end in (writer, server_writer):
            end.close()
            with suppress(OSError):
                await end.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await server.wait_closed()


async def _ask(
    wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
) -> None:
    """Pass messages on to the server, one by one."""
    with suppress(asyncio.IncompleteReadError, OSError):
        while not await _pass_greeting(reader, writer):
            pass
        while True:
            header = await reader.readexactly(_HEADER)
            body = await reader.readexactly(int.from_bytes(header[1:]) - 4)
            if wire.is_fatal(header[:1]):
                if not wire.answered:
                    wire.kill()
                    return
                deaf.set()
            writer.write(header + body)
            await writer.drain()


async def _pass_greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Pass a message on that has no kind; whether it was the last of these."""
    size = await reader.readexactly(4)
    body = await reader.readexactly(int.from_bytes(size) - 4)
    writer.write(size + body)
    await writer.drain()
    return int.from_bytes(body[:4]) == _STARTUP


async def _answer(
    wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
) -> None:
    """Pass answers back, until one must not arrive."""
    with suppress(OSError):
        while answer := await reader.read(65_536):
            if deaf.is_set():
                wire.kill()
                return
            writer.write(answer)
            await writer.drain()
