"""Both parts of a late fee in the books: when, how much, once; capped, waived, taken back."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.errors import IllegalTransition
from domain.invoice_collection import Step, plan
from domain.late_fee import FeePart, LateFeeBase, LateFeeKind
from models import credit, suspension
from models.bounce import bounce
from models.collection import CollectionTerms, facts_of, locked
from models.database import Database
from models.instalment_plan import agree
from models.invoice import CreditNote, Invoice
from models.message import Message, Purpose
from models.payment import PaymentMethod
from tests.support.books import DUE, another, booked, breaches, money, rows
from tests.support.debt import DAILY_TERMS, DAY_MINOR, FEE_MINOR, RENT_MINOR, Debt, a_debt, pay
from tests.support.house import House
from tests.support.steps.invoice_collection import collecting_of

FLAT, DAILY = FeePart.flat, FeePart.daily


def with_cap(minor: int, terms: CollectionTerms = DAILY_TERMS) -> CollectionTerms:
    return replace(terms, fee=replace(terms.fee, cap_minor=minor))


async def late(house: House, terms: CollectionTerms = DAILY_TERMS) -> Debt:
    """A rent of 10,000.00 with 100.00 a late day, its flat fee charged on the fee day."""
    debt = await a_debt(house, DUE, terms=terms)
    await through(debt, 4)
    return debt


async def through(debt: Debt, day: int) -> None:
    """Take every step that is due by 10:00 of that day after the due day, as its life would."""
    collecting, look = collecting_of(debt.house), debt.look(debt.after(day))
    outlook = await collecting.look(look)
    while outlook.step is not None and outlook.at is not None and outlook.at <= look.at:
        outlook = await getattr(collecting, outlook.step)(look)


async def planned(debt: Debt, at: datetime) -> dict[str, str]:
    """Why each fee of the plan will be charged."""
    async with debt.house.session() as session:
        facts = await facts_of(session, await locked(session, debt.invoice_id))
    return {one.what: one.why for one in plan(facts, at) if one.what.startswith("charge")}


async def test_the_days_up_to_the_payment_are_charged_in_its_transaction(
    database: Database, house: House
) -> None:
    debt = await late(house)
    await pay(debt, debt.after(6))
    assert await debt.fees() == [(FLAT, FEE_MINOR, "issued"), (DAILY, 3 * DAY_MINOR, "issued")]
    assert (await debt.row()).status == "paid"
    told = [m.about_id for m in await rows(house, Message) if m.purpose == Purpose.LATE_FEE]
    assert len(told) == 2
    assert await breaches(database) == {}


async def test_money_beyond_the_rent_pays_the_days_it_brings_with_it(
    database: Database, house: House
) -> None:
    debt = await late(house)
    whole = RENT_MINOR + FEE_MINOR + 3 * DAY_MINOR
    payment = await pay(debt, debt.after(6), whole + 1)
    assert payment.unallocated_minor == 1
    assert [status for *_, status in await debt.fees()] == ["paid", "paid"]
    assert await breaches(database) == {}


async def test_the_day_of_the_money_counts_not_the_day_it_is_booked(house: House) -> None:
    debt = await late(house)
    await pay(debt, debt.after(12), paid_on=DUE + timedelta(days=5))
    assert await debt.fees() == [(FLAT, FEE_MINOR, "issued"), (DAILY, 2 * DAY_MINOR, "issued")]


async def test_what_stays_open_is_charged_its_days_on_the_fifteenth_and_never_again(
    database: Database, house: House
) -> None:
    debt = await late(house)
    await through(debt, 7)
    why = await planned(debt, debt.after(7))
    assert why == {
        Step.charge_daily_fee: (
            "₹10,000.00 is due on 5 October 2026; ₹100.00 for each late day from 9 October 2026,"
            " ₹1,200.00 unless paid sooner"
        )
    }
    look = debt.look(debt.after(15))
    charge = collecting_of(house).charge_daily_fee
    await asyncio.gather(*(charge(look) for _ in range(4)))
    whole = [(FLAT, FEE_MINOR, "issued"), (DAILY, 12 * DAY_MINOR, "issued")]
    assert await debt.fees() == whole
    await pay(debt, debt.after(20))
    assert await debt.fees() == whole
    assert await breaches(database) == {}


async def test_the_days_are_counted_to_the_fifteenth_after_months_of_downtime(
    house: House,
) -> None:
    debt = await late(house)
    await through(debt, 90)
    assert (await debt.fees())[1:] == [(DAILY, 12 * DAY_MINOR, "issued")]


async def test_within_the_grace_and_before_the_fee_falls_due_nothing_is_charged(
    house: House,
) -> None:
    debt = await a_debt(house, DUE, terms=DAILY_TERMS)
    await pay(debt, debt.after(3))
    assert await debt.fees() == []
    early = await a_debt(house, DUE, terms=DAILY_TERMS)
    await pay(early, early.after(4) - timedelta(minutes=1))
    assert await early.fees() == []


async def test_a_cheque_that_bounces_opens_the_rent_and_charges_no_day_twice(
    database: Database, house: House
) -> None:
    debt = await late(house)
    cheque = await pay(debt, debt.after(6), method=PaymentMethod.CHEQUE)
    async with house.session() as session:
        await bounce(session, cheque.id, debt.after(9), "no funds")
    await through(debt, 15)
    await pay(debt, debt.after(16))
    assert await debt.fees() == [(FLAT, FEE_MINOR, "issued"), (DAILY, 3 * DAY_MINOR, "issued")]
    assert await breaches(database) == {}


@pytest.mark.parametrize(
    ("paid_on", "left"),
    [
        (3, [(FLAT, 0), (DAILY, 0)]),
        (4, [(FLAT, FEE_MINOR), (DAILY, DAY_MINOR)]),
        (9, [(FLAT, FEE_MINOR), (DAILY, 6 * DAY_MINOR)]),
        (15, [(FLAT, FEE_MINOR), (DAILY, 12 * DAY_MINOR)]),
    ],
)
async def test_money_dated_earlier_takes_back_what_it_would_have_spared(
    database: Database, house: House, paid_on: int, left: list[tuple[int, int]]
) -> None:
    debt = await late(house)
    await through(debt, 15)
    day = DUE + timedelta(days=paid_on)
    await booked(house, money(debt.resident_id, RENT_MINOR, day), debt.after(17))
    credited: dict[object, int] = {}
    for note in await rows(house, CreditNote):
        credited[note.invoice_id] = credited.get(note.invoice_id, 0) + note.subtotal_minor
    fees = [fee for fee in await rows(house, Invoice) if fee.parent_id == debt.invoice_id]
    assert sorted((f.sequence, f.subtotal_minor - credited.get(f.id, 0)) for f in fees) == left
    assert await breaches(database) == {}


async def test_half_paid_in_time_halves_the_flat_part_alone(house: House) -> None:
    debt = await late(house)
    await through(debt, 15)
    half = money(debt.resident_id, RENT_MINOR // 2, DUE, invoice_id=debt.invoice_id)
    await booked(house, half, debt.after(17))
    notes = [note.subtotal_minor for note in await rows(house, CreditNote)]
    assert notes == [FEE_MINOR // 2]


async def test_no_day_counts_on_which_less_than_the_minimum_was_open(house: House) -> None:
    least = replace(DAILY_TERMS.fee, minimum_balance_minor=RENT_MINOR // 2)
    debt = await late(house, replace(DAILY_TERMS, fee=least))
    await pay(debt, debt.after(6), RENT_MINOR // 2 + 1)
    await through(debt, 15)
    assert (await debt.fees())[1:] == [(DAILY, 3 * DAY_MINOR, "issued")]


async def test_the_cap_of_a_month_counts_every_part_of_every_fee_in_it(
    database: Database, house: House
) -> None:
    debt = await late(house, with_cap(FEE_MINOR + 250_00))
    beside = await another(debt, DUE + timedelta(days=1), terms=with_cap(FEE_MINOR + 250_00))
    assert "₹250.00" in (await planned(beside, debt.after(5)))[Step.charge_late_fee]
    await asyncio.gather(pay(debt, debt.after(8)), through(beside, 4))
    await through(beside, 15)
    fees = [minor for of in (debt, beside) for _, minor, _ in await of.fees()]
    assert sum(fees) == FEE_MINOR + 250_00
    next_month = await another(debt, date(2026, 11, 5), terms=with_cap(FEE_MINOR + 250_00))
    await through(next_month, 4)
    assert await next_month.fees() == [(FLAT, FEE_MINOR, "issued")]
    assert await breaches(database) == {}


async def test_a_fee_charged_tells_the_other_plans_of_the_month_what_the_cap_leaves(
    house: House,
) -> None:
    terms = with_cap(FEE_MINOR + 100_00)
    debt = await a_debt(house, DUE, terms=terms)
    beside = await another(debt, DUE + timedelta(days=3), terms=terms)
    await through(debt, 4)
    assert "late fee of ₹100.00" in (await planned(beside, debt.after(4)))[Step.charge_late_fee]


@pytest.mark.parametrize(
    ("base", "fee"),
    [
        (LateFeeBase.outstanding_excluding_fees, 200_00),
        (LateFeeBase.outstanding, 225_00),
        (LateFeeBase.recurring, 500_00),
    ],
)
async def test_a_percentage_is_taken_of_what_the_terms_say(
    house: House, base: LateFeeBase, fee: int
) -> None:
    first = await late(house)
    terms = replace(DAILY_TERMS, fee=replace(DAILY_TERMS.fee, base=base))
    debt = await another(first, DUE + timedelta(days=20), terms=terms)
    await pay(debt, debt.after(1), 6_000_00)
    await through(debt, 4)
    assert (await debt.fees())[0] == (FLAT, fee, "issued")


async def test_terms_frozen_before_there_were_days_and_bases_are_still_read(house: House) -> None:
    written = DAILY_TERMS.written()
    del written["fee"]["per_day_minor"], written["fee"]["base"]
    fee = CollectionTerms.read(written).fee
    assert (fee.per_day_minor, fee.base) == (0, LateFeeBase.outstanding_excluding_fees)
    assert CollectionTerms.read(DAILY_TERMS.written()) == DAILY_TERMS
    assert house


async def test_waiving_lets_both_parts_go(database: Database, house: House) -> None:
    debt = await late(house)
    await through(debt, 15)
    async with house.session() as session:
        await credit.waive_fee(session, debt.invoice_id, "a good payer", debt.after(16))
    assert [status for *_, status in await debt.fees()] == ["cancelled", "cancelled"]
    assert await breaches(database) == {}


async def test_waiving_after_the_flat_part_was_paid_spares_the_days(house: House) -> None:
    debt = await late(house)
    fee = await debt.penalty()
    assert fee is not None
    paid = money(debt.resident_id, FEE_MINOR, debt.after(5).date(), invoice_id=fee.id)
    await booked(house, paid, debt.after(5))
    async with house.session() as session:
        await credit.waive_fee(session, debt.invoice_id, "asked nicely", debt.after(6))
    await through(debt, 15)
    await pay(debt, debt.after(16))
    assert await debt.fees() == [(FLAT, FEE_MINOR, "paid")]
    with pytest.raises(IllegalTransition):
        async with house.session() as session:
            await credit.waive_fee(session, debt.invoice_id, "again", debt.after(17))


@pytest.mark.parametrize("agreed", ["promise", "pause", "instalments"])
async def test_what_is_paid_while_something_is_agreed_costs_no_more_fee(
    house: House, agreed: str
) -> None:
    debt = await late(house)
    day, at = DUE + timedelta(days=10), debt.after(5)
    parts = [(day, RENT_MINOR // 2), (day + timedelta(days=5), RENT_MINOR // 2)]
    async with house.session() as session:
        if agreed == "promise":
            await suspension.promise(session, debt.invoice_id, day, None, at)
        elif agreed == "pause":
            await suspension.pause(session, debt.invoice_id, day, None, at)
        else:
            await agree(session, debt.invoice_id, parts, None, at)
    await pay(debt, debt.after(9))
    assert await debt.fees() == [(FLAT, FEE_MINOR, "issued")]


async def test_a_promise_that_was_not_kept_spares_no_day(house: House) -> None:
    debt = await late(house)
    async with house.session() as session:
        day = DUE + timedelta(days=6)
        await suspension.promise(session, debt.invoice_id, day, None, debt.after(5))
    await pay(debt, debt.after(9))
    assert (await debt.fees())[1:] == [(DAILY, 6 * DAY_MINOR, "issued")]


async def test_a_fee_for_days_is_taxed_like_the_rent_and_written_off_with_it(
    database: Database, house: House
) -> None:
    greater = replace(
        DAILY_TERMS.fee, kind=LateFeeKind.greater_of, fixed_minor=700_00, percent=Decimal(5)
    )
    terms = replace(DAILY_TERMS, fee=greater)
    debt = await a_debt(house, DUE, rate=Decimal(18), terms=terms)
    await through(debt, 4)
    await through(debt, 15)
    fees = [fee for fee in await rows(house, Invoice) if fee.parent_id]
    assert [(fee.subtotal_minor, fee.tax_minor) for fee in fees] == [
        (700_00, 126_00),
        (1_200_00, 216_00),
    ]
    async with house.session() as session:
        await credit.write_off(session, debt.invoice_id, "moved away", debt.after(30))
    assert [status for *_, status in await debt.fees()] == ["written_off", "written_off"]
    assert await breaches(database) == {}
