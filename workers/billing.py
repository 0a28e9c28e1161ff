"""The worker of the queue `billing`: runs and their clock, so a long run delays no reminder."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities.billing_clock import Opening
from activities.billing_run import Billing
from models.database import Database
from runtime.drain import DRAIN
from workflows import queues
from workflows.billing_clock import BillingClock
from workflows.billing_run import BillingRun


def worker(
    client: Client, database: Database, store_id: str, *, drain: timedelta = DRAIN
) -> Worker:
    """Serves billing runs and the clock that opens them; `drain`: its patience at the end."""
    billing = Billing(database, store_id)
    return Worker(
        client,
        task_queue=queues.BILLING,
        workflows=[BillingRun, BillingClock],
        activities=[billing.issue_chunk, billing.close, Opening(database).open_due_runs],
        graceful_shutdown_timeout=drain,
    )
