"""A process of its own that takes the chunk step of a billing run, and may die in it."""

import asyncio
import multiprocessing
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.process import BaseProcess

from activities.billing_run import Billing, NextChunk
from domain.lives import Look, Subject
from models.database import Database

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class ChunkStep:
    """The step as the process is told it."""

    app_url: str
    platform_url: str
    subject: Subject
    at: datetime
    chunk: int

    def start(self) -> BaseProcess:
        """Begin it in a fresh process."""
        process = _CONTEXT.Process(target=_main, args=(self,), daemon=True)
        process.start()
        return process


async def ended(process: BaseProcess) -> int | None:
    """Its exit code, below zero when a signal ended it."""
    await asyncio.to_thread(process.join, 60)
    return process.exitcode


def _main(step: ChunkStep) -> None:
    asyncio.run(_take(step))


async def _take(step: ChunkStep) -> None:
    database = Database(step.app_url, step.platform_url, pool_size=2)
    billing = Billing(database, "a-store", chunk=step.chunk)
    await billing.issue_chunk(NextChunk(Look(step.subject, step.at), afresh=True))
    await database.close()
