"""The worker process: both queues, the relays, the schedules; drains when it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from models.database import Database
from providers.messages import Messenger
from runtime import schedules
from runtime.clock import SystemClock
from runtime.drain import Drain
from runtime.messenger import messenger_of
from runtime.settings import Settings
from runtime.temporal import connect, register_search_attributes, store_id
from workers import billing, lives
from workers.message_relay import MessageRelay
from workers.relay import IDLE_SECONDS, WakeRelay, keep_turning
from workflows import queues

log = structlog.get_logger()

CONNECT_AGAIN_SECONDS = 2


async def run(settings: Settings, only: str | None = None) -> None:
    """Serve the queues (or `only` one of them) until SIGTERM or SIGINT, then drain."""
    drain = Drain(settings.drain.drain_seconds)
    drain.listen()
    client = await _connected(settings, drain.asked)
    if client is None:
        return
    database = Database(
        settings.database.database_url.get_secret_value(),
        settings.database.platform_database_url.get_secret_value(),
        pool_size=settings.database.database_pool_size,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        messenger = await stack.enter_async_context(messenger_of(settings))
        house = _House(client, database, messenger, await store_id(client), drain)
        workers = house.workers(settings, only)
        for worker in workers:
            await stack.enter_async_context(worker)
        log.info("worker serves", queues=only or "all")
        await house.serve(workers)
        log.info("worker drained")


@dataclass(frozen=True, slots=True)
class _House:
    """What every part of the process works with."""

    client: Client
    database: Database
    messenger: Messenger
    store: str
    drain: Drain

    def workers(self, settings: Settings, only: str | None) -> Sequence[Worker]:
        """One for each queue, or for `only` that one."""
        patience = timedelta(seconds=settings.drain.drain_seconds)
        served = {
            queues.LIVES: lambda: lives.worker(
                self.client, self.database, self.messenger, self.store, drain=patience
            ),
            queues.BILLING: lambda: billing.worker(
                self.client, self.database, self.store, drain=patience
            ),
        }
        return [make() for queue, make in served.items() if only in (None, queue)]

    async def serve(self, workers: Sequence[Worker]) -> None:
        """Turn the relays until told to stop; then relays and workers end side by side."""
        async with asyncio.TaskGroup() as tasks:
            for name, turn, idle_seconds in self._relays():
                turning = keep_turning(name, turn, self.drain.asked, idle_seconds)
                tasks.create_task(self.drain.finish(name, turning))
            for worker in workers:
                tasks.create_task(self._end(worker))

    def _relays(self) -> Sequence[tuple[str, Callable[[], Awaitable[int]], float]]:
        stop = self.drain.asked
        messages = MessageRelay(self.database, self.messenger, SystemClock(), stop)
        return (
            ("wakes", WakeRelay(self.database, self.client).turn, IDLE_SECONDS),
            ("messages", messages.turn, IDLE_SECONDS),
            ("schedules", schedules.Keeper(self.client, self.database).turn, 5.0),
        )

    async def _end(self, worker: Worker) -> None:
        """It takes no more; activities that are not done in its patience are cancelled."""
        await self.drain.asked.wait()
        await worker.shutdown()


async def _connected(settings: Settings, stop: asyncio.Event) -> Client | None:
    """A client, however long Temporal takes to come up; None when we are told to stop first."""
    while not stop.is_set():
        try:
            client = await connect(
                settings.temporal.temporal_address, settings.temporal.temporal_namespace
            )
            await register_search_attributes(client)
        except RuntimeError as error:
            log.warning("Temporal does not answer", why=str(error)[:200])
            await asyncio.sleep(CONNECT_AGAIN_SECONDS)
        else:
            return client
    return None
