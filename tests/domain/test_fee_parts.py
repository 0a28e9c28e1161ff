"""Both parts of a late fee: days, caps over a month, and what a plan says of them."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoice_collection import Step, daily_fee_with, plan
from domain.late_fee import (
    LateFeeBase,
    LateFeeKind,
    LateFeeTerms,
    Owed,
    Settled,
    daily_fee,
    fee_day,
    flat_fee,
    last_daily_day,
    late_days,
    late_fee,
    open_before,
)
from tests.domain.samples import OCTOBER_RENT, PERCENT_TERMS, in_india

DUE = date(2026, 10, 5)
DAILY = replace(PERCENT_TERMS, per_day_minor=10_000)
LATE = replace(OCTOBER_RENT, late_fee=DAILY)
TERMS = st.builds(
    LateFeeTerms,
    enabled=st.sampled_from([True, True, True, False]),
    kind=st.sampled_from(LateFeeKind),
    percent=st.one_of(st.none(), st.decimals(0, 100, places=2)),
    fixed_minor=st.integers(0, 10**5),
    grace_days=st.integers(0, 20),
    cap_minor=st.one_of(st.none(), st.integers(0, 10**6)),
    minimum_balance_minor=st.integers(0, 10**5),
    per_day_minor=st.integers(0, 10**4),
    base=st.sampled_from(LateFeeBase),
)
MONEY = st.lists(
    st.builds(Settled, st.dates(DUE - timedelta(9), DUE + timedelta(60)), st.integers(1, 10**6)),
    max_size=6,
)


def by_day(terms: LateFeeTerms, left: int, settled: list[Settled], until: date) -> int:
    """The same count by asking each day on its own."""
    first, last = fee_day(DUE, terms.grace_days), last_daily_day(DUE, terms.grace_days)
    days = (first + timedelta(days=n) for n in range((min(until, last) - first).days + 1))
    at_least = max(1, terms.minimum_balance_minor)
    return sum(open_before(left, settled, day) >= at_least for day in days)


@given(TERMS, st.integers(0, 10**6), MONEY, st.integers(-5, 60))
def test_late_days_are_those_that_began_with_enough_still_open(
    terms: LateFeeTerms, left: int, settled: list[Settled], until: int
) -> None:
    last = DUE + timedelta(days=until)
    days = late_days(terms, DUE, left, settled, last)
    assert days == by_day(terms, left, settled, last)
    assert 0 <= days <= 15
    if until <= terms.grace_days:
        assert days == 0


@given(TERMS, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 15)), max_size=8))
def test_whatever_is_charged_in_a_month_stays_within_its_cap(
    terms: LateFeeTerms, invoices: list[tuple[int, int]]
) -> None:
    """Flat and daily parts of any invoices, in the order they fall due."""
    charged = 0
    for owed, days in invoices:
        flat = flat_fee(terms, Owed(owed), charged)
        daily = daily_fee(terms, days, charged + flat)
        assert min(flat, daily) >= 0
        charged += flat + daily
    assert terms.cap_minor is None or charged <= terms.cap_minor
    assert terms.enabled or charged == 0


@given(TERMS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_fees_never_compound_unless_the_terms_say_so(
    terms: LateFeeTerms, owed: int, fees: int
) -> None:
    plain = replace(terms, base=LateFeeBase.outstanding_excluding_fees)
    assert flat_fee(plain, Owed(owed, fees_minor=fees)) == flat_fee(plain, Owed(owed))
    with_fees = replace(terms, base=LateFeeBase.outstanding)
    assert flat_fee(with_fees, Owed(owed, fees_minor=fees)) >= flat_fee(plain, Owed(owed))


@given(TERMS, st.integers(0, 10**6), st.integers(0, 15), st.integers(0, 10**6))
def test_the_two_parts_come_to_the_whole_fee(
    terms: LateFeeTerms, owed: int, days: int, already: int
) -> None:
    plain = replace(terms, base=LateFeeBase.outstanding_excluding_fees)
    whole = late_fee(plain, owed, days, already)
    if days == 0 or owed < max(1, plain.minimum_balance_minor):
        assert whole == 0
    else:
        flat = flat_fee(plain, Owed(owed), already)
        assert whole == flat + daily_fee(plain, days, already + flat)


@pytest.mark.parametrize(
    ("base", "fee"),
    [
        (LateFeeBase.outstanding_excluding_fees, 25_000),
        (LateFeeBase.outstanding, 26_250),
        (LateFeeBase.recurring, 55_000),
    ],
)
def test_the_flat_part_knows_what_it_is_taken_of(base: LateFeeBase, fee: int) -> None:
    assert flat_fee(replace(PERCENT_TERMS, base=base), Owed(500_000, 1_100_000, 25_000)) == fee


def test_a_grace_beyond_the_fifteenth_day_leaves_one_late_day() -> None:
    assert last_daily_day(DUE, 20) == fee_day(DUE, 20) == date(2026, 10, 26)
    long = replace(DAILY, grace_days=20)
    assert late_days(long, DUE, 1, [], date(2026, 12, 1)) == 1


def test_a_plan_says_when_and_why_both_parts_are_charged() -> None:
    fees = [one for one in plan(LATE, LATE.issued_at) if one.what.startswith("charge")]
    assert [(one.what, one.at) for one in fees] == [
        (Step.charge_late_fee, in_india(9)),
        (Step.charge_daily_fee, in_india(20)),
    ]
    assert fees[1].why == (
        "₹9,500.00 is due on 5 October 2026; ₹100.00 for each late day from 9 October 2026,"
        " ₹1,200.00 unless paid sooner"
    )


def test_the_days_are_charged_before_the_reminder_of_the_same_morning() -> None:
    at_once = [one.what for one in plan(LATE, in_india(6)) if one.at == in_india(20)]
    assert at_once == [Step.charge_daily_fee, Step.remind]


@pytest.mark.parametrize(
    "changes",
    [
        {"daily_fee_charged": True},
        {"fee_waived": True},
        {"invoice_type": "penalty"},
        {"late_fee": replace(DAILY, enabled=False)},
        {"late_fee": PERCENT_TERMS},
        {"late_fee": replace(DAILY, minimum_balance_minor=950_001)},
        {"late_fee": replace(DAILY, cap_minor=47_500)},
        {"late_fee": replace(DAILY, cap_minor=50_000), "fees_of_month_minor": 50_000},
    ],
)
def test_there_are_reasons_to_charge_no_days(changes: dict[str, object]) -> None:
    facts = replace(LATE, **changes)  # pyright: ignore[reportArgumentType]
    assert Step.charge_daily_fee not in [one.what for one in plan(facts, in_india(6))]
    fee = daily_fee_with(
        replace(facts, fee_charged=True, fees_of_month_minor=50_000),
        [Settled(date(2026, 10, 12), 950_000)],
        in_india(12),
    )
    assert fee.minor == 0


@pytest.mark.parametrize(
    ("changes", "day", "hour", "days"),
    [
        ({}, 9, 9, 0),
        ({}, 9, 10, 1),
        ({}, 12, 18, 4),
        ({}, 30, 18, 12),
        ({"promised_for": date(2026, 10, 12)}, 12, 18, 0),
        ({"promised_for": date(2026, 10, 12)}, 13, 10, 5),
        ({"paused_until": date(2026, 10, 13)}, 13, 9, 0),
        ({"paused_until": date(2026, 10, 13)}, 13, 10, 5),
        ({"disputed": True}, 12, 18, 0),
        ({"balance_minor": 950_001}, 12, 18, 0),
    ],
)
def test_money_that_settles_brings_its_late_days_unless_something_was_agreed(
    changes: dict[str, object], day: int, hour: int, days: int
) -> None:
    facts = replace(LATE, fee_charged=True, **changes)  # pyright: ignore[reportArgumentType]
    coming = [Settled(date(2026, 10, day), 950_000)]
    fee = daily_fee_with(facts, coming, in_india(day, hour))
    assert (fee.days, fee.minor) == (days, days * 10_000)


def test_money_that_came_before_counts_by_its_own_day() -> None:
    half = replace(
        LATE,
        balance_minor=475_000,
        settled=(Settled(date(2026, 10, 10), 475_000),),
        late_fee=replace(DAILY, minimum_balance_minor=500_000, percent=Decimal(5)),
    )
    fee = daily_fee_with(half, [Settled(date(2026, 10, 14), 475_000)], in_india(14))
    assert fee.days == 2
