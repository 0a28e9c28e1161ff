"""A month billed by its life in skipped time: real workers, relays and database."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.billing_run import Billing
from domain.calendar import Month
from domain.lives import Subject
from models.billing_run import ask, stop, subject_of
from models.invoice import Invoice
from models.life import LifeRow
from models.record import AuditRow, DomainEvent
from runtime.temporal import innkeeper
from tests.support.agreements import counted, gaps, many_agreements, run_of
from tests.support.database import DatabaseUrls
from tests.support.soak import SOAK
from tests.support.underway import Underway, under_way
from workers import billing
from workflows import queues
from workflows.billing_run import BillingRun as BillingRunLife
from workflows.life import HISTORY_EVENTS_MAX

AUGUST, SEPTEMBER = Month(2031, 8), Month(2031, 9)
BEFORE = date(2031, 1, 1)


@asynccontextmanager
async def at_work(house: Underway) -> AsyncGenerator[None]:
    """Both workers, for the length of the block."""
    bills = billing.worker(house.env.client, house.database, house.store_id)
    async with house.worker(), bills:
        yield


async def let(house: Underway, amount: int, through: date = AUGUST.first) -> None:
    """Residents whose rent was billed until a month."""
    await many_agreements(house.house, amount, start=BEFORE, billed_through=through)


async def asked(house: Underway, month: Month, property_id: UUID | None = None) -> Subject:
    """The run of that month, asked for now."""
    async with house.house.session() as session:
        run = await ask(session, month, property_id, house.clock.now(), "platform:test")
        return subject_of(run)


async def closed(house: Underway) -> list[tuple[str, str, int]]:
    """The runs that were closed, in order: month, how, how many invoices."""
    async with house.house.session() as session:
        told = await session.scalars(
            select(DomainEvent)
            .where(DomainEvent.type == "billing_run.closed")
            .order_by(DomainEvent.id)
        )
        return [(e.data["period"], e.data["status"], e.data["issued"]) for e in told]


async def shown(house: Underway, workflow_id: str) -> dict[str, str]:
    """What Temporal lists the life by."""
    told = await house.described(workflow_id)
    fields = told.workflow_execution_info.search_attributes.indexed_fields
    return {name: json.loads(payload.data) for name, payload in fields.items()}


async def test_a_month_asked_for_is_issued_and_every_collection_begins(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The relay starts the run; its close is told, and each invoice has a life that waits."""
    async with under_way(env, database_urls) as house, at_work(house):
        await let(house, 7)
        subject = await asked(house, SEPTEMBER)
        await house.driver.until_quiet()
        run = await run_of(house.house, subject)
        assert (run.status, run.issued_count, run.refused_count) == ("issued", 7, 0)
        assert await closed(house) == [("2031-09", "issued", 7)]
        assert await counted(house.house, LifeRow) == 7
        evidence = select(AuditRow).where(AuditRow.actor == f"life:{subject.workflow_id}")
        async with house.house.session() as session:
            written = [(row.table_name, row.why) for row in await session.scalars(evidence)]
        assert written.count(("invoices", "issue_chunk")) == 7
        assert ("billing_runs", "close") in written
        attributes = await shown(house, subject.workflow_id)
        assert attributes["TenantId"] == str(house.house.tenant_id)
        assert (attributes["SubjectId"], attributes["Stage"]) == (str(subject.id), "issued")


