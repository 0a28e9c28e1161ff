"""A whole embedded stack of one test, run by the command line as a person runs it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from runtime.embedded.ports import any_free_port

PARTS = ("postgres", "temporal", "temporal-ui", "sandbox", "sandbox-smtp", "api")
ROOT = Path(__file__).parents[2]


def with_free_ports(state: Path) -> Path:
    """A state folder whose stack begins on free ports, so that test runs do not meet."""
    state.mkdir(mode=0o711, parents=True)
    (state / "ports.json").write_text(json.dumps({part: any_free_port() for part in PARTS}))
    return state


async def innkeeper(*words: str) -> tuple[int, str]:
    """Run `innkeeper` with these words to its end: exit code, and all it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *words),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def stack_of(state: Path) -> dict[str, Any]:
    """What the running stack's `stack.json` says."""
    return json.loads((state / "stack.json").read_text())
