"""The steps of a collection, each prepared to be the first due action."""

from datetime import date

from activities.invoice_collection import Collecting
from models.instalment_plan import agree
from models.suspension import promise
from tests.support.debt import DAILY_TERMS, RENT_MINOR, Debt, a_debt
from tests.support.house import House, a_tenant
from tests.support.twice import Ground, Step, twice

DUE = date(2026, 10, 5)


def collecting_of(house: House) -> Collecting:
    """The steps of a house's invoices, outside any life."""
    return Collecting(house.database, "a-store")


async def _debt(ground: Ground) -> tuple[Debt, Collecting]:
    debt = await a_debt(await a_tenant(ground.database), DUE)
    return debt, Collecting(ground.database, ground.store_id)


@twice(Collecting.look)
async def a_new_invoice_is_seen(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    return Step(collecting.look, (debt.look(debt.after(-5)),))


@twice(Collecting.remind)
async def the_first_reminder_is_due(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    return Step(collecting.remind, (debt.look(debt.after(-3)),))


@twice(Collecting.remind)
async def another_invoice_of_the_payer_was_reminded_of_today(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    other = await a_debt(debt.house, DUE, resident_id=debt.resident_id)
    await collecting.remind(other.look(debt.after(-3)))
    return Step(collecting.remind, (debt.look(debt.after(-3)),))


@twice(Collecting.charge_late_fee)
async def the_grace_is_over(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    await collecting.remind(debt.look(debt.after(1)))
    return Step(collecting.charge_late_fee, (debt.look(debt.after(4)),))


@twice(Collecting.charge_daily_fee)
async def the_last_late_day_has_come(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    debt = await a_debt(house, DUE, terms=DAILY_TERMS)
    collecting = Collecting(ground.database, ground.store_id)
    await collecting.charge_late_fee(debt.look(debt.after(4)))
    await collecting.remind(debt.look(debt.after(7)))
    return Step(collecting.charge_daily_fee, (debt.look(debt.after(15)),))


@twice(Collecting.break_instalments)
async def an_instalment_was_missed(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    parts = [(date(2026, 10, 8), RENT_MINOR // 2), (date(2026, 10, 20), RENT_MINOR // 2)]
    async with debt.house.session() as session:
        await agree(session, debt.invoice_id, parts, None, debt.after(2))
    await collecting.remind(debt.look(debt.after(3)))
    return Step(collecting.break_instalments, (debt.look(debt.after(4)),))


@twice(Collecting.break_promise)
async def a_promised_day_has_passed(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    async with debt.house.session() as session:
        await promise(session, debt.invoice_id, date(2026, 10, 8), None, debt.after(2))
    return Step(collecting.break_promise, (debt.look(debt.after(4)),))


@twice(Collecting.hand_to_operator)
async def every_reminder_was_sent(ground: Ground) -> Step:
    debt, collecting = await _debt(ground)
    await collecting.charge_late_fee(debt.look(debt.after(16)))
    await collecting.remind(debt.look(debt.after(16)))
    return Step(collecting.hand_to_operator, (debt.look(debt.after(16)),))
