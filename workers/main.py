"""The worker process: both queues, the relays, the schedules; drains when it is told to stop."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from models.database import Database
from providers.documents import Press
from providers.messages import Messenger
from runtime import schedules
from runtime.clock import SystemClock
from runtime.messenger import messenger_of
from runtime.press import a_press
from runtime.settings import Settings
from runtime.temporal import connect, register_search_attributes, store_id
from workers import billing, lives
from workers.message_relay import MessageRelay
from workers.relay import WakeRelay, keep_turning
from workflows import queues

log = structlog.get_logger()

CONNECT_AGAIN_SECONDS = 2


async def run(settings: Settings, only: str | None = None) -> None:
    """Serve the queues (or `only` one of them) until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    client = await _connected(settings, stop)
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
        press = await stack.enter_async_context(a_press())
        store = await store_id(client)
        for worker in _workers(client, database, messenger, press, store, only=only):
            await stack.enter_async_context(worker)
        log.info("worker serves", queues=only or "all")
        await _relay(client, database, messenger, press, stop)
        log.info("worker drains")


def _workers(
    client: Client,
    database: Database,
    messenger: Messenger,
    press: Press,
    store: str,
    *,
    only: str | None,
) -> Sequence[Worker]:
    served = {
        queues.LIVES: lambda: lives.worker(client, database, messenger, store, press),
        queues.BILLING: lambda: billing.worker(client, database, store),
    }
    if only is not None:
        return [served[only]()]
    return [make() for make in served.values()]


async def _relay(
    client: Client, database: Database, messenger: Messenger, press: Press, stop: asyncio.Event
) -> None:
    wakes = WakeRelay(database, client)
    messages = MessageRelay(database, messenger, SystemClock(), press)
    keeper = schedules.Keeper(client, database)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_turning("wakes", wakes.turn, stop))
        tasks.create_task(keep_turning("messages", messages.turn, stop))
        tasks.create_task(keep_turning("schedules", keeper.turn, stop, idle_seconds=5))


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
