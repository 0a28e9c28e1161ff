"""The worker process: both queues, the relays, the schedules; drains when it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.attempt_order import Purse
from models.database import Database
from providers.documents import Press
from providers.messages import Messenger
from runtime import schedules
from runtime.clock import SystemClock
from runtime.drain import Drain
from runtime.gateways import gateways_of
from runtime.messenger import messenger_of
from runtime.metrics import Metrics
from runtime.pay_links import pay_links_of
from runtime.press import a_press
from runtime.settings import Settings
from runtime.temporal import connect, register_search_attributes, serve_sdk_metrics, store_id
from workers import billing, lives, same_store
from workers.event_relay import CONSUMERS, EventRelay, Sequencer
from workers.message_relay import MessageRelay
from workers.port import WatchPort
from workers.provider_relay import ProviderRelay
from workers.relay import IDLE_SECONDS, WakeRelay, keep_turning
from workers.slow_figures import LOOK_AGAIN_SECONDS, SlowFigures
from workflows import queues

log = structlog.get_logger()

CONNECT_AGAIN_SECONDS = 2


async def run(settings: Settings, only: str | None = None) -> None:
    """Serve the queues (or `only` one of them) until SIGTERM or SIGINT, then drain."""
    drain = Drain(settings.drain.drain_seconds)
    drain.listen()
    if settings.metrics.temporal_metrics_address is not None:
        serve_sdk_metrics(settings.metrics.temporal_metrics_address)
    client = await _connected(settings, drain.asked)
    if client is None:
        return
    database = Database(
        settings.database.database_url.get_secret_value(),
        settings.database.platform_database_url.get_secret_value(),
        pool_size=settings.database.database_pool_size,
    )
    metrics = Metrics(database, SystemClock())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        messenger = await stack.enter_async_context(messenger_of(settings, metrics))
        press = await stack.enter_async_context(a_press())
        store = await store_id(client)
        gateways = await stack.enter_async_context(gateways_of(settings))
        purse = Purse(gateways, pay_links_of(settings))
        house = _House(settings, client, database, messenger, press, store, drain, purse)
        workers = house.workers(only)
        for worker in workers:
            await stack.enter_async_context(worker)
        if settings.metrics.worker_port is not None:
            port = WatchPort(metrics, drain.asked, _token(settings))
            told = settings.metrics.worker_host, settings.metrics.worker_port
            await stack.enter_async_context(port.open(*told))
        log.info("worker serves", queues=only or "all")
        await house.serve(workers)
        log.info("worker drained")


def _token(settings: Settings) -> str:
    token = settings.metrics.metrics_token
    return "" if token is None else token.get_secret_value()


@dataclass(frozen=True, slots=True)
class _House:
    """What every part of the process works with."""

    settings: Settings
    client: Client
    database: Database
    messenger: Messenger
    press: Press
    store: str
    drain: Drain
    purse: Purse

    def workers(self, only: str | None) -> Sequence[Worker]:
        """One for each queue, or for `only` that one."""
        patience = timedelta(seconds=self.settings.drain.drain_seconds)
        served = {
            queues.LIVES: lambda: lives.worker(
                *(self.client, self.database, self.messenger, self.store, self.press),
                purse=self.purse,
                drain=patience,
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
        messages = MessageRelay(
            *(self.database, self.messenger, SystemClock(), self.press, stop),
            links=self.purse.links,
        )
        told = ProviderRelay(self.database, SystemClock(), stop)
        every = timedelta(minutes=self.settings.metrics.slow_figures_minutes)
        slow = SlowFigures(self.database, every)
        same = same_store.SameStore(self.client, self.store, self.drain.ask)
        return (
            ("wakes", WakeRelay(self.database, self.client).turn, IDLE_SECONDS),
            ("messages", messages.turn, IDLE_SECONDS),
            ("provider events", told.turn, IDLE_SECONDS),
            ("event positions", Sequencer(self.database).turn, IDLE_SECONDS),
            *(
                (f"events: {known.name}", EventRelay(self.database, known).turn, IDLE_SECONDS)
                for known in CONSUMERS
            ),
            ("schedules", schedules.Keeper(self.client, self.database).turn, 5.0),
            ("slow figures", slow.turn, LOOK_AGAIN_SECONDS),
            ("store", same.turn, same_store.LOOK_AGAIN_SECONDS),
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
