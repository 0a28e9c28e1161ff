"""Which workflow each kind of subject lives by, and how a wake-up is delivered to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from domain.errors import Unavailable
from domain.lives import Subject
from models.life import SubjectKind
from workflows import queues
from workflows.billing_run import BillingRun
from workflows.invoice_collection import InvoiceCollection
from workflows.message_delivery import MessageDelivery


@dataclass(frozen=True, slots=True)
class Home:
    """Where a kind of life runs."""

    run: Callable[..., Any]
    queue: str


HOMES: dict[SubjectKind, Home] = {
    SubjectKind.INVOICE: Home(InvoiceCollection.run, queues.LIVES),
    SubjectKind.MESSAGE: Home(MessageDelivery.run, queues.LIVES),
    SubjectKind.BILLING_RUN: Home(BillingRun.run, queues.BILLING),
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
