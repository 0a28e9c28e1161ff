"""Which workflow each kind of subject lives by, and how a wake-up is delivered to it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from domain.errors import Unavailable
from domain.lives import Subject
from models.life import SubjectKind
from workflows import queues
from workflows.billing_run import BillingRun
from workflows.invoice_collection import InvoiceCollection
from workflows.life import Life
from workflows.message_delivery import MessageDelivery
from workflows.payment_attempt import PaymentAttempt
from workflows.payment_method import PaymentMethod

# How long somebody at a screen is kept waiting for a life.
PATIENCE = timedelta(seconds=5)
URGENT = 1
_NOT_NOW = (
    TimeoutError,
    RPCError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a kind of life runs."""

    run: Callable[..., Any]
    queue: str


HOMES: dict[SubjectKind, Home] = {
    SubjectKind.INVOICE: Home(InvoiceCollection.run, queues.LIVES),
    SubjectKind.MESSAGE: Home(MessageDelivery.run, queues.LIVES),
    SubjectKind.BILLING_RUN: Home(BillingRun.run, queues.BILLING),
    SubjectKind.PAYMENT_ATTEMPT: Home(PaymentAttempt.run, queues.LIVES),
    SubjectKind.PAYMENT_METHOD: Home(PaymentMethod.run, queues.LIVES),
}


async def deliver_wake(client: Client, kind: SubjectKind, subject: Subject, priority: int) -> None:
    """Signal-with-start: a running life looks again, an ended one starts again, none is doubled."""
    home = HOMES[kind]
    try:
        await client.start_workflow(
            home.run,
            subject,
            id=subject.workflow_id,
            task_queue=home.queue,
            start_signal="news",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            priority=Priority(priority_key=priority),
            static_summary=f"{kind.replace('_', ' ')} {subject.id}",
        )
    except RPCError as error:
        raise Unavailable("Temporal does not answer") from error


async def catch_up(client: Client, kind: SubjectKind, subject: Subject) -> None:
    """Have a life (started if need be) do now what is due now, and wait until it has.

    Unavailable when that takes more than five seconds: the life goes on by itself.
    """
    home = HOMES[kind]
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        home.run,
        subject,
        id=subject.workflow_id,
        task_queue=home.queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        priority=Priority(priority_key=URGENT),
        static_summary=f"{kind.replace('_', ' ')} {subject.id}",
    )
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]
                Life.catch_up, start_workflow_operation=start
            )
    except _NOT_NOW as error:
        raise Unavailable("it takes longer than usual; ask again in a moment") from error


class LifeDesk:
    """Lives as somebody at a screen needs them: the client connects when it is first wanted."""

    def __init__(self, connected: Callable[[], Awaitable[Client]]) -> None:
        self._connected = connected
        self._client: Client | None = None

    async def catch_up(self, kind: SubjectKind, subject: Subject) -> None:
        """Have a life do now what is due, and wait; Unavailable after five seconds."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                if self._client is None:
                    self._client = await self._connected()
        except (TimeoutError, RuntimeError) as error:
            raise Unavailable("the lives cannot be reached; ask again in a moment") from error
        await catch_up(self._client, kind, subject)
