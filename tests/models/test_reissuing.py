"""A month's rent issued anew: by the agreement as it now is, once, never over somebody's money."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import update

from domain.errors import Conflict, IllegalTransition, Refused
from domain.invoice import InvoiceType
from models.credit import cancel, credit, write_off
from models.database import Database, one
from models.invoice import CreditNote, Invoice
from models.issuing import NewInvoice, save_draft
from models.reissuing import reissue
from models.resident import Agreement
from models.tenant import BillingSettings
from tests.support.agreements import billed
from tests.support.books import DUE, LATER, balances, breaches, charged, rows
from tests.support.debt import RENT_MINOR, TERMS, Debt, a_debt, a_line, pay, ten
from tests.support.house import House

OCTOBER = date(2026, 10, 1)


async def rent(house: House) -> Debt:
    return await a_debt(house, DUE, period=OCTOBER)


async def anew(debt: Debt) -> Invoice:
    async with debt.house.session() as session:
        return await reissue(session, debt.invoice_id, "The rent was revised", LATER)


async def revised(debt: Debt, **terms: object) -> None:
    async with debt.house.session() as session:
        await session.execute(update(Agreement).values(**terms))


async def test_the_month_is_issued_anew_by_the_agreement_as_it_now_is(
    database: Database, house: House
) -> None:
    debt = await rent(house)
    await revised(debt, rent_minor=21_000_00)
    new, old = await anew(debt), await debt.row()
    assert (old.status, old.balance_minor, old.invoice_number) == (
        *("cancelled", 0, "BOS/26-27/000001"),
    )
    assert old.closing_reason == "The rent was revised"
    assert (new.invoice_number, new.document) == ("INV/26-27/000001", "tax_invoice")
    assert (new.total_minor, new.balance_minor) == (22_050_00, 22_050_00)
    assert (new.period, new.sequence, new.replaces_id) == (OCTOBER, 1, old.id)
    assert (new.due_date, new.invoice_date) == (date(2026, 10, 25), date(2026, 10, 20))
    assert await balances(house) == {
        "receivables": 22_050_00,
        "rent_income": -21_000_00,
        "cgst_payable": -525_00,
        "sgst_payable": -525_00,
    }
    assert await breaches(database) == {}


async def test_a_month_issued_anew_is_not_billed_again(database: Database, house: House) -> None:
    debt = await rent(house)
    await revised(debt, billed_through=OCTOBER)
    new = await anew(debt)
    assert (await billed(house)).issued == 0
    async with house.session() as session:
        again = await reissue(session, new.id, "Once more", LATER)
    assert (again.sequence, again.replaces_id) == (2, new.id)
    assert [row.status for row in await rows(house, Invoice)] == [
        "cancelled",
        "cancelled",
        "issued",
    ]
    assert await breaches(database) == {}


async def test_asked_by_many_at_once_it_is_issued_anew_once(
    database: Database, house: House
) -> None:
    debt = await rent(house)
    done = await asyncio.gather(*(anew(debt) for _ in range(8)), return_exceptions=True)
    made = [one for one in done if isinstance(one, Invoice)]
    assert len(made) == 1
    assert all(isinstance(one, Refused) for one in done if one is not made[0])
    assert len(await rows(house, Invoice)) == 2
    assert await breaches(database) == {}


async def test_its_late_fee_goes_with_it_and_is_charged_anew(
    database: Database, house: House
) -> None:
    """The new invoice is due later, and its plan begins anew."""
    debt = await rent(house)
    await charged(debt)
    await anew(debt)
    fee = await debt.penalty()
    assert fee is not None
    assert fee.status == "cancelled"
    assert len(await rows(house, CreditNote)) == 2
    assert await breaches(database) == {}


async def test_a_cancelled_month_is_issued_anew(database: Database, house: House) -> None:
    """Also one that was paid and credited whole: the money pays the new one."""
    debt = await rent(house)
    await pay(debt, ten(DUE), 4_000_00)
    async with house.session() as session:
        await credit(session, debt.invoice_id, None, "Wrong rent", LATER)
    new = await anew(debt)
    assert new.balance_minor == RENT_MINOR - 4_000_00
    other = await a_debt(house, DUE, period=OCTOBER)
    async with house.session() as session:
        await cancel(session, other.invoice_id, "Wrong rent", LATER)
    assert (await anew(other)).balance_minor == RENT_MINOR
    assert len(await rows(house, CreditNote)) == 2
    assert await breaches(database) == {}


async def test_an_invoice_with_money_on_it_is_credited_instead(house: House) -> None:
    debt = await rent(house)
    await pay(debt, ten(DUE), 1_00)
    with pytest.raises(Conflict, match="issue a credit note"):
        await anew(debt)
    await pay(debt, ten(DUE))
    with pytest.raises(Conflict, match="issue a credit note"):
        await anew(debt)
    assert len(await rows(house, Invoice)) == 1


async def test_only_a_month_that_may_be_billed_is_issued_anew(
    database: Database, house: House
) -> None:
    """Not a single invoice, not a loss, not twice, not for a month in which nobody lived there."""
    single, lost, twice = await a_debt(house, DUE), await rent(house), await rent(house)
    with pytest.raises(IllegalTransition, match="only a month's rent"):
        await anew(single)
    async with house.session() as session:
        await write_off(session, lost.invoice_id, "Left", LATER)
    with pytest.raises(IllegalTransition, match="written_off is not issued anew"):
        await anew(lost)
    new = await anew(twice)
    with pytest.raises(IllegalTransition, match=f"already, as {new.invoice_number}"):
        await anew(twice)
    moved = await rent(house)
    await revised(moved, start_date=date(2026, 11, 1))
    with pytest.raises(Conflict, match="nothing is owed for October 2026"):
        await anew(moved)
    assert await breaches(database) == {}


async def test_a_draft_is_not_issued_anew(house: House) -> None:
    debt = await rent(house)
    row = await debt.row()
    draft = NewInvoice(
        resident_id=debt.resident_id,
        agreement_id=row.agreement_id,
        property_id=row.property_id,
        parent_id=None,
        invoice_type=InvoiceType.rent,
        lines=[a_line(RENT_MINOR)],
        due=DUE,
        terms=TERMS,
        period=date(2026, 11, 1),
    )
    async with house.session() as session:
        kept = await save_draft(session, draft, LATER)
        with pytest.raises(IllegalTransition, match="draft"):
            await reissue(session, kept.id, "No", LATER)


async def test_gst_switched_on_changes_the_series(database: Database, house: House) -> None:
    async with house.session() as session:
        await session.execute(update(BillingSettings).values(gst_enabled=False))
    debt = await a_debt(house, DUE, period=OCTOBER, rent_minor=30_000_00)
    await revised(debt, rent_minor=30_000_00)
    async with house.session() as session:
        await session.execute(update(BillingSettings).values(gst_enabled=True))
    new = await anew(debt)
    async with house.session() as session:
        assert (await one(session, Invoice, new.id)).tax_minor == 1_500_00
    assert await breaches(database) == {}
