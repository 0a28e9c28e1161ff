"""Temporal of a folder: UI, search attributes and lives are there again after a restart."""

import http.client
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from runtime.embedded.temporal import EmbeddedTemporal
from runtime.temporal import SEARCH_ATTRIBUTES


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[EmbeddedTemporal]:
    found = EmbeddedTemporal(tmp_path / "temporal")
    yield found
    await found.stop()


async def connected(server: EmbeddedTemporal) -> Client:
    return await Client.connect(server.address, namespace=server.namespace)


async def test_a_life_is_still_there_after_stop_and_after_sigkill(server: EmbeddedTemporal) -> None:
    await server.start()
    client = await connected(server)
    await client.start_workflow("Nobody", id="invoice/t/1", task_queue="nobody")
    await server.stop()
    await server.start()
    assert server.process is not None
    server.process.kill()
    await server.stop()
    await server.start()
    client = await connected(server)
    life = await client.get_workflow_handle("invoice/t/1").describe()
    assert life.status is not None
    assert life.status.name == "RUNNING"


async def test_the_search_attributes_are_registered(server: EmbeddedTemporal) -> None:
    await server.start()
    client = await connected(server)
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=server.namespace)
    )
    assert dict(known.custom_attributes) == dict(SEARCH_ATTRIBUTES)


async def test_the_ui_is_served(server: EmbeddedTemporal) -> None:
    await server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.ui_port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 200
    assert b"<html" in answer.read().lower()
    connection.close()
