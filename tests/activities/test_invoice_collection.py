"""The steps of a collection: what each leaves in the rows, and when it leaves nothing."""

import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from uuid_utils.compat import uuid7

from activities.invoice_collection import Collecting
from activities.life import GONE
from domain.errors import Unavailable
from domain.invoice import InvoiceStatus, InvoiceType, LineKind
from domain.invoice_collection import Step
from domain.lives import Look
from domain.message_delivery import DeliveryState
from domain.next_action import Outlook
from domain.tax import Document
from models.bounce import bounce
from models.invoice import Invoice, InvoiceLine, Reminder
from models.ledger import Posting
from models.life import LifeRow
from models.message import Delivery, Message, Purpose
from models.payment import PaymentMethod
from models.record import Task, TaskStatus
from tests.support.database import DatabaseUrls
from tests.support.debt import FEE_MINOR, RENT_MINOR, Debt, a_debt, pay
from tests.support.house import House
from tests.support.steps.invoice_collection import collecting_of
from tests.support.twice import snapshot

DUE = date(2026, 10, 5)


async def reminders(house: House) -> list[Reminder]:
    async with house.session() as session:
        return list(await session.scalars(select(Reminder).order_by(Reminder.id)))


async def test_one_message_a_day_speaks_for_all_a_payer_owes(house: House) -> None:
    first = await a_debt(house, DUE)
    second = await a_debt(house, DUE + timedelta(days=3), resident_id=first.resident_id)
    collecting = collecting_of(house)
    await collecting.remind(first.look(first.after(0)))
    await collecting.remind(second.look(first.after(0)))
    rungs = await reminders(house)
    assert [(row.invoice_id, row.rung) for row in rungs] == [
        (first.invoice_id, 0),
        (second.invoice_id, -3),
    ]
    assert len({row.message_id for row in rungs}) == 1
    async with house.session() as session:
        assert list(await session.scalars(select(Message.purpose))) == [Purpose.REMINDER]


async def test_a_rung_is_marked_with_the_message_of_the_day_that_left_already(
    house: House,
) -> None:
    first = await a_debt(house, DUE)
    second = await a_debt(house, DUE, resident_id=first.resident_id)
    collecting = collecting_of(house)
    await collecting.remind(first.look(first.after(0)))
    async with house.session() as session:
        for row in (await session.scalars(select(Delivery))).all():
            row.state = DeliveryState.delivered
        (await session.scalars(select(Message))).one().state = DeliveryState.delivered
    await collecting.remind(second.look(first.after(0) + timedelta(hours=1)))
    rungs = await reminders(house)
    assert len({row.message_id for row in rungs}) == 1
    assert {row.invoice_id for row in rungs} == {first.invoice_id, second.invoice_id}
    async with house.session() as session:
        assert set(await session.scalars(select(Delivery.state))) == {DeliveryState.delivered}


@pytest.mark.parametrize(
    "step", [Step.remind, Step.charge_late_fee, Step.break_promise, Step.hand_to_operator]
)
async def test_a_step_that_is_not_due_only_says_what_is(
    house: House, database_urls: DatabaseUrls, step: Step
) -> None:
    debt = await a_debt(house, DUE)
    collecting = collecting_of(house)
    early = debt.look(debt.after(-5))
    seen = await collecting.look(early)
    before = await snapshot(database_urls)
    assert await getattr(collecting, step)(early) == seen
    assert (seen.step, seen.at) == (Step.remind, debt.after(-3))
    assert await snapshot(database_urls) == before


async def test_after_payment_every_step_ends_the_life_and_says_nothing(house: House) -> None:
    debt = await a_debt(house, DUE)
    collecting = collecting_of(house)
    await collecting.look(debt.look(debt.after(-5)))
    await pay(debt, debt.after(-4))
    for step in Step:
        outlook = await getattr(collecting, step)(debt.look(debt.after(20)))
        assert (outlook.stage, outlook.step) == ("paid", None)
    assert await reminders(house) == []
    assert await debt.penalty() is None
    async with house.session() as session:
        assert list(await session.scalars(select(LifeRow))) == []


async def test_a_late_fee_is_an_invoice_of_its_own_taxed_as_what_it_is_late_for(
    house: House,
) -> None:
    debt = await a_debt(house, DUE, rate=Decimal(5))
    await collecting_of(house).remind(debt.look(debt.after(1)))
    await collecting_of(house).charge_late_fee(debt.look(debt.after(4)))
    parent, penalty = await debt.row(), await debt.penalty()
    assert penalty is not None
    fee = 525_00  # 5 % of 10,500.00, and 5 % GST on it
    assert (penalty.subtotal_minor, penalty.tax_minor) == (fee, 26_26)
    assert penalty.invoice_type == InvoiceType.penalty
    assert penalty.document == parent.document == Document.tax_invoice
    assert penalty.due_date == penalty.invoice_date == DUE + timedelta(days=4)
    assert penalty.invoice_number != parent.invoice_number
    async with house.session() as session:
        of_fee = select(InvoiceLine).where(InvoiceLine.invoice_id == penalty.id)
        line = (await session.scalars(of_fee)).one()
        assert (line.kind, line.cgst_minor, line.sgst_minor) == (LineKind.late_fee, 13_13, 13_13)
        assert parent.invoice_number is not None
        assert parent.invoice_number in line.description
        booked = select(func.sum(Posting.minor)).where(Posting.invoice_id == penalty.id)
        assert await session.scalar(booked) == penalty.total_minor
        told = await session.scalars(select(Message).where(Message.about_id == penalty.id))
        assert told.one().purpose == Purpose.LATE_FEE


