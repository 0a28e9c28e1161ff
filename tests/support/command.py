"""The command line within the test's own process: as quick as the command itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from cli.main import COMMANDS, application
from tests.support.database import DatabaseUrls


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said to whom."""

    code: int
    out: str
    err: str


async def command(*words: str) -> Said:
    """Run `innkeeper` with these words on a thread of its own."""
    app = application({words[0]: COMMANDS[words[0]]})
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


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
