"""Late fees: the day, the amount, the cap, and what goes back when money was dated earlier."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.late_fee import (
    LateFeeBase,
    LateFeeKind,
    LateFeeTerms,
    Owed,
    fee_base,
    fee_day,
    fee_days,
    flat_fee,
    late_fee,
)
from tests.domain.samples import PERCENT_TERMS

FLAT = replace(PERCENT_TERMS, kind=LateFeeKind.fixed, percent=None, fixed_minor=3_000)


@pytest.mark.parametrize(
    ("due", "grace", "charged_on"),
    [
        ("2026-11-01", 3, "2026-11-05"),
        ("2026-11-01", 0, "2026-11-02"),
        ("2026-12-29", 3, "2027-01-02"),
        ("2028-02-26", 3, "2028-03-01"),
    ],
)
def test_the_first_fee_day_leaves_out_the_due_day(due: str, grace: int, charged_on: str) -> None:
    assert fee_day(date.fromisoformat(due), grace) == date.fromisoformat(charged_on)


@pytest.mark.parametrize(
    ("terms", "outstanding", "fee"),
    [
        (PERCENT_TERMS, 1_000_000, 50_000),
        (PERCENT_TERMS, 10, 1),
        (PERCENT_TERMS, 9, 0),
        (PERCENT_TERMS, 0, 0),
        (PERCENT_TERMS, -5, 0),
        (replace(PERCENT_TERMS, enabled=False), 1_000_000, 0),
        (replace(PERCENT_TERMS, cap_minor=20_000), 1_000_000, 20_000),
        (replace(PERCENT_TERMS, minimum_balance_minor=500), 499, 0),
        (replace(PERCENT_TERMS, minimum_balance_minor=500), 500, 25),
        (replace(PERCENT_TERMS, percent=None), 1_000_000, 0),
        (FLAT, 1, 3_000),
        (replace(FLAT, kind=LateFeeKind.greater_of, percent=Decimal(5)), 40_000, 3_000),
        (replace(FLAT, kind=LateFeeKind.greater_of, percent=Decimal(5)), 80_000, 4_000),
    ],
)
def test_the_fee_follows_its_terms(terms: LateFeeTerms, outstanding: int, fee: int) -> None:
    assert late_fee(terms, outstanding) == fee


@pytest.mark.parametrize(("paid_on", "fee"), [(5, 0), (6, 4_000), (8, 6_000), (20, 18_000)])
def test_a_daily_fee_counts_from_the_first_late_day(paid_on: int, fee: int) -> None:
    days = fee_days(date(2026, 11, 1), 4, date(2026, 11, paid_on))
    assert late_fee(replace(FLAT, per_day_minor=1_000), 1, days) == fee


def test_the_cap_counts_what_was_charged_already() -> None:
    capped = replace(FLAT, per_day_minor=1_000, cap_minor=5_000)
    assert late_fee(capped, 1, 15, already_charged_minor=5_000) == 0
    assert late_fee(capped, 1, 15, already_charged_minor=4_000) == 1_000
    assert late_fee(capped, 1, 15, already_charged_minor=6_000) == 0


@pytest.mark.parametrize(
    ("base", "amount"),
    [
        (LateFeeBase.outstanding_excluding_fees, 500_000),
        (LateFeeBase.outstanding, 525_000),
        (LateFeeBase.recurring, 1_100_000),
    ],
)
def test_a_percentage_knows_what_it_is_taken_of(base: LateFeeBase, amount: int) -> None:
    assert fee_base(base, 500_000, 1_100_000, 25_000) == amount


def test_recurring_charges_count_only_while_something_is_open() -> None:
    assert fee_base(LateFeeBase.recurring, 0, 1_100_000) == 0


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.one_of(st.none(), st.integers(0, 10**6)),
    st.integers(0, 10**6),
    st.sampled_from(LateFeeKind),
)
def test_what_is_reversed_leaves_the_fee_that_was_due(
    outstanding: int, paid_earlier: int, cap: int | None, minimum: int, kind: LateFeeKind
) -> None:
    terms = replace(
        FLAT, kind=kind, percent=Decimal(5), cap_minor=cap, minimum_balance_minor=minimum
    )
    charged = late_fee(terms, outstanding)
    really_open = max(0, outstanding - paid_earlier)
    back = charged - min(charged, flat_fee(terms, Owed(really_open)))
    assert 0 <= back <= charged
    assert charged - back == late_fee(terms, really_open)
    assert cap is None or charged <= cap
