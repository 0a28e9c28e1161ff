"""A worker that serves another store of Temporal than it began with ends, to be started anew."""

import asyncio

from runtime.temporal import connect, store_id
from tests.conftest import TemporalServer
from workers.same_store import SameStore


async def test_another_store_ends_the_process_and_the_same_one_does_not(
    temporal_server: TemporalServer,
) -> None:
    client = await connect(temporal_server.address, temporal_server.namespace)
    ended = asyncio.Event()
    await SameStore(client, await store_id(client), ended.set).turn()
    assert not ended.is_set()
    await SameStore(client, "the-store-that-was-lost", ended.set).turn()
    assert ended.is_set()


async def test_a_namespace_that_is_not_there_yet_tells_nothing(
    temporal_server: TemporalServer,
) -> None:
    client = await connect(temporal_server.address, "not-made-yet")
    ended = asyncio.Event()
    await SameStore(client, "the-store-that-was-lost", ended.set).turn()
    assert not ended.is_set()
