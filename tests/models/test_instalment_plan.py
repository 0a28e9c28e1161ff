"""Instalments in the rows: agreed, kept, missed, replaced, cancelled; and who hears of it."""

from datetime import date, timedelta

import pytest

from domain.errors import IllegalTransition
from domain.invoice_collection import Step
from models import suspension
from models.bounce import bounce
from models.database import Database, one
from models.instalment import Instalment, open_parts_of
from models.instalment_plan import agree, cancel
from models.invoice import Invoice, Reminder
from models.message import Message, Purpose
from models.payment import PaymentMethod
from models.record import AuditRow
from tests.support.books import DUE, breaches, rows
from tests.support.debt import DAILY_TERMS, DAY_MINOR, FEE_MINOR, RENT_MINOR, Debt, a_debt, pay
from tests.support.house import House
from tests.support.steps.invoice_collection import collecting_of

HALF = RENT_MINOR // 2


def on(*days: int) -> list[tuple[date, int]]:
    """Equal parts on these days after the due day."""
    return [(DUE + timedelta(days=day), RENT_MINOR // len(days)) for day in days]


async def in_parts(house: House, *days: int) -> Debt:
    """A rent with a fee for each day, paid in parts from the day after it was due."""
    debt = await a_debt(house, DUE, terms=DAILY_TERMS)
    async with house.session() as session:
        await agree(session, debt.invoice_id, on(*days), "on payday", debt.after(1))
    return debt


async def left(debt: Debt) -> list[tuple[int, int]]:
    """The number and the open amount of each part."""
    async with debt.house.session() as session:
        invoice = await one(session, Invoice, debt.invoice_id)
        return [(part.number, part.open_minor) for part in await open_parts_of(session, invoice)]


async def ended(house: House) -> list[str | None]:
    return [part.ended_as for part in await rows(house, Instalment)]


async def test_parts_that_come_in_time_cost_nothing_and_are_reminded_of_each(
    database: Database, house: House
) -> None:
    debt = await in_parts(house, 7, 14)
    collecting = collecting_of(house)
    for day in (4, 7):
        await collecting.remind(debt.look(debt.after(day)))
    await pay(debt, debt.after(7), HALF)
    for day in (8, 11, 14):
        await collecting.remind(debt.look(debt.after(day)))
        await collecting.break_instalments(debt.look(debt.after(day)))
    await pay(debt, debt.after(14), HALF)
    assert (await debt.row()).status == "paid"
    assert await debt.fees() == []
    parts = [part.id for part in await rows(house, Instalment)]
    sent = [(row.instalment_id, row.rung) for row in await rows(house, Reminder)]
    assert sent == [(parts[0], -3), (parts[0], 0), (parts[1], -3), (parts[1], 0)]
    assert await ended(house) == [None, None]
    assert await breaches(database) == {}


async def test_a_missed_part_breaks_them_and_the_fee_is_as_if_nothing_was_agreed(
    database: Database, house: House
) -> None:
    debt = await in_parts(house, 7, 14)
    collecting = collecting_of(house)
    await pay(debt, debt.after(6), HALF - 1)
    outlook = await collecting.break_instalments(debt.look(debt.after(8)))
    assert (outlook.step, outlook.at) == (Step.charge_late_fee, debt.after(4))
    await collecting.charge_late_fee(debt.look(debt.after(8)))
    await pay(debt, debt.after(9))
    assert await debt.fees() == [(0, FEE_MINOR // 2, "paid"), (1, 6 * DAY_MINOR, "paid")]
    told = [message.purpose for message in await rows(house, Message)]
    assert told[:1] == [Purpose.INSTALMENTS_AGREED]
    assert Purpose.INSTALMENTS_BROKEN in told
    assert await ended(house) == ["broken", "broken"]
    assert await breaches(database) == {}


async def test_money_settles_the_oldest_part_first_and_a_bounce_opens_it_again(
    house: House,
) -> None:
    debt = await in_parts(house, 7, 14)
    cheque = await pay(debt, debt.after(2), HALF + 1, method=PaymentMethod.CHEQUE)
    assert await left(debt) == [(2, HALF - 1)]
    async with house.session() as session:
        await bounce(session, cheque.id, debt.after(5), "no funds")
    assert await left(debt) == [(1, HALF), (2, HALF)]
    outlook = await collecting_of(house).break_instalments(debt.look(debt.after(8)))
    assert outlook.step == Step.charge_late_fee


async def test_other_parts_take_the_place_of_those_agreed_before(house: House) -> None:
    debt = await in_parts(house, 7, 14)
    async with house.session() as session:
        await agree(session, debt.invoice_id, on(5, 10, 15, 20), None, debt.after(2))
    assert await ended(house) == ["replaced"] * 2 + [None] * 4
    assert [number for number, _ in await left(debt)] == [1, 2, 3, 4]


async def test_cancelled_the_whole_is_due_as_usual_and_nothing_is_left_to_cancel(
    house: House,
) -> None:
    debt = await in_parts(house, 7, 14)
    async with house.session() as session:
        await cancel(session, debt.invoice_id, debt.after(3))
    outlook = await collecting_of(house).look(debt.look(debt.after(3)))
    assert outlook.step == Step.remind
    assert await ended(house) == ["cancelled", "cancelled"]
    with pytest.raises(IllegalTransition):
        async with house.session() as session:
            await cancel(session, debt.invoice_id, debt.after(3))


async def test_instalments_take_the_place_of_a_promise_but_not_the_other_way(
    house: House,
) -> None:
    debt = await a_debt(house, DUE)
    async with house.session() as session:
        await suspension.promise(session, debt.invoice_id, DUE, None, debt.after(-1))
        await agree(session, debt.invoice_id, on(7, 14), None, debt.after(-1))
    assert (await debt.row()).promised_for is None
    with pytest.raises(IllegalTransition, match="cancel them"):
        async with house.session() as session:
            await suspension.promise(session, debt.invoice_id, DUE, None, debt.after(-1))


async def test_a_paid_invoice_takes_no_instalments(house: House) -> None:
    debt = await a_debt(house, DUE)
    await pay(debt, debt.after(-1))
    with pytest.raises(IllegalTransition):
        async with house.session() as session:
            await agree(session, debt.invoice_id, on(7, 14), None, debt.after(0))


async def test_every_change_of_the_parts_is_in_the_audit_log(house: House) -> None:
    debt = await in_parts(house, 7, 14)
    async with house.session() as session:
        await cancel(session, debt.invoice_id, debt.after(3))
    written = [row for row in await rows(house, AuditRow) if row.table_name == "instalments"]
    assert [row.operation for row in written] == ["insert"] * 2 + ["update"] * 2
