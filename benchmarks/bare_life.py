"""The floor of starting lives: the same history by a bare workflow and one bare query a look."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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

    def __init__(self, pool: Any, expected: int) -> None:
        self._pool = pool
        self._left = expected
        self.all_looked = asyncio.Event()

    @activity.defn
    async def look(self, subject: str) -> str:
        """The status of the invoice."""
        found = await self._pool.fetchval("select status from invoices where id = $1", subject)
        self._left -= 1
        if not self._left:
            self.all_looked.set()
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
        """Wait a month or until the second signal."""
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
            return "late"
        return stage


async def start_barely(client: Client, pool: Any, subjects: Sequence[str], prefix: str) -> float:
    """Seconds until each has looked once; they wait on, as the house's do."""
    looking = BareLook(pool, len(subjects))
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareLife],
        activities=[looking.look],
        max_cached_workflows=2_000,
    ):
        began = datetime.now(UTC)
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def start(subject: str) -> None:
            async with gate:
                await client.start_workflow(
                    BareLife.run,
                    subject,
                    id=f"{prefix}/{subject}",
                    task_queue=QUEUE,
                    start_signal="news",
                    static_summary=f"bare {subject}",
                )

        await asyncio.gather(*(start(subject) for subject in subjects))
        await looking.all_looked.wait()
        return (datetime.now(UTC) - began).total_seconds()
