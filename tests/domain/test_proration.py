"""Part months: a whole month is the rent, a part never more, whatever the basis."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import Month
from domain.proration import Basis, prorate, prorate_change

RENTS = st.integers(min_value=0, max_value=10**9)
MONTHS = st.builds(Month, st.integers(2024, 2040), st.integers(1, 12))


@pytest.mark.parametrize(
    ("rent", "first", "last", "shares"),
    [
        (1_200_000, "2027-02-15", "2027-02-28", [600_000, 560_000, 640_000]),
        (1_000_000, "2027-01-01", "2027-01-31", [1_000_000, 1_000_000, 1_000_000]),
        (999_900, "2026-12-31", "2026-12-31", [32_255, 33_330, 33_330]),
        (1_250_000, "2026-11-01", "2026-11-30", [1_250_000, 1_250_000, 1_250_000]),
        (1_200_000, "2028-02-01", "2028-02-29", [1_200_000, 1_200_000, 1_200_000]),
        (930_000, "2026-10-02", "2026-10-31", [900_000, 930_000, 899_000]),
        (930_000, "2026-10-17", "2026-10-31", [450_000, 465_000, 434_000]),
    ],
)
def test_the_three_bases_count_as_published(
    rent: int, first: str, last: str, shares: list[int]
) -> None:
    from_day, to_day = date.fromisoformat(first), date.fromisoformat(last)
    assert [prorate(rent, basis, from_day, to_day) for basis in Basis] == shares


def test_a_whole_month_is_exactly_the_rent_and_every_part_no_more() -> None:
    for year in range(2024, 2041):
        for number in range(1, 13):
            month = Month(year, number)
            for basis in Basis:
                assert prorate(1_000_003, basis, month.first, month.last) == 1_000_003
                for anchor in range(1, month.days + 1):
                    day = month.clamp(anchor)
                    assert 0 < prorate(1_000_003, basis, day, month.last) <= 1_000_003
                    assert 0 < prorate(1_000_003, basis, month.first, day) <= 1_000_003


@given(RENTS, MONTHS, st.data(), st.sampled_from(Basis))
def test_a_longer_part_never_costs_less(
    rent: int, month: Month, data: st.DataObject, basis: Basis
) -> None:
    days = st.integers(0, month.days - 1).map(lambda offset: month.first + timedelta(days=offset))
    first, middle, last = sorted(data.draw(st.tuples(days, days, days)))
    assert prorate(rent, basis, first, middle) <= prorate(rent, basis, first, last) <= rent
    assert prorate(rent, basis, middle, last) <= prorate(rent, basis, first, last)


@given(RENTS, MONTHS, st.sets(st.integers(2, 31)))
def test_a_month_cut_in_parts_costs_the_rent_but_for_rounding(
    rent: int, month: Month, cuts: set[int]
) -> None:
    starts = sorted({1} | {cut for cut in cuts if cut <= month.days})
    ends = [start - 1 for start in starts[1:]] + [month.days]
    shares = [
        prorate(rent, Basis.actual_days, month.clamp(start), month.clamp(end))
        for start, end in zip(starts, ends, strict=True)
    ]
    assert abs(sum(shares) - rent) * 2 <= len(shares)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-10-05", "2026-10-04"), ("2026-10-31", "2026-11-01")]
)
def test_a_part_lies_within_one_month(first: str, last: str) -> None:
    with pytest.raises(ValueError, match="within one month"):
        prorate(100, Basis.actual_days, date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("elapsed", "credit", "debit"),
    [(1_296_000, -500, 1_000), (0, -1_000, 2_000), (2_592_000, 0, 0), (1, -1_000, 2_000)],
)
def test_a_change_of_plan_is_prorated_to_the_second(elapsed: int, credit: int, debit: int) -> None:
    assert prorate_change(1_000, 2_000, 2_592_000, elapsed) == (credit, debit)
