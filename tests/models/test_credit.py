"""What an invoice charged is taken back: fees, credit notes, cancelling, waiving, bad debts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Conflict, IllegalTransition, InvalidInput
from models import credit
from models.bounce import bounce
from models.credit import cancel, waive_fee, write_off
from models.database import Database, one
from models.invoice import CreditNote
from models.life import PlannedAction
from models.message import Message, Purpose
from models.payment import Payment, PaymentMethod
from tests.support.books import (
    DUE,
    FEE_DAY,
    LATER,
    another,
    balances,
    booked,
    breaches,
    charged,
    money,
    rows,
)
from tests.support.debt import FEE_MINOR, RENT_MINOR, a_debt, pay, ten
from tests.support.house import House


async def test_a_fee_is_taken_back_when_money_dated_before_the_fee_day_arrives(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE, rate=Decimal(5))
    penalty = await charged(debt)
    assert penalty.total_minor == 551_26  # 5 % of 10,500.00, and twice 2.5 % of that
    total = (await debt.row()).total_minor
    payment = await booked(house, money(debt.resident_id, total, FEE_DAY - timedelta(days=1)))
    assert (await debt.row()).status == "paid"
    fee = await debt.penalty()
    assert fee is not None
    assert (fee.status, fee.balance_minor) == ("cancelled", 0)
    notes = [(n.credit_note_number, n.total_minor) for n in await rows(house, CreditNote)]
    assert notes == [("CN/26-27/000001", 551_26)]
    told = {(m.purpose, m.about_id) for m in await rows(house, Message)}
    assert told == {(Purpose.RECEIPT, payment.id), (Purpose.FEE_REVERSED, penalty.id)}
    assert payment.unallocated_minor == 0
    assert await balances(house) == {
        "bank": total,
        "rent_income": -RENT_MINOR,
        "cgst_payable": -250_00,
        "sgst_payable": -250_00,
    }
    assert await breaches(database) == {}


async def test_a_fee_stays_when_the_money_is_dated_on_the_fee_day(house: House) -> None:
    debt = await a_debt(house, DUE)
    await charged(debt)
    await booked(house, money(debt.resident_id, RENT_MINOR, FEE_DAY))
    fee = await debt.penalty()
    assert fee is not None
    assert (fee.status, fee.balance_minor) == ("issued", FEE_MINOR)
    assert await rows(house, CreditNote) == []


async def test_a_part_paid_in_time_takes_back_its_part_of_the_fee(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    await charged(debt)
    await booked(house, money(debt.resident_id, 4_000_00, DUE))
    fee = await debt.penalty()
    assert fee is not None
    assert (fee.status, fee.balance_minor) == ("issued", 300_00)
    await booked(house, money(debt.resident_id, 6_000_00, DUE + timedelta(days=1)))
    fee = await debt.penalty()
    assert fee is not None
    assert fee.status == "cancelled"
    assert [note.total_minor for note in await rows(house, CreditNote)] == [200_00, 300_00]
    assert await breaches(database) == {}


async def test_money_that_had_paid_the_fee_becomes_an_advance(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    penalty = await charged(debt)
    paid_fee = money(debt.resident_id, FEE_MINOR, FEE_DAY, invoice_id=penalty.id)
    first = await booked(house, paid_fee)
    second = await booked(house, money(debt.resident_id, RENT_MINOR, DUE))
    async with house.session() as session:
        left = [(await one(session, Payment, p.id)).unallocated_minor for p in (first, second)]
    assert left == [FEE_MINOR, 0]
    assert (await balances(house))["advances"] == -FEE_MINOR
    assert await breaches(database) == {}


async def test_a_fee_paid_back_pays_what_else_is_open(database: Database, house: House) -> None:
    debt = await a_debt(house, DUE)
    penalty = await charged(debt)
    await booked(house, money(debt.resident_id, FEE_MINOR, FEE_DAY, invoice_id=penalty.id))
    younger = await another(debt, DUE + timedelta(days=60))
    await booked(house, money(debt.resident_id, RENT_MINOR, DUE))
    assert (await younger.row()).balance_minor == RENT_MINOR - FEE_MINOR
    assert "advances" not in await balances(house)
    assert await breaches(database) == {}


async def test_a_credit_note_gives_back_what_was_paid_beyond_the_balance(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE, rate=Decimal(5))
    await booked(house, money(debt.resident_id, 10_000_00))
    async with house.session() as session:
        note = await credit.credit(
            session, debt.invoice_id, 1_050_00, "A week without water", LATER
        )
    assert (note.subtotal_minor, note.cgst_minor, note.sgst_minor) == (1_000_00, 25_00, 25_00)
    row = await debt.row()
    assert (row.status, row.balance_minor) == ("paid", 0)
    assert (await balances(house))["advances"] == -550_00
    assert await breaches(database) == {}
    async with house.session() as session:
        with pytest.raises(InvalidInput, match=r"at most 9450\.00"):
            await credit.credit(session, debt.invoice_id, 9_450_01, "Too much", LATER)


async def test_a_cancelled_invoice_keeps_its_number_and_takes_its_fee_with_it(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    await charged(debt)
    async with house.session() as session:
        row = await cancel(session, debt.invoice_id, "Billed twice", LATER)
    assert (row.status, row.balance_minor, row.closing_reason) == ("cancelled", 0, "Billed twice")
    fee = await debt.penalty()
    assert fee is not None
    assert fee.status == "cancelled"
    numbers = [note.credit_note_number for note in await rows(house, CreditNote)]
    assert numbers == ["CN/26-27/000001", "CN/26-27/000002"]
    assert await balances(house) == {}
    assert await rows(house, PlannedAction) == []
    assert await breaches(database) == {}


async def test_an_invoice_with_money_on_it_is_not_cancelled(house: House) -> None:
    debt = await a_debt(house, DUE)
    await pay(debt, ten(DUE), 1_00)
    async with house.session() as session:
        with pytest.raises(Conflict, match="issue a credit note"):
            await cancel(session, debt.invoice_id, "No", LATER)


async def test_what_is_written_off_is_a_loss_and_comes_back_with_a_bounced_cheque(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    cheque = await pay(debt, ten(DUE), 4_000_00, method=PaymentMethod.CHEQUE)
    async with house.session() as session:
        row = await write_off(session, debt.invoice_id, "Left without address", LATER)
    assert (row.status, row.balance_minor) == ("written_off", 0)
    assert (await balances(house))["bad_debts"] == 6_000_00
    assert await rows(house, PlannedAction) == []
    async with house.session() as session:
        await bounce(session, cheque.id, LATER, "Insufficient funds")
    assert ((await debt.row()).status, (await debt.row()).balance_minor) == ("issued", 4_000_00)
    assert await breaches(database) == {}


async def test_a_waived_fee_is_credited_and_never_charged_again(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    penalty = await charged(debt)
    async with house.session() as session:
        row = await waive_fee(session, penalty.id, "First time", LATER)
    assert (row.id, row.fee_waived_at) == (debt.invoice_id, LATER)
    fee = await debt.penalty()
    assert fee is not None
    assert fee.status == "cancelled"
    assert "charge_late_fee" not in {action.what for action in await rows(house, PlannedAction)}
    async with house.session() as session:
        with pytest.raises(IllegalTransition, match="waived already"):
            await waive_fee(session, debt.invoice_id, "Again", LATER)
    assert await breaches(database) == {}


async def test_a_fee_that_was_paid_is_not_waived(house: House) -> None:
    debt = await a_debt(house, DUE)
    penalty = await charged(debt)
    paid = money(debt.resident_id, FEE_MINOR, FEE_DAY, invoice_id=penalty.id)
    await booked(house, paid)
    async with house.session() as session:
        with pytest.raises(IllegalTransition, match="the late fee is paid"):
            await waive_fee(session, debt.invoice_id, "Too late", LATER)


async def test_writing_off_gives_the_late_fee_up_as_well(database: Database, house: House) -> None:
    debt = await a_debt(house, DUE)
    await charged(debt)
    async with house.session() as session:
        await write_off(session, debt.invoice_id, "Left without address", LATER)
    fee = await debt.penalty()
    assert fee is not None
    assert (fee.status, fee.balance_minor) == ("written_off", 0)
    assert (await balances(house))["bad_debts"] == RENT_MINOR + FEE_MINOR
    assert await rows(house, PlannedAction) == []
    assert await breaches(database) == {}


async def test_an_invoice_whose_fee_was_waived_can_still_be_cancelled(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    await charged(debt)
    async with house.session() as session:
        await waive_fee(session, debt.invoice_id, "First time", LATER)
    async with house.session() as session:
        await cancel(session, debt.invoice_id, "Billed twice", LATER)
    assert (await debt.row()).status == "cancelled"
    assert len(await rows(house, CreditNote)) == 2
    assert await balances(house) == {}
    assert await breaches(database) == {}
