"""Histories that were recorded replay with the code of today: no running life is wedged by it.

`INNKEEPER_RECORD=1 pytest tests/replay` records them anew under tests/replay/histories. Keep the
old ones when a workflow changes: lives of that age are still running.
"""

import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from domain import keys
from models.invoice import Invoice
from models.message import Message
from models.money_in import receive
from models.money_intake import NewPayment
from models.payment import PaymentMethod
from models.record import BillingRun as RunRow
from runtime import schedules
from runtime.temporal import innkeeper
from tests.support.database import DatabaseUrls
from tests.support.histories import HISTORIES, keep, kept, words_of
from tests.support.house import a_property, a_resident, an_agreement
from tests.support.underway import Underway, at, under_way
from workers import billing
from workflows.billing_clock import BillingClock
from workflows.billing_run import BillingRun
from workflows.invoice_collection import InvoiceCollection
from workflows.message_delivery import MessageDelivery
from workflows.payment_attempt import PaymentAttempt
from workflows.payment_method import PaymentMethod as SavedMethod
from workflows.repair import Repair

WORKFLOWS = [
    BillingClock,
    BillingRun,
    InvoiceCollection,
    MessageDelivery,
    PaymentAttempt,
    SavedMethod,
    Repair,
]
KEPT = sorted(HISTORIES.glob("*.json"))


def test_every_workflow_has_a_kept_history() -> None:
    defined = {
        name
        for file in Path("workflows").glob("*.py")
        for name in re.findall(r"@workflow\.defn\nclass (\w+)", file.read_text())
    }
    assert {workflow.__name__ for workflow in WORKFLOWS} == defined
    assert {file.name.partition("-")[0] for file in KEPT} == defined


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
async def test_a_kept_history_replays(file: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, plugins=[innkeeper()])
    assert (await replayer.replay_workflow(kept(file))).replay_failure is None


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_a_kept_history_holds_nothing_personal(file: Path) -> None:
    words = words_of(file).lower()
    assert not [word for word in ("asha", " rao", "@", "+91", "/work") if word in words]


async def test_a_month_played_today_replays(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        house.carrier.away_at_first = True
        lives = await _a_month(house)
        for name, workflow_id in lives.items():
            handle = env.client.get_workflow_handle(workflow_id)
            history = await handle.fetch_history()
            replayer = Replayer(workflows=WORKFLOWS, plugins=[innkeeper()])
            assert (await replayer.replay_workflow(history)).replay_failure is None
            if os.environ.get("INNKEEPER_RECORD") == "1":
                keep(f"{name}-1", history)


async def _a_month(house: Underway) -> dict[str, str]:
    """Billed by the clock, reminded against a carrier that is away at first, charged, paid."""
    place = await a_property(house.house)
    resident = await a_resident(house.house)
    await an_agreement(house.house, resident.id, place, start=date(2031, 9, 1))
    async with _at_work(house):
        fired: dict[str, str] = {}
        listed = await schedules.cyclic(house.env.client, house.database, repair=True)
        for name, schedule in zip(("Repair", "BillingClock"), listed, strict=True):
            fired[name] = await schedule.fire(house.clock.now())
        await house.driver.fire(listed[1])
        await house.driver.to(at(date(2031, 9, 12)))
        await _pay(house, house.clock.now())
        await house.driver.to(at(date(2031, 9, 14)))
        return {**fired, **await _lives(house)}


@asynccontextmanager
async def _at_work(house: Underway) -> AsyncGenerator[None]:
    bills = billing.worker(house.env.client, house.database, house.store_id)
    async with house.worker(), bills:
        yield


async def _pay(house: Underway, now: datetime) -> None:
    async with house.house.session() as session:
        invoices = (await session.scalars(select(Invoice))).all()
        owed = sum(invoice.balance_minor for invoice in invoices)
        day = (now - timedelta(days=1)).date()
        resident_id = invoices[0].resident_id
        new = NewPayment(resident_id, owed, "INR", PaymentMethod.CASH, day)
        await receive(session, new, now)


async def _lives(house: Underway) -> dict[str, str]:
    tenant = house.house.tenant_id
    async with house.house.session() as session:
        run = (await session.scalars(select(RunRow))).first()
        first = (await session.scalars(select(Invoice).order_by(Invoice.due_date))).first()
        message = (await session.scalars(select(Message).order_by(Message.effective_at))).first()
    assert run is not None
    assert first is not None
    assert message is not None
    return {
        "BillingRun": keys.billing_run(tenant, f"{run.period:%Y-%m}"),
        "InvoiceCollection": keys.invoice_collection(tenant, first.id),
        "MessageDelivery": keys.message_delivery(tenant, message.id),
    }
