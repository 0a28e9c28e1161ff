"""Months, days and clocks: every anchor of seventeen years, and clocks that jump."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.calendar import (
    Month,
    at_local,
    financial_year_of_instant,
    fiscal_year,
    in_words,
    local_day,
    zone_of,
)
from domain.errors import InvalidInput
from tests.domain.samples import INDIA

MONTHS = [Month(year, month) for year in range(2024, 2041) for month in range(1, 13)]
ZONES = [
    INDIA,
    "UTC",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Casablanca",
]


def test_every_month_from_2024_to_2040_follows_the_one_before() -> None:
    for month, following in pairwise(MONTHS):
        assert month.next() == following
        assert following.previous() == month
        assert month < following
        assert month.last + timedelta(days=1) == following.first
        assert (month.last - month.first).days + 1 == month.days
        assert Month.parse(str(month)) == month


def test_every_due_day_of_every_month_exists_and_is_never_later_than_asked() -> None:
    for month in MONTHS:
        for anchor in range(1, 32):
            day = month.clamp(anchor)
            assert Month.of(day) == month
            assert day.day == min(anchor, month.last.day)


def test_the_leap_rule_reaches_beyond_the_century() -> None:
    assert [Month(year, 2).days for year in (2000, 2024, 2026, 2100)] == [29, 29, 28, 28]


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-00", "2026-1", "26-01", "2026-10-01", "१९९९-०१"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="2026-10") as refusal:
        Month.parse(text)
    assert refusal.value.problems[0].field == "period"


def test_months_and_days_are_written_in_words() -> None:
    assert Month(2026, 10).text == "October 2026"
    assert in_words(date(2026, 10, 5)) == "5 October 2026"


@pytest.mark.parametrize("name", ["", "Asia/Atlantis", "../etc/passwd", "/etc/passwd", "Asia"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="IANA"):
        zone_of(name)


def test_the_day_at_the_property_decides() -> None:
    late = datetime(2026, 10, 4, 18, 30, tzinfo=UTC)
    assert local_day(late, INDIA) == date(2026, 10, 5)
    assert local_day(late - timedelta(seconds=1), INDIA) == date(2026, 10, 4)


def test_an_instant_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        local_day(datetime(2026, 10, 4), INDIA)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        (INDIA, date(2026, 10, 5), time(10), "2026-10-05T04:30:00+00:00"),
        # the clock jumps from 2:00 to 3:00: half past two is the first instant after, 3:00
        ("America/New_York", date(2026, 3, 8), time(2, 30), "2026-03-08T07:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), time(2), "2026-03-08T07:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), time(3), "2026-03-08T07:00:00+00:00"),
        # it comes twice: the first one counts
        ("America/New_York", date(2026, 11, 1), time(1, 30), "2026-11-01T05:30:00+00:00"),
        # midnight itself is jumped over
        ("America/Sao_Paulo", date(2018, 11, 4), time(0), "2018-11-04T03:00:00+00:00"),
        # half an hour only
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:30:00+00:00"),
        # a whole day that never was
        ("Pacific/Apia", date(2011, 12, 30), time(10), "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_clock_time_becomes_one_instant(zone: str, day: date, wall: time, instant: str) -> None:
    assert at_local(day, wall, zone).isoformat() == instant


@example(date(2038, 10, 31), time(2, 42, 15, fold=1), "Africa/Casablanca")  # of a jump, read twice
@given(
    st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 12, 31)),
    st.times().map(lambda wall: wall.replace(microsecond=0)),
    st.sampled_from(ZONES),
)
def test_the_property_clock_shows_the_time_or_has_just_jumped_over_it(
    day: date, wall: time, zone: str
) -> None:
    instant = at_local(day, wall, zone)
    there = instant.astimezone(zone_of(zone))
    shown = there.replace(tzinfo=None)
    wanted = datetime.combine(day, wall)
    before = (instant - timedelta(seconds=1)).astimezone(zone_of(zone)).replace(tzinfo=None)
    assert instant.utcoffset() == timedelta(0)
    assert there.fold == 0
    assert shown == wanted or before < wanted < shown


@pytest.mark.parametrize(
    ("day", "country", "year"),
    [
        (date(2026, 4, 1), "IN", "2026-27"),
        (date(2027, 3, 31), "IN", "2026-27"),
        (date(2027, 4, 1), "IN", "2027-28"),
        (date(2099, 12, 1), "IN", "2099-00"),
        (date(2026, 12, 31), "PT", "2026"),
    ],
)
def test_a_fiscal_year_has_its_countrys_name(day: date, country: str, year: str) -> None:
    assert fiscal_year(day, country) == year


def test_the_indian_year_turns_at_midnight_in_india() -> None:
    midnight = datetime(2027, 3, 31, 18, 30, tzinfo=UTC)
    assert financial_year_of_instant(midnight) == "2027-28"
    assert financial_year_of_instant(midnight - timedelta(seconds=1)) == "2026-27"
