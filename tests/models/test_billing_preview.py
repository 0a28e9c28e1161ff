"""What is foreseen is what is billed, to the last unit, and nothing is touched for it."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from domain.billing_preview import WarningCode
from domain.calendar import Month
from domain.errors import NotFound
from domain.late_fee import FeePart, LateFeeBase
from domain.proration import Basis
from models.billing_preview import AskedPreview
from models.database import Database
from models.fee_ahead import Scope
from models.invoice import Invoice
from models.payment import PaymentMethod
from models.registry import TABLES
from models.resident import Agreement
from models.tenant import BillingSettings
from tests.support.agreements import OCTOBER, billed, many_agreements
from tests.support.books import booked, breaches, money
from tests.support.database import DatabaseUrls
from tests.support.debt import ten
from tests.support.foreseen import (
    fee_charged,
    foreseen,
    really_billed,
    refused,
    told_after,
    told_before,
)
from tests.support.house import House, Place, a_property, a_resident, a_tenant, an_agreement
from tests.support.soak import soaked

FIRST = ten(date(2026, 10, 1))
EVERYBODY = Scope()
BEDS = 6
DAYS = st.dates(date(2026, 7, 1), date(2026, 11, 30))
# Around the line of the exemption, and small enough to be prorated to nothing.
RENTS = st.one_of(st.integers(0, 300), st.integers(19_000_00, 21_000_00), st.just(20_000_00))
TERMS = st.fixed_dictionaries(
    {
        "rent_minor": RENTS,
        "maintenance_minor": st.sampled_from([0, 0, 1, 500_00]),
        "food_minor": st.sampled_from([0, 0, 3_333_33]),
        "rent_due_day": st.integers(1, 31),
        "proration_basis": st.sampled_from(list(Basis)),
        "late_fee_percentage": st.sampled_from([None, None, Decimal("0.5"), Decimal(12)]),
        "currency": st.sampled_from(["INR"] * 9 + ["XXX"]),
    }
)
STAYS = st.tuples(DAYS, st.none() | DAYS, st.sampled_from([None, 7, 8, 9, 9, 9, 10])).filter(
    lambda stay: stay[1] is None or stay[0] <= stay[1]
)
SETTINGS = st.fixed_dictionaries(
    {
        "gst_enabled": st.booleans(),
        "late_fee_type": st.sampled_from(["percentage", "fixed", "greater_of"]),
        "late_fee_fixed_minor": st.just(90_00),
        "late_fee_per_day_minor": st.sampled_from([0, 0, 10_00]),
        "late_fee_base": st.sampled_from([base.value for base in LateFeeBase]),
        "late_fee_value": st.sampled_from([Decimal(0), Decimal("7.35"), Decimal(100)]),
        "late_fee_enabled": st.sampled_from([True, True, False]),
        "late_fee_grace_period_days": st.integers(0, 10),
        "late_fee_cap_minor": st.sampled_from([None, None, 75_01]),
        "late_fee_minimum_balance_minor": st.sampled_from([0, 0, 5_000_00]),
        "default_due_days": st.integers(0, 15),
    }
)
ROSTERS = st.lists(
    st.tuples(STAYS, TERMS, TERMS, st.integers(0, 3), st.integers(0, 45_000_00)),
    min_size=1,
    max_size=BEDS,
)


async def moved_in(house: House, place: Place, roster: list[Any]) -> list[UUID]:
    """Each row an agreement with money in advance; several rows may be one resident's."""
    residents: dict[int, UUID] = {}
    ids: list[UUID] = []
    for bed, ((start, end, through), terms, _, person, advance) in enumerate(roster):
        if person not in residents:
            residents[person] = (await a_resident(house)).id
        month = None if through is None else date(2026, through, 1)
        agreement = await an_agreement(
            house, residents[person], place, bed=bed, start=start, end=end, billed_through=month
        )
        ids.append(agreement.id)
        async with house.session() as session:
            named = Agreement.id == agreement.id
            await session.execute(update(Agreement).where(named).values(**terms))
        if advance % 3 == 0 and advance:
            cheque = money(residents[person], advance, date(2026, 9, 1), PaymentMethod.CHEQUE)
            await booked(house, cheque, FIRST)
    return ids


async def made_true(house: House, asked: AskedPreview) -> None:
    """What was thought to be otherwise is otherwise."""
    async with house.session() as session:
        if asked.settings:
            await session.execute(update(BillingSettings).values(**asked.settings))
        for agreement_id, terms in asked.agreements.items():
            named = Agreement.id == agreement_id
            await session.execute(update(Agreement).where(named).values(**terms))


