"""A life that met everything replays: a broken promise, an outage, every reminder, the operator."""

import os
from datetime import timedelta

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from models.suspension import promise
from runtime.temporal import innkeeper
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt
from tests.support.histories import keep
from tests.support.underway import Underway, under_way
from workflows.invoice_collection import InvoiceCollection


async def test_a_life_that_met_everything_replays(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, (house.clock.now() + timedelta(days=20)).date())
        await _live(house, debt)
        history = await env.client.get_workflow_handle(debt.workflow_id).fetch_history()
    steps = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert {"look_at_invoice", "break_promise", "charge_late_fee", "hand_to_operator"} < set(steps)
    await Replayer(workflows=[InvoiceCollection], plugins=[innkeeper()]).replay_workflow(history)
    if os.environ.get("INNKEEPER_RECORD") == "1":
        keep("InvoiceCollection-2", history)


async def _live(house: Underway, debt: Debt) -> None:
    fee = debt.after(4)
    async with house.worker():
        await house.driver.to(debt.after(-2))
        async with house.house.session() as session:
            day = debt.due + timedelta(days=2)
            await promise(session, debt.invoice_id, day, None, house.clock.now())
        await house.driver.to(debt.after(3) + timedelta(hours=1))
        with house.outage():
            await house.driver.away_until(fee + timedelta(minutes=10))
        await house.driver.away_until(fee + timedelta(minutes=12))
        await house.driver.to(debt.after(17))
