"""Money comes in: booked once, the oldest paid first, the rest kept, a cheque taken back."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from models import credit
from models.advances import use_advances
from models.bounce import bounce
from models.database import Database, one
from models.invoice import Invoice
from models.ledger import JournalEntry
from models.life import PlannedAction, Wake
from models.message import Message, Purpose
from models.money_in import pay_in_full, receive
from models.payment import Allocation, Payment, PaymentMethod, PaymentStatus
from tests.support.books import (
    DUE,
    LATER,
    another,
    balances,
    booked,
    breaches,
    money,
    rows,
)
from tests.support.debt import RENT_MINOR, a_debt, pay, ten
from tests.support.house import House, a_resident


async def test_an_invoice_is_numbered_posted_and_planned_in_one_act(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    row = await debt.row()
    assert (row.status, row.invoice_number, row.balance_minor) == (
        "issued",
        "BOS/26-27/000001",
        RENT_MINOR,
    )
    assert (row.recipient_name, row.place_of_supply) == ("Asha Rao", "Telangana")
    assert await balances(house) == {"receivables": RENT_MINOR, "rent_income": -RENT_MINOR}
    assert next(action.what for action in await rows(house, PlannedAction)) == "remind"
    assert [wake.subject_id for wake in await rows(house, Wake)] == [debt.invoice_id]
    assert await breaches(database) == {}


async def test_taxed_invoices_have_a_series_of_their_own(house: House) -> None:
    exempt = await a_debt(house, DUE)
    taxed = await another(exempt, DUE, rate=Decimal(5))
    row = await taxed.row()
    assert (row.document, row.invoice_number) == ("tax_invoice", "INV/26-27/000001")
    assert (row.tax_minor, row.total_minor) == (500_00, 10_500_00)
    assert (await balances(house))["cgst_payable"] == -250_00


async def test_an_invoice_that_asks_for_nothing_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput, match="more than nothing"):
        await a_debt(house, DUE, rent_minor=0)
    assert await rows(house, JournalEntry) == []


async def test_money_pays_the_invoice_writes_the_receipt_and_ends_the_plan(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    payment = await pay(debt, ten(DUE))
    row = await debt.row()
    assert (row.status, row.balance_minor, row.paid_at) == ("paid", 0, ten(DUE))
    assert (payment.payment_number, payment.unallocated_minor) == ("PAY/26-27/000001", 0)
    messages = [(m.purpose, m.about_id) for m in await rows(house, Message)]
    assert messages == [(Purpose.RECEIPT, payment.id)]
    assert await rows(house, PlannedAction) == []
    assert await balances(house) == {"cash": RENT_MINOR, "rent_income": -RENT_MINOR}
    assert await breaches(database) == {}


async def test_the_oldest_due_is_paid_first_and_the_rest_is_an_advance(
    database: Database, house: House
) -> None:
    younger = await a_debt(house, DUE + timedelta(days=30), issued=ten(DUE))
    older = await another(younger, DUE)
    payment = await booked(house, money(younger.resident_id, RENT_MINOR + 4_000_00))
    assert (await older.row()).status == "paid"
    assert (await younger.row()).balance_minor == RENT_MINOR - 4_000_00
    second = await booked(house, money(younger.resident_id, RENT_MINOR))
    assert (await younger.row()).status == "paid"
    assert (payment.unallocated_minor, second.unallocated_minor) == (0, 4_000_00)
    assert (await balances(house))["advances"] == -4_000_00
    assert await breaches(database) == {}


async def test_the_named_invoice_goes_before_an_older_one(house: House) -> None:
    older = await a_debt(house, DUE)
    younger = await another(older, DUE + timedelta(days=30))
    await booked(house, money(older.resident_id, RENT_MINOR, invoice_id=younger.invoice_id))
    assert [(await debt.row()).status for debt in (older, younger)] == ["issued", "paid"]


async def test_the_next_invoice_uses_the_advance_the_oldest_payment_first(
    database: Database, house: House
) -> None:
    resident = await a_resident(house)
    first = await booked(house, money(resident.id, 6_000_00, date(2026, 10, 2)))
    second = await booked(house, money(resident.id, 6_000_00, date(2026, 10, 1)))
    debt = await a_debt(house, date(2026, 11, 5), resident_id=resident.id, issued=LATER)
    row = await debt.row()
    assert (row.status, row.balance_minor) == ("paid", 0)
    async with house.session() as session:
        left = [(await one(session, Payment, p.id)).unallocated_minor for p in (second, first)]
    assert left == [0, 2_000_00]
    assert await rows(house, PlannedAction) == []
    assert await breaches(database) == {}


async def test_an_advance_too_small_leaves_the_rest_to_be_collected(
    database: Database, house: House
) -> None:
    resident = await a_resident(house)
    await booked(house, money(resident.id, 6_000_00))
    debt = await a_debt(house, date(2026, 11, 5), resident_id=resident.id, issued=LATER)
    row = await debt.row()
    assert (row.status, row.balance_minor) == ("issued", 4_000_00)
    assert "₹4,000.00" in (await rows(house, PlannedAction))[0].why
    async with house.session() as session:
        assert await use_advances(session, resident.id, LATER) == set()
    assert await breaches(database) == {}


async def test_a_bounced_cheque_opens_what_it_paid_and_the_collection_begins_again(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    payment = await pay(debt, ten(DUE), RENT_MINOR + 1_000_00, method=PaymentMethod.CHEQUE)
    async with house.session() as session:
        bounced = await bounce(session, payment.id, LATER, "Insufficient funds")
    assert (bounced.status, bounced.unallocated_minor) == (PaymentStatus.BOUNCED, 0)
    row = await debt.row()
    assert (row.status, row.balance_minor, row.paid_at) == ("issued", RENT_MINOR, None)
    planned = {action.what for action in await rows(house, PlannedAction)}
    assert {"charge_late_fee", "remind"} <= planned
    assert await balances(house) == {"receivables": RENT_MINOR, "rent_income": -RENT_MINOR}
    assert await breaches(database) == {}
    async with house.session() as session:
        with pytest.raises(IllegalTransition, match="bounced already"):
            await bounce(session, payment.id, LATER, "Again")


async def test_only_a_cheque_bounces(house: House) -> None:
    debt = await a_debt(house, DUE)
    payment = await pay(debt, ten(DUE))
    async with house.session() as session:
        with pytest.raises(IllegalTransition, match="paid by cash"):
            await bounce(session, payment.id, LATER, "No")


async def test_an_advance_pays_what_a_bounced_cheque_leaves_open(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    cheque = await pay(debt, ten(DUE), RENT_MINOR, method=PaymentMethod.CHEQUE)
    await booked(house, money(debt.resident_id, RENT_MINOR))
    async with house.session() as session:
        await bounce(session, cheque.id, LATER, "Insufficient funds")
    assert (await debt.row()).status == "paid"
    assert "advances" not in await balances(house)
    assert await breaches(database) == {}


async def test_a_reference_is_booked_once_until_it_bounces(house: House) -> None:
    resident = await a_resident(house)
    new = money(resident.id, 5_000_00, method=PaymentMethod.CHEQUE, reference="004711")
    cheque = await booked(house, new)
    with pytest.raises(Conflict, match="booked already as PAY/26-27/000001"):
        await booked(house, new)
    await booked(house, money(resident.id, 5_000_01, method=new.method, reference="004711"))
    async with house.session() as session:
        await bounce(session, cheque.id, LATER, "Try again, says the bank")
    await booked(house, new)


async def test_money_that_cannot_be_booked_is_refused_by_name(house: House) -> None:
    debt = await a_debt(house, DUE)
    stranger = await a_resident(house)
    with pytest.raises(InvalidInput, match="lies ahead"):
        await booked(house, money(debt.resident_id, 1, date(2026, 10, 21)))
    with pytest.raises(InvalidInput, match="more than zero"):
        await booked(house, money(debt.resident_id, 0))
    with pytest.raises(InvalidInput, match="another resident"):
        await booked(house, money(stranger.id, 1, invoice_id=debt.invoice_id))
    with pytest.raises(NotFound):
        await booked(house, money(UUID(int=1), 1))
    await pay(debt, ten(DUE))
    with pytest.raises(IllegalTransition, match="is paid and takes no money"):
        await booked(house, money(debt.resident_id, 1, invoice_id=debt.invoice_id))
    assert len(await rows(house, Payment)) == 1


async def test_twenty_payments_at_once_for_one_invoice_never_overpay_it(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)

    async def once() -> str:
        async with house.session() as session:
            try:
                await pay_in_full(session, debt.invoice_id, PaymentMethod.CASH, LATER)
            except IllegalTransition:
                return "refused"
        return "booked"

    outcomes = await asyncio.gather(*(once() for _ in range(20)))
    assert sorted(outcomes) == ["booked", *["refused"] * 19]
    assert len(await rows(house, Payment)) == 1
    assert await breaches(database) == {}


async def test_money_and_a_new_invoice_at_once_never_miss_each_other(
    database: Database, house: House
) -> None:
    debt = await a_debt(house, DUE)
    due = DUE + timedelta(days=30)
    acts = [booked(house, money(debt.resident_id, 7_000_00)) for _ in range(5)]
    await asyncio.gather(*acts, *(another(debt, due) for _ in range(3)))
    open_now = sum(row.balance_minor for row in await rows(house, Invoice))
    assert open_now == 4 * RENT_MINOR - 5 * 7_000_00
    assert "advances" not in await balances(house)
    assert await breaches(database) == {}


async def test_numbers_have_no_gap_when_acts_fail_between(database: Database, house: House) -> None:
    debt = await a_debt(house, DUE)

    async def fails() -> None:
        async with house.session() as session:
            await receive(session, money(debt.resident_id, 1_00), LATER)
            await credit.credit(session, debt.invoice_id, 1_00, "No", LATER)
            raise Conflict("no")

    async def works() -> None:
        await booked(house, money(debt.resident_id, 1_00))

    await asyncio.gather(*(act() for act in [fails, works] * 6), return_exceptions=True)
    numbers = sorted(payment.payment_number for payment in await rows(house, Payment))
    assert numbers == [f"PAY/26-27/{number:06d}" for number in range(1, 7)]
    assert await breaches(database) == {}


async def test_an_allocation_is_never_rewritten(house: House) -> None:
    debt = await a_debt(house, DUE)
    await pay(debt, ten(DUE))
    async with house.session() as session:
        part = (await session.scalars(select(Allocation))).one()
        part.amount_minor = 1
        with pytest.raises(Exception, match="permission denied"):
            await session.flush()
        await session.rollback()
