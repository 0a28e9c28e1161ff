"""Runs the sandbox: the app under uvicorn and the mail server beside it, on one event loop."""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from sandbox import mail
from sandbox.app import Sandbox, build

STATE_FILE = "sandbox.sqlite3"
GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Running:
    """Where a running sandbox answers."""

    url: str
    smtp_port: int
    sandbox: Sandbox


@asynccontextmanager
async def running(
    host: str = "127.0.0.1", port: int = 0, smtp_port: int = 0, state_dir: Path | None = None
) -> AsyncGenerator[Running]:
    """A sandbox for the length of a block, on this event loop; port 0 takes a free one."""
    with closing(bind(host, port)) as bound:
        server, sandbox = server_of(state_dir)
        async with receiving(sandbox, host, smtp_port) as taken_port:
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            try:
                while not server.started:
                    if serving.done():
                        await serving
                    await asyncio.sleep(0.005)
                name = f"[{host}]" if ":" in host else host
                yield Running(f"http://{name}:{bound.getsockname()[1]}", taken_port, sandbox)
            finally:
                server.should_exit = True
                await serving


def run(host: str, port: int, smtp_port: int, state_dir: Path | None) -> None:
    """Serve until SIGTERM or Ctrl-C, then return. A busy port is an OSError at once.

    The inbox is kept in `state_dir` and is there again after a restart; None keeps it in memory.
    """
    server, sandbox = server_of(state_dir)

    def leave(*_: object) -> None:
        # The web server hears the signal first and raises it again once it has ended.
        server.should_exit = True

    async def serve() -> None:
        with closing(bind(host, port)) as bound:
            async with receiving(sandbox, host, smtp_port):
                await server.serve(sockets=[bound])

    for heard in (signal.SIGTERM, signal.SIGINT):
        signal.signal(heard, leave)
    asyncio.run(serve())


@asynccontextmanager
async def receiving(sandbox: Sandbox, host: str, port: int) -> AsyncGenerator[int]:
    """The mail server for the length of a block; gives the port it listens on."""
    letters = await mail.listen(sandbox.inbox, sandbox.faults, host, port)
    sandbox.smtp = (host, letters.sockets[0].getsockname()[1])
    try:
        yield sandbox.smtp[1]
    finally:
        letters.close()


def bind(host: str, port: int) -> socket.socket:
    """An address of our own, taken before anything else starts."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def server_of(state_dir: Path | None) -> tuple[uvicorn.Server, Sandbox]:
    """The web server over a state folder, and the parts behind it."""
    app = build(None if state_dir is None else state_dir / STATE_FILE)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    return uvicorn.Server(config), app.state.sandbox