@settings(settings.get_profile("house"), max_examples=soaked(150, tenth=12))
@given(
    roster=ROSTERS,
    thought=SETTINGS,
    day=st.sampled_from([date(2026, 9, 25), date(2026, 10, 1), date(2026, 10, 19)]),
    otherwise=st.booleans(),
)
async def test_what_is_foreseen_is_what_is_billed(
    database: Database, roster: list[Any], thought: dict[str, Any], day: date, otherwise: bool
) -> None:
    """Line by line, in the run's order: proration, tax, advances, refusals and the fee to come.

    Also when it was asked "what if": rents across the line of the exemption, GST, other late fees.
    """
    house = await a_tenant(database)
    async with house.session() as session:
        await session.execute(update(BillingSettings).values(reminder_enabled=False))
    ids = await moved_in(house, await a_property(house, BEDS), roster)
    revised = {i: row[2] for i, row in zip(ids, roster, strict=True)} if otherwise else {}
    asked = AskedPreview(OCTOBER, ten(day), EVERYBODY, thought, revised)
    seen = await foreseen(house, asked)
    await made_true(house, asked)
    assert told_before(await foreseen(house, replace(asked, settings={}, agreements={}))) == (
        told_before(seen)
    )
    await really_billed(house, OCTOBER, asked.at)
    assert told_before(seen) == await told_after(house)
    assert {(r.agreement_id, r.code, r.problem) for _, r in seen.refusals} == await refused(house)
    await fees_come_true(house, asked)
    assert await breaches(database) == {}


async def fees_come_true(house: House, asked: AskedPreview) -> None:
    """What the plans announce is what the life's steps charge, then, one after the other.

    A fee that was charged may change what another is measured by, so it is asked anew.
    """
    async with house.session() as session:
        rows = await session.scalars(select(Invoice).where(Invoice.status == "issued"))
        spared = {(row.id, part) for row in rows for part in FeePart}
    while announced := (await foreseen(house, asked)).open_fees:
        one = announced[0]
        charged = await fee_charged(house, one.invoice_id, one.fee.part, one.fee.at)
        assert charged == one.fee.total_minor
        spared.remove((one.invoice_id, one.fee.part))
    for invoice_id, part in spared:
        assert await fee_charged(house, invoice_id, part, ten(date(2026, 12, 31))) is None


async def test_the_fee_that_is_foreseen_is_announced_by_the_plan_of_the_invoice(
    house: House,
) -> None:
    """Before the run and after it the same instant and the same amount, tax included."""
    place, resident = await a_property(house, 2), await a_resident(house)
    await an_agreement(house, resident.id, place, rent_minor=24_000_00)
    await an_agreement(house, resident.id, place, bed=1, rent_minor=9_000_00)
    await booked(house, money(resident.id, 5_000_00, date(2026, 9, 1)), FIRST)
    asked = AskedPreview(OCTOBER, FIRST, EVERYBODY)
    before = await foreseen(house, asked)
    assert before.open_fees == []
    await really_billed(house, OCTOBER, FIRST)
    after = await foreseen(house, asked)
    assert after.invoices == []
    expected = [fee for one in before.invoices for fee in one.fees]
    assert [one.fee for one in after.open_fees] == expected
    assert [(f.fee_minor, f.tax.total_minor) for f in expected] == [(1_010_00, 50_50), (450_00, 0)]
    assert {fee.at for fee in expected} == {ten(date(2026, 10, 10))}


async def test_both_parts_of_a_fee_are_foreseen_under_one_cap(house: House) -> None:
    """Half of the rent, then ten late days of 100.00, of which the cap leaves five."""
    place, resident = await a_property(house), await a_resident(house)
    await an_agreement(house, resident.id, place, rent_minor=10_000_00)
    daily = {
        "late_fee_value": Decimal(50),
        "late_fee_per_day_minor": 100_00,
        "late_fee_cap_minor": 5_500_00,
        "reminder_enabled": False,
    }
    asked = AskedPreview(OCTOBER, FIRST, EVERYBODY, daily)
    (before,) = (await foreseen(house, asked)).invoices
    assert [(fee.part, fee.fee_minor) for fee in before.fees] == [
        (FeePart.flat, 5_000_00),
        (FeePart.daily, 500_00),
    ]
    await made_true(house, asked)
    await really_billed(house, OCTOBER, FIRST)
    after = await foreseen(house, asked)
    assert [one.fee for one in after.open_fees] == before.fees
    await fees_come_true(house, asked)


async def test_a_missed_month_goes_first_and_takes_the_advance(house: House) -> None:
    place, resident = await a_property(house), await a_resident(house)
    await an_agreement(house, resident.id, place, start=date(2026, 8, 1))
    await booked(house, money(resident.id, 15_000_00, date(2026, 8, 1)), FIRST)
    seen = await foreseen(house, AskedPreview(OCTOBER, FIRST, EVERYBODY))
    assert [str(month) for month in seen.months] == ["2026-08", "2026-09", "2026-10"]
    assert [one.balance_minor for one in seen.invoices] == [0, 5_000_00, 10_000_00]


