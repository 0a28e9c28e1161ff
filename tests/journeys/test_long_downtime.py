"""Ninety-five days without a worker: every month is billed in order, nobody is flooded."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, timedelta

from sqlalchemy import select
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.billing_run import Billing, NextChunk
from domain.calendar import Month
from domain.invoice import InvoiceType
from domain.lives import Look
from models import billing_run
from models.invoice import Invoice
from models.message import Message, Purpose
from models.record import BillingRun
from runtime import schedules
from tests.support.database import DatabaseUrls
from tests.support.house import a_property, a_resident, an_agreement
from tests.support.underway import Underway, at, under_way
from workers import billing

RESIDENTS = 5
BILLED_THROUGH = date(2031, 8, 1)
AWAY = timedelta(days=95)


async def test_the_first_day_back_bills_three_months_and_reminds_once(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """September was billed, its collections were never begun: the worker had died by then."""
    async with under_way(env, database_urls) as house:
        await _let(house)
        await _bill_september(house)
        async with house.house.session() as session:
            september = set(await session.scalars(select(Invoice.id)))
        assert len(september) == RESIDENTS

        await house.driver.away_until(at(date(2031, 9, 1)) + AWAY)
        async with _at_work(house):
            await _strike(house)
            await house.driver.until_quiet()

        async with house.house.session() as session:
            runs = await session.scalars(select(BillingRun).order_by(BillingRun.finished_at))
            assert [run.period.month for run in runs] == [9, 10, 11, 12]
            rents = await session.scalars(
                select(Invoice).where(Invoice.invoice_type == InvoiceType.rent)
            )
            months = Counter(invoice.period for invoice in rents)
            assert months == {date(2031, month, 1): RESIDENTS for month in (9, 10, 11, 12)}
            penalties = await session.scalars(
                select(Invoice).where(Invoice.invoice_type == InvoiceType.penalty)
            )
            assert {fee.parent_id for fee in penalties} == september
            sent = (await session.scalars(select(Message))).all()
        told = Counter((message.resident_id, message.purpose) for message in sent)
        assert set(told.values()) == {1}
        assert {purpose for _, purpose in told} == {Purpose.REMINDER, Purpose.LATE_FEE}
        assert house.carrier.none_twice()


async def _let(house: Underway) -> None:
    """A full house whose August was billed elsewhere."""
    place = await a_property(house.house, beds=RESIDENTS)
    for bed in range(RESIDENTS):
        resident = await a_resident(house.house)
        await an_agreement(
            house.house,
            resident.id,
            place,
            bed=bed,
            start=date(2031, 1, 1),
            billed_through=BILLED_THROUGH,
        )


async def _bill_september(house: Underway) -> None:
    """The last thing the worker did: it committed the run, and woke nobody any more."""
    now = house.clock.now()
    async with house.house.session() as session:
        run = await billing_run.ask(session, Month(2031, 9), None, now, "test")
        subject = billing_run.subject_of(run)
    steps = Billing(house.database, house.store_id)
    look = Look(subject, now)
    await ActivityEnvironment().run(steps.issue_chunk, NextChunk(look, afresh=True))
    await ActivityEnvironment().run(steps.close, look)


@asynccontextmanager
async def _at_work(house: Underway) -> AsyncGenerator[None]:
    """Both workers, for the length of the block."""
    bills = billing.worker(house.env.client, house.database, house.store_id)
    async with house.worker(), bills:
        yield


async def _strike(house: Underway) -> None:
    """The billing clock strikes once: a schedule buffers one stroke, however many it missed."""
    for clock in await schedules.cyclic(house.env.client, house.database):
        await house.driver.fire(clock)
