"""A namespace of one test in the run's real Temporal: queues and lives that nobody else touches."""

import asyncio
from contextlib import suppress
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.temporal import connect, missing_search_attributes, store_id
from tests.conftest import TemporalServer


async def own_namespace(server: TemporalServer) -> str:
    """A namespace of this test alone, in the run's Temporal, that knows nothing of ours yet."""
    name = f"t-{uuid4().hex}"
    client = await Client.connect(server.address, namespace=server.namespace)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    ours = await connect(server.address, name)
    for _ in range(100):  # the server learns of it in its own time
        with suppress(RPCError):
            await store_id(ours)
            await missing_search_attributes(ours)
            return name
        await asyncio.sleep(0.1)
    raise AssertionError("the namespace never came up")
