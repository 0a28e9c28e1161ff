"""Money for what was written off: an income of its own, by name only, undone with its cheque."""

import pytest

from domain.errors import IllegalTransition, InvalidInput
from models.bounce import bounce
from models.credit import credit, write_off
from models.database import Database, one
from models.invoice import Invoice
from models.message import Message, Purpose
from models.payment import Payment, PaymentMethod
from models.recovery import recover_from_advances
from tests.support.books import (
    DUE,
    LATER,
    another,
    balances,
    booked,
    breaches,
    charged,
    money,
    rows,
)
from tests.support.debt import FEE_MINOR, RENT_MINOR, Debt, a_debt, pay, ten
from tests.support.house import House


async def given_up(debt: Debt) -> None:
    async with debt.house.session() as session:
        await write_off(session, debt.invoice_id, "Left without address", LATER)


async def test_money_that_names_a_written_off_invoice_is_recovered(
    database: Database, house: House
) -> None:
    """The loss stays, the money is an income beside it, and a receipt goes out."""
    debt = await a_debt(house, DUE)
    await given_up(debt)
    named = money(debt.resident_id, 4_000_00, LATER.date(), invoice_id=debt.invoice_id)
    payment = await booked(house, named)
    row = await debt.row()
    assert (row.status, row.balance_minor) == ("written_off", 0)
    assert (row.written_off_minor, row.recovered_minor) == (RENT_MINOR, 4_000_00)
    assert await balances(house) == {
        "bank": 4_000_00,
        "rent_income": -RENT_MINOR,
        "bad_debts": RENT_MINOR,
        "bad_debts_recovered": -4_000_00,
    }
    told = {(m.purpose, m.about_id) for m in await rows(house, Message)}
    assert (Purpose.RECEIPT, payment.id) in told
    assert await breaches(database) == {}


async def test_what_is_more_than_was_given_up_pays_the_fee_and_then_is_an_advance(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    penalty = await charged(debt)
    await given_up(debt)
    whole = RENT_MINOR + FEE_MINOR + 1_00
    named = money(debt.resident_id, whole, LATER.date(), invoice_id=debt.invoice_id)
    payment = await booked(house, named)
    assert payment.unallocated_minor == 1_00
    async with house.session() as session:
        fee = await one(session, Invoice, penalty.id)
    assert (fee.status, fee.recovered_minor) == ("written_off", FEE_MINOR)
    with pytest.raises(IllegalTransition, match="written_off and takes no money"):
        await booked(house, money(debt.resident_id, 1, LATER.date(), invoice_id=debt.invoice_id))
    assert await breaches(database) == {}


async def test_money_that_names_nothing_recovers_nothing(database: Database, house: House) -> None:
    """It is an advance, and pays the next invoice."""
    debt = await a_debt(house, DUE)
    await given_up(debt)
    payment = await booked(house, money(debt.resident_id, 4_000_00, LATER.date()))
    assert payment.unallocated_minor == 4_000_00
    assert (await debt.row()).recovered_minor == 0
    assert await breaches(database) == {}


async def test_an_operator_lets_an_advance_recover_what_was_given_up(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    await given_up(debt)
    first = await booked(house, money(debt.resident_id, 4_000_00, DUE))
    second = await booked(house, money(debt.resident_id, 7_000_00, LATER.date()))
    async with house.session() as session:
        with pytest.raises(InvalidInput, match=r"at most 10000\.00"):
            await recover_from_advances(session, debt.invoice_id, RENT_MINOR + 1, LATER)
    async with house.session() as session:
        row = await recover_from_advances(session, debt.invoice_id, None, LATER)
    assert row.recovered_minor == RENT_MINOR
    async with house.session() as session:
        left = [(await one(session, Payment, p.id)).unallocated_minor for p in (first, second)]
        with pytest.raises(IllegalTransition, match="nothing is left"):
            await recover_from_advances(session, debt.invoice_id, None, LATER)
    assert left == [0, 1_000_00]
    assert await breaches(database) == {}


async def test_a_bounced_cheque_undoes_what_it_recovered(database: Database, house: House) -> None:
    """Also what its advance recovered later; the invoice stays a loss."""
    debt = await a_debt(house, DUE)
    await given_up(debt)
    named = {"invoice_id": debt.invoice_id}
    day, way = LATER.date(), PaymentMethod.CHEQUE
    cheque = await booked(house, money(debt.resident_id, 4_000_00, day, way, **named))
    other = await booked(house, money(debt.resident_id, 1_000_00, day, way))
    async with house.session() as session:
        await recover_from_advances(session, debt.invoice_id, None, LATER)
    for payment in (cheque, other):
        async with house.session() as session:
            await bounce(session, payment.id, LATER, "Insufficient funds")
        assert await breaches(database) == {}
    row = await debt.row()
    assert (row.status, row.balance_minor, row.recovered_minor) == ("written_off", 0, 0)
    assert await balances(house) == {"rent_income": -RENT_MINOR, "bad_debts": RENT_MINOR}


async def test_what_comes_back_with_a_cheque_is_owed_and_the_rest_stays_given_up(
    database: Database, house: House
) -> None:
    """Paid again it is no paid invoice: a part of it was lost; credited, only that part is left."""
    debt = await a_debt(house, DUE)
    cheque = await pay(debt, ten(DUE), 4_000_00, method=PaymentMethod.CHEQUE)
    await given_up(debt)
    async with house.session() as session:
        await bounce(session, cheque.id, LATER, "Insufficient funds")
    async with house.session() as session:
        with pytest.raises(InvalidInput, match=r"at most 4000\.00"):
            await credit(session, debt.invoice_id, 4_000_01, "Too much", LATER)
    async with house.session() as session:
        await credit(session, debt.invoice_id, 1_000_00, "A week without water", LATER)
    await booked(house, money(debt.resident_id, 3_000_00, LATER.date()))
    row = await debt.row()
    assert (row.status, row.balance_minor) == ("written_off", 0)
    assert row.written_off_minor == 6_000_00
    assert await breaches(database) == {}


async def test_money_for_a_written_off_invoice_leaves_the_open_ones_alone(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    await given_up(debt)
    younger = await another(debt, LATER.date())
    named = money(debt.resident_id, RENT_MINOR + 1_00, LATER.date(), invoice_id=debt.invoice_id)
    await booked(house, named)
    assert (await younger.row()).balance_minor == RENT_MINOR - 1_00
    assert await breaches(database) == {}
