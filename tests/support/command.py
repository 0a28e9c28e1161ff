"""The command line within the test's own process: as quick as the command itself."""

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from cli.main import COMMANDS, application
from tests.support.database import DatabaseUrls

_running = asyncio.Lock()


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said to whom."""

    code: int
    out: str
    err: str


async def command(*words: str) -> Said:
    """Run `innkeeper` with these words on a thread of its own; one command at a time."""
    assert not _running.locked(), "a process has one standard output: run the second by innkeeper()"
    async with _running:
        return await asyncio.to_thread(_run, list(words))


def _run(words: list[str]) -> Said:
    out, err = io.StringIO(), io.StringIO()
    app = application({words[0]: COMMANDS[words[0]]})
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(words, prog_name="innkeeper")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        else:
            code = 0
    return Said(code, out.getvalue(), err.getvalue())


def settings_in(folder: Path, urls: DatabaseUrls, **more: str) -> Path:
    """A state folder whose settings name a test's database, and whatever else is given."""
    settings = {
        "database_url": urls.app,
        "platform_database_url": urls.platform,
        "owner_database_url": urls.owner,
        **more,
    }
    lines = [f"INNKEEPER_{name.upper()}='{value}'\n" for name, value in settings.items()]
    (folder / "settings.env").write_text("".join(lines))
    return folder
