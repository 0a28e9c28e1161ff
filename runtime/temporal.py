"""How this house speaks Temporal: one plugin for client, worker, replayer and tests alike.

Pydantic payloads, refusals that are never retried, fairness between tenants.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    StartWorkflowUpdateWithStartInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from temporalio.common import Priority
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    UnsandboxedWorkflowRunner,
)
from temporalio.worker import Interceptor as WorkerInterceptor

from domain.errors import Refused
from domain.lives import Look, Subject

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
SEARCH_ATTRIBUTES: Mapping[str, IndexedValueType.ValueType] = {
    "TenantId": KEYWORD,
    "PropertyId": KEYWORD,
    "SubjectId": KEYWORD,
    "Stage": KEYWORD,
    "NextAction": KEYWORD,
    "NextActionAt": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


def innkeeper() -> SimplePlugin:
    """The plugin that client, worker, replayer and test environment share."""
    return SimplePlugin(
        "innkeeper",
        data_converter=pydantic_data_converter,
        interceptors=[Fairness(), Refusals(), Heartbeats()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def connect(address: str, namespace: str) -> Client:
    """A client that speaks as this house does."""
    return await Client.connect(address, namespace=namespace, plugins=[innkeeper()])


def serve_sdk_metrics(address: str) -> None:
    """Serve the SDK's own metrics at `host:port`; before the first connection of the process."""
    prometheus = PrometheusConfig(bind_address=address)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=prometheus)))


async def store_id(client: Client) -> str:
    """The id of Temporal's namespace: another id means another store, and no life in it."""
    answer = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return answer.namespace_info.id


async def missing_search_attributes(client: Client) -> list[str]:
    """Those of our search attributes that Temporal does not know, or knows as another kind."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    known = answer.custom_attributes
    return [name for name, kind in SEARCH_ATTRIBUTES.items() if known.get(name) != kind]


async def register_search_attributes(client: Client, names: Iterable[str] | None = None) -> None:
    """Make Temporal know our search attributes; a life that names an unknown one hangs for ever."""
    wanted = (
        SEARCH_ATTRIBUTES if names is None else {name: SEARCH_ATTRIBUTES[name] for name in names}
    )
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=dict(wanted))
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


class Fairness(Interceptor):
    """Every start is queued under its tenant's key, so one tenant's backlog delays no other."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """Wrap the client's calls."""
        return _FairStart(next)


class _FairStart(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        input.priority = _fair(input.args, input.priority)
        return await super().start_workflow(input)

    async def start_update_with_start_workflow(
        self,
        input: StartWorkflowUpdateWithStartInput,  # noqa: A002
    ) -> WorkflowUpdateHandle[Any]:
        start = input.start_workflow_input
        start.priority = _fair(start.args, start.priority)
        return await super().start_update_with_start_workflow(input)


def _fair(arguments: Sequence[Any], priority: Priority) -> Priority:
    subject = arguments[0] if arguments else None
    if not isinstance(subject, Subject):
        return priority
    return replace(priority, fairness_key=str(subject.tenant_id))


class Refusals(WorkerInterceptor):
    """A refusal is final whatever the retry policy says; logs know whose step it was."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every step."""
        return _FinalRefusals(next)


class _FinalRefusals(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        look = input.args[0] if input.args else None
        names = {}
        if isinstance(look, Look):
            names = {
                "tenant": str(look.subject.tenant_id),
                "life": look.subject.workflow_id,
            }
        with structlog.contextvars.bound_contextvars(**names):
            try:
                return await super().execute_activity(input)
            except Refused as refusal:
                raise ApplicationError(
                    refusal.detail, type=refusal.code, non_retryable=True
                ) from refusal


class Heartbeats(WorkerInterceptor):
    """A step with a heartbeat timeout says that it lives, so that a dead worker is missed soon."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap every step."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        patience = activity.info().heartbeat_timeout
        if not patience:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(patience / 4))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat(every: timedelta) -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(every.total_seconds())
