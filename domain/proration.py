"""A whole month costs exactly the rent; a part of it costs its share and never more than the rent.

The three bases are Zuora's: actual days, actual days of thirty, and strict 30/360.
"""

from datetime import date
from enum import StrEnum

from domain.calendar import Month
from domain.money import divide_half_up


class Basis(StrEnum):
    """How the days of a part month are counted."""

    actual_days = "actual_days"
    thirty_days = "thirty_days"
    strict_30_360 = "strict_30_360"


def _strict_day(day: date, month: Month) -> int:
    """30/360: the last day of any month counts as the 30th."""
    return 30 if day.day == month.days else min(day.day, 30)


def prorate(amount_minor: int, basis: Basis, first: date, last: date) -> int:
    """What the days from `first` to `last` of one month cost, both included, in minor units."""
    month = Month.of(first)
    if last < first or month != Month.of(last):
        raise ValueError("a part month begins and ends, in that order, within one month")
    if first.day == 1 and last.day == month.days:
        return amount_minor
    if basis is Basis.actual_days:
        days, whole = last.day - first.day + 1, month.days
    elif basis is Basis.thirty_days:
        days, whole = last.day - first.day + 1, 30
    else:
        days, whole = _strict_day(last, month) - _strict_day(first, month) + 1, 30
    return divide_half_up(amount_minor * min(days, whole), whole)


def prorate_change(
    old_minor: int, new_minor: int, period_seconds: int, elapsed_seconds: int
) -> tuple[int, int]:
    """Changing price inside a period, to the second as Stripe does: (credit below zero, debit)."""
    left = period_seconds - elapsed_seconds
    credit = -divide_half_up(old_minor * left, period_seconds)
    return credit, divide_half_up(new_minor * left, period_seconds)
