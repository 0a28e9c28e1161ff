"""The worker of the queue `lives`: everything that waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.attempt_order import Purse
from activities.invoice_collection import Collecting
from activities.message_delivery import Delivering
from activities.payment_attempt import Attempting
from activities.payment_method import Keeping
from activities.repair import Repairing
from models.database import Database
from providers.documents import Press
from providers.messages import Messenger
from runtime.drain import DRAIN
from workflows import queues
from workflows.invoice_collection import InvoiceCollection
from workflows.message_delivery import MessageDelivery
from workflows.payment_attempt import PaymentAttempt
from workflows.payment_method import PaymentMethod
from workflows.repair import Repair


def worker(
    client: Client,
    database: Database,
    messenger: Messenger,
    store_id: str,
    press: Press | None = None,
    *,
    purse: Purse | None = None,
    max_cached_workflows: int = 1_000,
    drain: timedelta = DRAIN,
) -> Worker:
    """Serves collections, hard deliveries, attempts, saved methods and repair.

    So many lives are kept in memory. Without a `purse` no provider is asked for anything: attempts
    and saved methods wait for a worker that has one.

    `drain` is the patience with steps under way when the worker is told to end.
    """
    collecting = Collecting(database, store_id)
    delivering = Delivering(
        database, store_id, messenger, press, links=None if purse is None else purse.links
    )
    repairing = Repairing(database, store_id)
    return Worker(
        client,
        task_queue=queues.LIVES,
        workflows=[InvoiceCollection, MessageDelivery, PaymentAttempt, PaymentMethod, Repair],
        activities=[
            *(() if purse is None else _attempting(Attempting(database, store_id, purse))),
            *(() if purse is None else _keeping(Keeping(database, store_id, purse))),
            collecting.look,
            collecting.remind,
            collecting.charge_late_fee,
            collecting.charge_daily_fee,
            collecting.break_promise,
            collecting.break_instalments,
            collecting.hand_to_operator,
            delivering.look,
            delivering.deliver,
            repairing.wake_the_lost,
            repairing.forget_old_answers,
        ],
        max_cached_workflows=max_cached_workflows,
        graceful_shutdown_timeout=drain,
    )


def _attempting(attempting: Attempting) -> list[Callable[..., Any]]:
    return [
        attempting.look,
        attempting.open_page,
        attempting.look_up,
        attempting.take_money,
        attempting.close_page,
        attempting.end_page,
        attempting.look_up_late,
    ]


def _keeping(keeping: Keeping) -> list[Callable[..., Any]]:
    return [
        keeping.look,
        keeping.open_setup_page,
        keeping.look_up_card,
        keeping.end_setup_page,
        keeping.detach,
    ]