async def every_row(urls: DatabaseUrls) -> dict[str, list[str]]:
    """Every row of every table, with the transaction that wrote it."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        return {
            table.name: sorted(
                row[0]
                for row in await connection.fetch(
                    f"select xmin || ' ' || xmax || ' ' || t::text from {table.name} t"  # noqa: S608
                )
            )
            for table in TABLES.sorted_tables
        }
    finally:
        await connection.close()


async def test_nothing_is_written_and_no_row_is_touched(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Not even a lock leaves its mark in a row: xmin and xmax of every table stay."""
    roster = await many_agreements(house, 8)
    await booked(house, money(roster.resident_ids[0], 1_00, date(2026, 9, 1)), FIRST)
    await billed(house, OCTOBER, FIRST)
    before = await every_row(database_urls)
    seen = await foreseen(house, AskedPreview(Month(2026, 11), ten(date(2026, 11, 1)), EVERYBODY))
    assert len(seen.invoices) == 8
    assert await every_row(database_urls) == before


async def test_within_it_the_database_refuses_writes_and_locks(house: House) -> None:
    """The savepoint is read-only; what comes after it may write again."""
    await many_agreements(house, 1)
    refusing = ("update agreements set rent_minor = 1", "select id from agreements for update")
    for statement in refusing:
        async with house.session() as session:
            inner = await session.begin_nested()
            await session.execute(text("set transaction read only"))
            with pytest.raises(DBAPIError, match="read-only"):
                await session.execute(text(statement))
            await inner.rollback()
            await session.execute(text("update agreements set rent_minor = rent_minor"))


async def test_a_run_goes_on_while_it_is_foreseen(house: House) -> None:
    """Neither waits for the other: the preview holds no lock, and none stands in its way."""
    roster = await many_agreements(house, 3)
    await booked(house, money(roster.resident_ids[0], 1_00, date(2026, 9, 1)), FIRST)
    async with house.session() as holding:
        await holding.execute(text("select id from agreements for update"))
        await holding.execute(text("select id from residents for update"))
        await holding.execute(text("select id from payments for update"))
        asked = AskedPreview(OCTOBER, FIRST, EVERYBODY)
        seen = await asyncio.wait_for(foreseen(house, asked), 20)
    assert len(seen.invoices) == 3


async def test_it_is_narrowed_to_a_property_a_resident_or_an_agreement(house: House) -> None:
    one, other = await many_agreements(house, 2), await many_agreements(house, 3)
    for scope, count in (
        (Scope(property_id=one.property_id), 2),
        (Scope(resident_id=other.resident_ids[1]), 1),
        (Scope(agreement_id=other.agreement_ids[2]), 1),
        (Scope(one.property_id, other.resident_ids[0]), 0),
    ):
        seen = await foreseen(house, AskedPreview(OCTOBER, FIRST, scope))
        assert len(seen.invoices) == count, scope
    for unknown in (Scope(property_id=uuid7()), Scope(None, uuid7()), Scope(None, None, uuid7())):
        with pytest.raises(NotFound):
            await foreseen(house, AskedPreview(OCTOBER, FIRST, unknown))


async def test_what_differs_from_the_month_before_is_warned_of(house: House) -> None:
    """A first month, and the month after it that is whole; the rent that crosses the line."""
    place, resident = await a_property(house), await a_resident(house)
    start = date(2026, 9, 16)
    agreement = await an_agreement(house, resident.id, place, start=start, rent_minor=18_000_00)
    september = AskedPreview(Month(2026, 9), ten(date(2026, 9, 16)), EVERYBODY)
    (first,) = (await foreseen(house, september)).invoices
    assert [told.code for told in first.warned] == [WarningCode.first_month_prorated]
    assert first.warned[0].message == "the stay begins on 16 September 2026: 15 of 30 days"
    await really_billed(house, Month(2026, 9), september.at)
    revised = {agreement.id: {"rent_minor": 21_000_00}}
    asked = AskedPreview(OCTOBER, FIRST, EVERYBODY, agreements=revised)
    (second,) = (await foreseen(house, asked)).invoices
    assert [(told.code, told.message) for told in second.warned] == [
        (
            WarningCode.differs_from_last_month,
            "₹22,050.00 is ₹13,050.00 more than ₹9,000.00 for September 2026",
        ),
        (WarningCode.tax_changed, "tax is charged, which it was not for September 2026"),
        (
            WarningCode.taxed_without_gstin,
            "tax is charged, and neither the property nor the operator has a GSTIN",
        ),
    ]
    patient = replace(asked, agreements={}, differs_percent=Decimal(100))
    (quiet,) = (await foreseen(house, patient)).invoices
    assert quiet.warned == []
