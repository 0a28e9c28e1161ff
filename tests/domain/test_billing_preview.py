"""Whom a month reaches, what is unusual about a bill, and the fee that follows it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing_preview import (
    FeeAhead,
    MonthBill,
    Stay,
    Warned,
    WarningCode,
    bills,
    fees_ahead,
    unbilled,
    warnings,
)
from domain.billing_run import Line
from domain.calendar import Month
from domain.invoice import LineKind
from domain.tax import Document, tax_line
from tests.domain.samples import OCTOBER_RENT

OCTOBER = Month(2026, 10)
OPEN = Stay(date(2026, 6, 1), None, date(2026, 9, 1))
RENT = MonthBill(10_000_00, "INR", Document.bill_of_supply.value)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def stay(start: date, end: date | None = None, through: date | None = None) -> Stay:
    return Stay(start, end, through)


def told(of: Stay, bill: MonthBill = RENT, before: MonthBill | None = RENT) -> list[Warned]:
    gstin = "36AABCU9603R1ZM"
    return warnings(of, OCTOBER, bill, before, gstin=gstin, differs_percent=Decimal(20))


@pytest.mark.parametrize(
    ("of", "reached"),
    [
        (OPEN, True),
        (stay(date(2026, 10, 31)), True),
        (stay(date(2026, 11, 1)), False),
        (stay(date(2026, 6, 1)), False),
        (stay(date(2026, 6, 1), None, date(2026, 8, 1)), False),
        (stay(date(2026, 6, 1), None, date(2026, 10, 1)), False),
        (stay(date(2026, 6, 1), date(2026, 10, 1), date(2026, 9, 1)), True),
        (stay(date(2026, 6, 1), date(2026, 9, 30), date(2026, 9, 1)), False),
        (stay(date(2026, 10, 5), None, date(2026, 8, 1)), True),
    ],
)
def test_a_month_reaches_whom_it_is_the_next_for(of: Stay, *, reached: bool) -> None:
    assert bills(of, OCTOBER) is reached


@given(start=DAYS, end=st.none() | DAYS, until=DAYS)
def test_the_unbilled_months_are_billed_one_after_another(
    start: date, end: date | None, until: date
) -> None:
    """Each is reached once the one before it is billed, and none is left when all are."""
    if end is not None and end < start:
        return
    through: date | None = None
    months = unbilled(Stay(start, end, None), until)
    for month in months:
        assert bills(Stay(start, end, through), month)
        through = month.first
    assert unbilled(Stay(start, end, through), until) == [] or through is None


def test_an_ordinary_month_is_not_warned_of() -> None:
    assert told(OPEN) == []
    assert told(OPEN, before=None) == []
    assert told(OPEN, before=MonthBill(1, "USD", RENT.document)) == []


def test_a_part_of_a_month_says_why() -> None:
    assert told(stay(date(2026, 10, 12))) == [
        Warned(
            WarningCode.first_month_prorated,
            "the stay begins on 12 October 2026: 20 of 31 days",
        )
    ]
    both = told(stay(date(2026, 10, 12), date(2026, 10, 12)))
    assert [one.message for one in both] == [
        "the stay begins on 12 October 2026: 1 of 31 days",
        "the stay ends on 12 October 2026: 1 of 31 days",
    ]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (12_000_00, None),
        (12_000_01, "₹12,000.01 is ₹2,000.01 more than ₹10,000.00 for September 2026"),
        (8_000_00, None),
        (7_999_99, "₹7,999.99 is ₹2,000.01 less than ₹10,000.00 for September 2026"),
    ],
)
def test_a_bill_that_differs_by_more_than_a_fifth_is_told(now: int, words: str | None) -> None:
    found = [one.message for one in told(OPEN, replace(RENT, total_minor=now))]
    assert found == ([] if words is None else [words])


def test_tax_that_comes_or_goes_is_told() -> None:
    taxed = replace(RENT, document=Document.tax_invoice.value)
    assert [one.message for one in told(OPEN, taxed)] == [
        "tax is charged, which it was not for September 2026"
    ]
    assert [one.message for one in told(OPEN, RENT, taxed)] == [
        "no tax is charged, which it was for September 2026"
    ]
    unregistered = warnings(OPEN, OCTOBER, taxed, taxed, gstin=None, differs_percent=Decimal(20))
    assert [one.code for one in unregistered] == [WarningCode.taxed_without_gstin]


def test_the_fee_ahead_is_what_the_plan_announces_with_its_tax() -> None:
    """Taxed as what the invoice is mainly for; none where the plan has none."""
    at = datetime(2026, 10, 1, tzinfo=UTC)
    lines = [line(2_000_00, 18), line(8_000_00, 5)]
    (fee,) = fees_ahead(OCTOBER_RENT, lines, at)
    assert isinstance(fee, FeeAhead)
    assert (fee.fee_minor, fee.tax) == (475_00, tax_line(475_00, Decimal(5)))
    assert fee.total_minor == 498_76
    assert fees_ahead(replace(OCTOBER_RENT, fee_waived=True), lines, at) == []


def line(minor: int, rate: int) -> Line:
    tax = tax_line(minor, Decimal(rate))
    heads = (tax.cgst_minor, tax.sgst_minor, 0)
    return Line(LineKind.rent, "Rent", 1, minor, minor, Decimal(rate), *heads, "996322")
