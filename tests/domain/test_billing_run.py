"""One agreement, one month: what it owes, when, with which tax, and nothing else."""

import time
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing_run import AgreementTerms, InvoiceDraft, draft, due_date
from domain.calendar import Month
from domain.invoice import LineKind
from domain.proration import Basis, prorate
from domain.tax import Document
from tests.domain.samples import HOSTEL_BED

OCTOBER = Month(2026, 10)
FIRST = date(2026, 10, 1)
DAYS = st.dates(date(2025, 10, 1), date(2027, 3, 31))
TERMS = st.builds(
    replace,
    st.just(HOSTEL_BED),
    currency=st.sampled_from(["INR", "EUR"]),
    rent_minor=st.integers(0, 3_000_000),
    maintenance_minor=st.integers(0, 100_000),
    food_minor=st.integers(0, 600_000),
    start=DAYS,
    end=st.one_of(st.none(), DAYS),
    due_day=st.integers(1, 31),
    basis=st.sampled_from(Basis),
    gst_enabled=st.booleans(),
    continuous_days=st.one_of(st.none(), st.integers(0, 400)),
    counted=st.frozensets(st.sampled_from([LineKind.rent, LineKind.maintenance, LineKind.food])),
)
MONTHS = st.builds(Month, st.just(2026), st.integers(1, 12))


def october(**changes: object) -> InvoiceDraft:
    billed = draft(replace(HOSTEL_BED, **changes), OCTOBER, FIRST, 5)  # pyright: ignore[reportArgumentType]
    assert billed is not None
    return billed


def test_an_ordinary_month_is_the_rent_on_a_bill_of_supply() -> None:
    billed = october()
    assert [(line.description, line.amount_minor) for line in billed.lines] == [
        ("Rent, October 2026", 950_000),
        ("Maintenance, October 2026", 50_000),
        ("Food, October 2026", 200_000),
    ]
    assert (billed.total_minor, billed.tax_minor) == (1_200_000, 0)
    assert billed.document is Document.bill_of_supply
    assert billed.due == date(2026, 10, 6)


def test_a_month_above_twenty_thousand_is_taxed_line_by_line() -> None:
    billed = october(rent_minor=1_750_010)
    assert billed.document is Document.tax_invoice
    assert [(line.rate, line.cgst_minor, line.sgst_minor) for line in billed.lines] == [
        (Decimal(5), 43_750, 43_750),
        (Decimal(5), 1_250, 1_250),
        (Decimal(5), 5_000, 5_000),
    ]
    assert (billed.cgst_minor, billed.sgst_minor, billed.igst_minor) == (50_000, 50_000, 0)
    assert billed.total_minor == billed.subtotal_minor + 100_000


@pytest.mark.parametrize(
    ("changes", "document"),
    [
        ({"rent_minor": 1_750_000}, Document.bill_of_supply),
        ({"rent_minor": 1_750_001}, Document.tax_invoice),
        (
            {"rent_minor": 1_950_000, "counted": frozenset({LineKind.rent, LineKind.maintenance})},
            Document.bill_of_supply,
        ),
        ({"continuous_days": 90}, Document.bill_of_supply),
        ({"continuous_days": 89}, Document.tax_invoice),
        ({"continuous_days": 89, "gst_enabled": False}, Document.bill_of_supply),
        ({"continuous_days": 89, "currency": "EUR"}, Document.bill_of_supply),
        # the value is that of the whole month, also when half of it is billed
        ({"rent_minor": 2_000_001, "start": date(2026, 10, 16)}, Document.tax_invoice),
    ],
)
def test_the_value_of_the_whole_month_decides_the_tax(
    changes: dict[str, object], document: Document
) -> None:
    assert october(**changes).document is document


def test_the_first_and_last_month_are_prorated_with_both_days() -> None:
    first = october(start=date(2026, 10, 17))
    assert first.lines[0].description == "Rent, 17 to 31 October 2026 (15 of 31 days)"
    assert first.lines[0].amount_minor == 459_677
    last = october(end=date(2026, 10, 1), maintenance_minor=0, food_minor=0)
    assert [(line.description, line.amount_minor) for line in last.lines] == [
        ("Rent, 1 October 2026 (1 of 31 days)", 30_645)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"start": date(2026, 11, 1)},
        {"end": date(2026, 9, 30)},
        {"rent_minor": 0, "maintenance_minor": 0, "food_minor": 0},
        {"rent_minor": 1, "maintenance_minor": 0, "food_minor": 0, "start": date(2026, 10, 31)},
    ],
)
def test_there_may_be_nothing_to_bill(changes: dict[str, object]) -> None:
    terms = replace(HOSTEL_BED, **changes)  # pyright: ignore[reportArgumentType]
    assert draft(terms, OCTOBER, FIRST, 5) is None


@pytest.mark.parametrize(
    ("due_day", "issued", "due"),
    [
        (5, "2026-10-01", "2026-10-06"),
        (10, "2026-10-01", "2026-10-10"),
        (31, "2026-10-01", "2026-10-31"),
        (5, "2026-12-20", "2026-12-25"),
    ],
)
def test_the_due_day_is_the_later_of_two(due_day: int, issued: str, due: str) -> None:
    day = due_date(OCTOBER, due_day, date.fromisoformat(issued), 5)
    assert day == date.fromisoformat(due)


@given(TERMS, MONTHS)
def test_a_draft_adds_up_and_balances(terms: AgreementTerms, month: Month) -> None:
    billed = draft(terms, month, month.first, 5)
    first = max(month.first, terms.start)
    last = min(month.last, terms.end or month.last)
    if billed is None:
        charges = (terms.rent_minor, terms.maintenance_minor, terms.food_minor)
        nothing = last < first or not any(
            prorate(charge, terms.basis, first, last) for charge in charges
        )
        assert nothing
        return
    assert billed.subtotal_minor == sum(line.amount_minor for line in billed.lines)
    assert billed.cgst_minor == billed.sgst_minor == sum(line.sgst_minor for line in billed.lines)
    assert billed.total_minor == billed.subtotal_minor + billed.tax_minor
    assert sum(posting.minor for posting in billed.postings) == 0
    assert billed.postings[0].minor == billed.total_minor
    assert all(line.amount_minor > 0 and line.quantity == 1 for line in billed.lines)
    assert (billed.document is Document.tax_invoice) == bool(billed.lines[0].rate)
    rents = [line.amount_minor for line in billed.lines if line.kind is LineKind.rent]
    assert sum(rents) <= terms.rent_minor


def test_a_draft_is_made_in_a_blink() -> None:
    started = time.perf_counter()
    for _ in range(2_000):
        draft(HOSTEL_BED, OCTOBER, FIRST, 5)
    assert time.perf_counter() - started < 2_000 * 0.0005
