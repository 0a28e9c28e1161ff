"""`innkeeper up`: the whole stack on this machine, in the foreground or detached."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.child import answers
from cli.left_over import end_left_overs
from cli.stack import Stack
from cli.state import DEFAULT_STATE, StateFolder, StateOption, read_json
from domain.errors import InnkeeperError
from runtime.embedded.process import tail

_DETACHED_SECONDS = 120


def up(
    state: StateOption = DEFAULT_STATE,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once it answers; stop it with `down`.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Make the demo tenant.")] = True,
) -> None:
    """Run PostgreSQL, Temporal with UI, sandbox, worker and API over one folder."""
    folder = StateFolder(state)
    folder.make()
    raise typer.Exit(_detached(folder, demo=demo) if detach else _foreground(folder, demo=demo))


def _say(words: str) -> None:
    print(words, flush=True)


def _foreground(state: StateFolder, *, demo: bool) -> int:
    try:
        lock = state.lock(os.getpid())
    except InnkeeperError as taken:
        print(taken.detail, file=sys.stderr)
        return 1
    with lock:
        return asyncio.run(_live(state, demo=demo))


async def _live(state: StateFolder, *, demo: bool) -> int:
    """Start, watch, and stop on Ctrl-C or SIGTERM; 0 after an orderly stop, 1 if it never stood."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    stack = Stack(state, _say)
    try:
        await end_left_overs(state.folder)
        return await _until(asked, _stand(stack, demo=demo))
    except InnkeeperError as problem:
        print(problem.detail, file=sys.stderr, flush=True)
        return 1
    finally:
        _say("stopping")
        await stack.stop()
        _say("stopped")


async def _stand(stack: Stack, *, demo: bool) -> None:
    _show(await stack.start(demo=demo))
    await stack.watch()


async def _until(asked: asyncio.Event, standing: Any) -> int:
    work = asyncio.ensure_future(standing)
    asking = asyncio.ensure_future(asked.wait())
    await asyncio.wait({work, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    if not work.done():
        work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    return 0


def _show(stack: dict[str, Any]) -> None:
    rows = [
        ("start page", stack["api"]),
        ("API", f"{stack['api']}/api/v1"),
        ("Temporal UI", f"{stack['temporalUi']}/namespaces/{stack['namespace']}/workflows"),
        ("inbox", f"{stack['sandbox']}/control/inbox"),
    ]
    if stack["demo"] is not None:
        rows += [
            ("demo tenant", f"{stack['demo']['slug']} ({stack['demo']['tenantId']})"),
            ("API key", stack["demo"]["apiKey"]),
            ("public key", stack["demo"]["publicKey"]),
            ("owner", f"{stack['demo']['ownerEmail']} / {stack['demo']['ownerPassword']}"),
        ]
    width = max(len(name) for name, _ in rows)
    _say("")
    for name, value in rows:
        _say(f"  {name:<{width}}  {value}")
    _say("\n  Ctrl-C stops everything; the data stays.\n")


def _detached(state: StateFolder, *, demo: bool) -> int:
    if state.holder() is not None:
        return _already_up(state)
    log = state.log("up")
    child = _spawn_detached(state.folder, log, demo=demo)
    if asyncio.run(_ready(state, child)):
        _show(read_json(state.stack_file) or {})
        return 0
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_DETACHED_SECONDS)
    print(f"the stack did not come up; the end of {log}:\n{tail(log)}", file=sys.stderr)
    return 1


def _already_up(state: StateFolder) -> int:
    print(f"a stack is up over {state.folder} (process {state.holder()})", file=sys.stderr)
    stack = read_json(state.stack_file)
    if stack is None or not asyncio.run(answers(f"{stack['api']}/health/ready")):
        return 1
    _show(stack)
    return 0


def _spawn_detached(state: Path, log: Path, *, demo: bool) -> subprocess.Popen[bytes]:
    log.unlink(missing_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "cli.main", "up", "--state", str(state)),
                "--demo" if demo else "--no-demo",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


async def _ready(state: StateFolder, child: subprocess.Popen[bytes]) -> bool:
    deadline = asyncio.get_running_loop().time() + _DETACHED_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if child.poll() is not None:
            return False
        stack = read_json(state.stack_file)
        if stack is not None and await answers(f"{stack['api']}/health/ready"):
            return True
        await asyncio.sleep(0.2)
    return False
