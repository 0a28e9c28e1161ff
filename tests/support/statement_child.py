"""A process of its own that imports a bank statement, and may die in it."""

import asyncio
import multiprocessing
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.process import BaseProcess

from cli.import_statement import Asked, import_text
from models.database import Database

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class StatementRun:
    """The import as the process is told it."""

    app_url: str
    platform_url: str
    asked: Asked
    at: datetime

    def start(self) -> BaseProcess:
        """Begin it in a fresh process."""
        process = _CONTEXT.Process(target=_main, args=(self,), daemon=True)
        process.start()
        return process


def _main(run: StatementRun) -> None:
    asyncio.run(_import(run))


async def _import(run: StatementRun) -> None:
    database = Database(run.app_url, run.platform_url, pool_size=2)
    await import_text(database, run.asked, run.at)
    await database.close()