async def test_a_fee_is_taken_of_what_is_still_open(house: House) -> None:
    debt = await a_debt(house, DUE)
    await pay(debt, debt.after(-4), RENT_MINOR - 3_333_33)
    await collecting_of(house).remind(debt.look(debt.after(1)))
    await collecting_of(house).charge_late_fee(debt.look(debt.after(4)))
    penalty = await debt.penalty()
    assert penalty is not None
    assert penalty.total_minor == 166_67


async def test_what_the_database_refuses_becomes_a_task_and_the_plan_goes_on(
    house: House, database_urls: DatabaseUrls
) -> None:
    debt = await a_debt(house, DUE)
    collecting = collecting_of(house)
    await collecting.remind(debt.look(debt.after(1)))
    await refuse_penalties(database_urls)
    outlook = await collecting.charge_late_fee(debt.look(debt.after(4)))
    assert (outlook.step, outlook.at) == (Step.remind, debt.after(7))
    async with house.session() as session:
        task = (await session.scalars(select(Task))).one()
        assert (task.what, task.status) == (Step.charge_late_fee, TaskStatus.OPEN)
        assert "no_penalties" in task.detail
        assert "insert" not in task.detail.lower()
        fees = select(func.count()).where(Invoice.invoice_type == InvoiceType.penalty)
        assert await session.scalar(fees) == 0
    again = await collecting.charge_late_fee(debt.look(debt.after(4)))
    assert again == outlook


async def refuse_penalties(urls: DatabaseUrls) -> None:
    """A constraint of the database stands against every late fee."""
    connection = await asyncpg.connect(urls.owner)
    await connection.execute(
        "alter table invoices add constraint no_penalties check (invoice_type <> 'penalty')"
    )
    await connection.close()


class Stubborn(Collecting):
    """A step that acts and changes nothing, so it would be due for ever."""

    @activity.defn
    async def remind(self, look: Look) -> Outlook:
        return await self._taken(look, Step.remind, _nothing)


async def _nothing(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    """Leave everything as it is."""


async def test_a_step_that_leaves_itself_due_is_refused_and_never_runs_hot(house: House) -> None:
    debt = await a_debt(house, DUE)
    stubborn = Stubborn(house.database, "a-store")
    outlook = await stubborn.remind(debt.look(debt.after(-3)))
    assert (outlook.step, outlook.at) == (Step.charge_late_fee, debt.after(4))
    async with house.session() as session:
        task = (await session.scalars(select(Task))).one()
        assert (task.what, task.detail) == (Step.remind, "remind left itself due again")


async def test_a_subject_that_is_gone_is_forgotten(house: House) -> None:
    gone = Debt(house, uuid7(), uuid7(), DUE)
    collecting = collecting_of(house)
    for step in ("look", *Step):
        assert await getattr(collecting, step)(gone.look(gone.after(0))) == GONE


async def test_what_cannot_be_planned_now_is_tried_again_and_ends_no_life(house: House) -> None:
    debt = await a_debt(house, DUE)
    async with house.session() as session:
        await session.execute(text("update invoices set timezone = 'Nowhere/Else'"))
    with pytest.raises(Unavailable, match="cannot be planned"):
        await collecting_of(house).look(debt.look(debt.after(0)))
    with pytest.raises(Unavailable, match="cannot be planned"):
        await collecting_of(house).remind(debt.look(debt.after(0)))


async def test_two_workers_at_one_step_do_it_once(house: House) -> None:
    debt = await a_debt(house, DUE)
    collecting = collecting_of(house)
    look = debt.look(debt.after(1))
    outlooks = await asyncio.gather(*(collecting.remind(look) for _ in range(5)))
    assert len(set(outlooks)) == 1
    assert [row.rung for row in await reminders(house)] == [1]
    late = debt.look(debt.after(4))
    await asyncio.gather(*(collecting.charge_late_fee(late) for _ in range(5)))
    penalty = await debt.penalty()
    assert penalty is not None
    assert penalty.total_minor == FEE_MINOR


async def test_money_and_fee_that_meet_leave_one_or_the_other(house: House) -> None:
    collecting = collecting_of(house)
    for _ in range(5):
        debt = await a_debt(house, DUE)
        await collecting.remind(debt.look(debt.after(1)))
        at = debt.after(4)
        await asyncio.gather(collecting.charge_late_fee(debt.look(at)), pay(debt, at))
        assert (await debt.row()).status == InvoiceStatus.paid
        penalty = await debt.penalty()
        assert penalty is None or penalty.balance_minor == FEE_MINOR


async def test_a_closed_invoice_needs_no_operator_and_one_that_reopens_is_handed_over_anew(
    house: House,
) -> None:
    debt = await a_debt(house, DUE)
    collecting = collecting_of(house)
    late = debt.look(debt.after(20))
    for step in (collecting.charge_late_fee, collecting.remind, collecting.hand_to_operator):
        await step(late)
    payment = await pay(debt, debt.after(21), method=PaymentMethod.CHEQUE)
    async with house.session() as session:
        task = (await session.scalars(select(Task))).one()
        assert (task.status, task.resolution) == (TaskStatus.DONE, "the invoice is paid")
        await bounce(session, payment.id, debt.after(25), "no funds")
    outlook = await collecting.look(debt.look(debt.after(25)))
    assert outlook.step == Step.hand_to_operator
    await collecting.hand_to_operator(debt.look(debt.after(25)))
    async with house.session() as session:
        states = await session.scalars(select(Task.status).order_by(Task.opened_at))
        assert list(states) == [TaskStatus.DONE, TaskStatus.OPEN]
