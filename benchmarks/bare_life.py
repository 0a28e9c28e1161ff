"""The floor of starting and waking lives: the same history, by one bare query a look."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.worker import Worker

QUEUE = "bare"
IN_FLIGHT = 20
_WORDS = ("TenantId", "PropertyId", "SubjectId", "Stage", "NextAction")
_KEYWORDS = [SearchAttributeKey.for_keyword(word) for word in _WORDS]
_AT = SearchAttributeKey.for_datetime("NextActionAt")


class BareLook:
    """One query over a pool: what a look could not do without."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.looks = asyncio.Semaphore(0)

    @activity.defn
    async def look(self, subject: str) -> str:
        """The status of the invoice."""
        found = await self._pool.fetchval("select status from invoices where id = $1", subject)
        self.looks.release()
        return str(found)


@workflow.defn
class BareLife:
    """Looks, says what comes next, waits for it or for a signal."""

    def __init__(self) -> None:
        self._news = False

    @workflow.signal
    def news(self) -> None:
        """Something changed."""
        self._news = True

    @workflow.run
    async def run(self, subject: str) -> str:
        """Look again at every signal; end after a silent month."""
        while True:
            self._news = False
            stage = await workflow.execute_local_activity(
                "look", subject, start_to_close_timeout=timedelta(seconds=30), result_type=str
            )
            at = workflow.now() + timedelta(days=30)
            workflow.set_current_details(f"**{stage}**: next at {at}")
            words = [key.value_set(subject) for key in _KEYWORDS]
            workflow.upsert_search_attributes([*words, _AT.value_set(at)])  # pyright: ignore[reportUnknownMemberType]
            try:
                await workflow.wait_condition(lambda: self._news, timeout=timedelta(days=30))
            except TimeoutError:
                return stage


@dataclass(frozen=True, slots=True)
class Barely:
    """Seconds to start lives and to wake them, each to the last look."""

    starting: float
    waking: float


async def live_barely(client: Client, pool: Any, subjects: Sequence[str], prefix: str) -> Barely:
    """Start lives until each has looked, then wake them until each has looked again."""
    looking = BareLook(pool)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareLife],
        activities=[looking.look],
        max_cached_workflows=2_000,
    ):

        async def start(subject: str) -> None:
            await client.start_workflow(
                BareLife.run,
                subject,
                id=f"{prefix}/{subject}",
                task_queue=QUEUE,
                start_signal="news",
                static_summary=f"bare {subject}",
            )

        async def signal(subject: str) -> None:
            await client.get_workflow_handle(f"{prefix}/{subject}").signal(BareLife.news)

        return Barely(
            await _seconds(subjects, start, looking), await _seconds(subjects, signal, looking)
        )


async def _seconds(
    subjects: Sequence[str], act: Callable[[str], Awaitable[None]], looking: BareLook
) -> float:
    """Until the act, done to each, made it look."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def gated(subject: str) -> None:
        async with gate:
            await act(subject)

    began = time.perf_counter()
    await asyncio.gather(*(gated(subject) for subject in subjects))
    for _ in subjects:
        await looking.looks.acquire()
    return time.perf_counter() - began
