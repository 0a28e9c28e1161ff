"""What documents say is what the rows say: paid, credited, taken back line by line."""

from datetime import date
from decimal import Decimal

import pytest

from domain.money import Money
from models.credit import credit, write_off
from models.database import one
from models.invoice import CreditNote, Invoice
from models.paper import credit_note_paper, invoice_paper
from tests.support.debt import Debt, a_debt, pay
from tests.support.house import House

DUE = date(2026, 10, 5)


@pytest.fixture
async def debt(house: House) -> Debt:
    """A rent of ₹25,000 with 5% of tax."""
    return await a_debt(house, DUE, rent_minor=25_000_00, rate=Decimal(5))


async def test_an_invoice_tells_payments_from_credit_notes(debt: Debt) -> None:
    await pay(debt, debt.after(0), 4_000_00)
    async with debt.house.session() as session:
        await credit(session, debt.invoice_id, 1_000_00, "Two days without water", debt.after(1))
    async with debt.house.session() as session:
        paper = await invoice_paper(session, await one(session, Invoice, debt.invoice_id))
    assert (paper.paid.minor, paper.credited.minor) == (4_000_00, 1_000_00)
    assert paper.balance.minor == paper.total.minor - 5_000_00
    assert not paper.is_paid
    assert paper.upi is None, "nobody said where the money goes"


async def test_what_was_given_up_is_not_called_paid(debt: Debt) -> None:
    await pay(debt, debt.after(0), 4_000_00)
    async with debt.house.session() as session:
        await write_off(session, debt.invoice_id, "Gone", debt.after(40))
    async with debt.house.session() as session:
        paper = await invoice_paper(session, await one(session, Invoice, debt.invoice_id))
    assert (paper.balance.minor, paper.is_paid) == (0, False)


async def test_each_credit_note_takes_back_its_part_of_every_line(debt: Debt) -> None:
    notes: list[CreditNote] = []
    for day, minor in enumerate((1_000_01, 333_33, None)):
        async with debt.house.session() as session:
            notes.append(await credit(session, debt.invoice_id, minor, "Why", debt.after(day)))
    taken = 0
    for note in notes:
        async with debt.house.session() as session:
            paper = await credit_note_paper(session, await one(session, CreditNote, note.id))
        assert (paper.number, paper.reason) == (note.credit_note_number, "Why")
        assert paper.total == Money(note.total_minor, "INR")
        assert paper.round_off.minor == 0
        assert paper.taxable.minor == note.subtotal_minor
        heads = {tax.head: (tax.rate, tax.amount.minor) for tax in paper.taxes}
        expected = {"CGST": note.cgst_minor, "SGST": note.sgst_minor}
        assert heads == {head: (Decimal("2.5"), minor) for head, minor in expected.items() if minor}
        taken += note.total_minor
    async with debt.house.session() as session:
        invoice = await one(session, Invoice, debt.invoice_id)
    assert taken == invoice.total_minor