async def test_asked_again_the_same_life_bills_what_is_new(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """A closed run starts again under its id; with nothing new it is not even woken."""
    async with under_way(env, database_urls) as house, at_work(house):
        await let(house, 3)
        subject = await asked(house, SEPTEMBER)
        await house.driver.until_quiet()
        first = await house.run_id(subject.workflow_id)
        await asked(house, SEPTEMBER)
        await house.driver.until_quiet()
        assert await house.run_id(subject.workflow_id) == first
        await let(house, 2)
        assert await asked(house, SEPTEMBER) == subject
        await house.driver.until_quiet()
        assert await house.run_id(subject.workflow_id) != first
        assert (await run_of(house.house, subject)).issued_count == 5
        assert await gaps(house.house) == []


async def test_months_nobody_billed_go_first_and_in_order(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """September is asked for; June to August are closed before it."""
    async with under_way(env, database_urls) as house, at_work(house):
        await let(house, 2, through=date(2031, 5, 1))
        await asked(house, SEPTEMBER)
        await house.driver.until_quiet()
        assert await closed(house) == [(f"2031-0{month}", "issued", 2) for month in (6, 7, 8, 9)]
        async with house.house.session() as session:
            periods = await session.scalars(select(Invoice.period).order_by(Invoice.invoice_number))
            assert [day.month for day in periods if day] == [6, 6, 7, 7, 8, 8, 9, 9]


async def test_a_month_that_is_woken_too_early_waits_for_the_one_before_it(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Repair may wake any run; its turn comes all the same."""
    async with under_way(env, database_urls) as house:
        await let(house, 2, through=date(2031, 7, 1))
        early = await asked(house, SEPTEMBER)
        await env.client.start_workflow(
            BillingRunLife.run, early, id=early.workflow_id, task_queue=queues.BILLING
        )
        async with at_work(house):
            await house.driver.until_quiet()
        assert await closed(house) == [("2031-08", "issued", 2), ("2031-09", "issued", 2)]


async def test_a_run_that_is_to_stop_closes_as_stopped_and_can_be_resumed(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The wish is in the row, so it is heard also when the run has not begun."""
    async with under_way(env, database_urls) as house:
        await let(house, 4)
        subject = await asked(house, SEPTEMBER)
        async with house.house.session() as session:
            await stop(session, subject.id, house.clock.now())
        async with at_work(house):
            await house.driver.until_quiet()
            assert (await run_of(house.house, subject)).status == "stopped"
            await asked(house, SEPTEMBER)
            await house.driver.until_quiet()
        assert await closed(house) == [("2031-09", "stopped", 0), ("2031-09", "issued", 4)]


async def test_the_houses_of_a_tenant_can_be_billed_one_by_one(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Each property has its own life; what it billed, the run of all finds billed."""
    async with under_way(env, database_urls) as house, at_work(house):
        rosters = [
            await many_agreements(house.house, 2, start=BEFORE, billed_through=AUGUST.first)
            for _ in range(2)
        ]
        subject = await asked(house, SEPTEMBER, rosters[0].property_id)
        await house.driver.until_quiet()
        attributes = await shown(house, subject.workflow_id)
        assert attributes["PropertyId"] == str(rosters[0].property_id)
        await asked(house, SEPTEMBER)
        await house.driver.until_quiet()
        assert await closed(house) == [("2031-09", "issued", 2)] * 2
        assert await gaps(house.house) == []


async def test_its_history_can_be_replayed(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Several chunks and the close, by the code as it is."""
    async with under_way(env, database_urls) as house:
        await let(house, 5)
        subject = await asked(house, SEPTEMBER)
        async with house.worker(), small_chunks(house, 2):
            await house.driver.until_quiet()
        history = await env.client.get_workflow_handle(subject.workflow_id).fetch_history()
        chunks = [
            event
            for event in history.events
            if event.activity_task_scheduled_event_attributes.activity_type.name == "issue_chunk"
        ]
        assert len(chunks) == 3
        replayer = Replayer(workflows=[BillingRunLife], plugins=[innkeeper()])
        await replayer.replay_workflow(history)


@pytest.mark.skipif(not SOAK, reason="three hundred chunks take half a minute")
async def test_a_long_run_begins_its_history_anew(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """The cursor is in the row, so nothing is lost with the history."""
    async with under_way(env, database_urls) as house:
        await let(house, 300)
        subject = await asked(house, SEPTEMBER)
        async with house.worker(), small_chunks(house, 1):
            await house.driver.until_quiet()
        assert await closed(house) == [("2031-09", "issued", 300)]
        assert await house.history_length(subject.workflow_id) < HISTORY_EVENTS_MAX
        history = await env.client.get_workflow_handle(subject.workflow_id).fetch_history()
        started = history.events[0]
        assert started.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
        assert started.workflow_execution_started_event_attributes.continued_execution_run_id


def small_chunks(house: Underway, chunk: int) -> Worker:
    """The billing worker with chunks of that size."""
    steps = Billing(house.database, house.store_id, chunk=chunk)
    return Worker(
        house.env.client,
        task_queue=queues.BILLING,
        workflows=[BillingRunLife],
        activities=[steps.issue_chunk, steps.close],
    )
