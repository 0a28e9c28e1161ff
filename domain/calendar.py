"""Days belong to a property's zone, instants are aware UTC; only this module converts the two."""

# ruff: noqa: A005 (always imported as domain.calendar)

import calendar as _stdlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.errors import InvalidInput

_MONTH = re.compile(r"(19[0-9]{2}|2[0-9]{3})-(0[1-9]|1[0-2])")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
INDIA = "Asia/Kolkata"
# First month of the fiscal year where it is not January.
_FISCAL_YEAR_STARTS = {"IN": 4}


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; ordered, written "2026-10"."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str, field: str = "period") -> "Month":
        """Read "2026-10", of the years 1900 to 2999; InvalidInput for anything else."""
        match = _MONTH.fullmatch(text)
        if match:
            return cls(int(match[1]), int(match[2]))
        message = f"{text[:20]!r} is not a month written as 2026-10"
        raise InvalidInput.of(field, "NOT_A_MONTH", message)

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month a day lies in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def days(self) -> int:
        """How many days it has."""
        return _days(self.year, self.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.month, self.days)

    @property
    def text(self) -> str:
        """As people say it: "October 2026"."""
        return f"{MONTH_NAMES[self.month - 1]} {self.year}"

    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> "Month":
        """The month before it."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def clamp(self, day_of_month: int) -> date:
        """That day of this month, or its last day when it is shorter (31 in February: the 28th)."""
        return date(self.year, self.month, min(day_of_month, self.days))


@lru_cache(maxsize=1024)
def _days(year: int, month: int) -> int:
    return _stdlib.monthrange(year, month)[1]


def zone_of(name: str, field: str = "timezone") -> ZoneInfo:
    """The IANA zone of that name; InvalidInput when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"{name[:40]!r} is not an IANA zone such as {INDIA}"
        raise InvalidInput.of(field, "UNKNOWN_ZONE", message) from None


def local_day(at: datetime, zone: str) -> date:
    """The day it is at the property at that instant."""
    if at.tzinfo is None:
        raise ValueError("an instant must carry its zone")
    return at.astimezone(zone_of(zone)).date()


@lru_cache(maxsize=8192)
def at_local(day: date, wall: time, zone: str) -> datetime:
    """The UTC instant at which the property's clock shows `wall` on `day`.

    When the clock jumps over it: the first instant after the jump. When it comes twice: the first.
    """
    there = zone_of(zone)
    local = datetime.combine(day, wall.replace(fold=0), there)
    instant = local.astimezone(UTC)
    if instant.astimezone(there).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _jump(local.replace(fold=1).astimezone(UTC), instant, there)


def _jump(before: datetime, after: datetime, there: ZoneInfo) -> datetime:
    """The instant between the two at which the zone's offset changes, to the second."""
    offset = after.astimezone(there).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(there).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)


def fiscal_year(day: date, country: str = "IN") -> str:
    """India: "2026-27" from 1 April; a country whose year starts in January: "2026"."""
    first_month = _FISCAL_YEAR_STARTS.get(country, 1)
    if first_month == 1:
        return f"{day.year:04d}"
    start = day.year if day.month >= first_month else day.year - 1
    return f"{start:04d}-{(start + 1) % 100:02d}"


def financial_year_of_instant(at: datetime) -> str:
    """The Indian financial year of an instant, by the clock of India."""
    return fiscal_year(local_day(at, INDIA))


@lru_cache(maxsize=4096)
def in_words(day: date) -> str:
    """A day as people write it: "5 October 2026"."""
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"
