"""A late fee: dated right, on what is outstanding without earlier fees, never above its cap.

It has two parts: a flat one, charged on the fee day, and one for each late day, charged once when
the invoice is paid or fifteen days after it was due.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from domain.money import percent_of

DAILY_DAYS = 15


class LateFeeKind(StrEnum):
    """How the fee is measured."""

    percent = "percent"
    fixed = "fixed"
    greater_of = "greater_of"


class FeePart(IntEnum):
    """Which part of a late fee a penalty invoice is; its `sequence`, so each is charged once."""

    flat = 0
    daily = 1


class LateFeeBase(StrEnum):
    """What a percentage is taken of."""

    outstanding_excluding_fees = "outstanding_excluding_fees"
    outstanding = "outstanding"
    recurring = "recurring"


@dataclass(frozen=True, slots=True)
class LateFeeTerms:
    """Terms frozen on the invoice at issue; amounts in minor units, grace after the due day.

    The flat part is by `kind`; `per_day_minor` is added for each day from the fee day on.
    `cap_minor` limits all fees of a month, both parts; on a day on which less than
    `minimum_balance_minor` was open nothing is charged.
    """

    enabled: bool
    kind: LateFeeKind
    percent: Decimal | None
    fixed_minor: int
    grace_days: int
    cap_minor: int | None
    minimum_balance_minor: int
    per_day_minor: int = 0
    base: LateFeeBase = LateFeeBase.outstanding_excluding_fees


@dataclass(frozen=True, slots=True)
class Owed:
    """What a fee is measured by, in minor units: what is open of the invoice, and beside it.

    `recurring_minor` are the invoice's monthly charges in full, `fees_minor` the late fees that
    were open when the fee day began; each counts only where the terms name it as the base.
    """

    open_minor: int
    recurring_minor: int = 0
    fees_minor: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """Money paid on a day, or credit given on it, that took so much off the invoice."""

    on: date
    minor: int


@dataclass(frozen=True, slots=True)
class DailyFee:
    """The part for each late day: how many days, and what they come to under the cap."""

    days: int = 0
    minor: int = 0


def fee_day(due: date, grace_days: int) -> date:
    """The first day a fee is charged: due + grace + 1, the due day itself not counted."""
    return due + timedelta(days=grace_days + 1)


def last_daily_day(due: date, grace_days: int) -> date:
    """The last day that counts: the 15th after the due day, but never before the fee day."""
    return max(due + timedelta(days=DAILY_DAYS), fee_day(due, grace_days))


def fee_days(due: date, grace_days: int, paid_on: date) -> int:
    """How many days a daily fee counts when the money came on `paid_on`; 0 within the grace."""
    return max(0, (paid_on - fee_day(due, grace_days)).days + 1)


def late_days(
    terms: LateFeeTerms, due: date, open_minor: int, settled: Iterable[Settled], until: date
) -> int:
    """The days from the fee day to `until`, both counted, that began with enough still open.

    `open_minor` is open after all that is `settled`; a day's money counts from the next day on,
    so the day of payment is a late day. Days past the last one that counts are left out.
    """
    first = fee_day(due, terms.grace_days)
    last = min(until, last_daily_day(due, terms.grace_days))
    if last < first:
        return 0
    at_least = max(1, terms.minimum_balance_minor)
    later: dict[int, int] = {}
    for one in settled:
        after = max(0, (one.on - first).days + 1)
        later[after] = later.get(after, 0) + one.minor
    owed = open_minor + sum(later.values())
    days = 0
    for day in range((last - first).days + 1):
        owed -= later.get(day, 0)
        days += owed >= at_least
    return days


def open_before(open_minor: int, settled: Iterable[Settled], day: date) -> int:
    """What was open when the day began, from what is open after all that is `settled`."""
    return open_minor + sum(one.minor for one in settled if one.on >= day)


def fee_base(
    base: LateFeeBase,
    outstanding_without_fees_minor: int,
    recurring_minor: int,
    outstanding_fees_minor: int = 0,
) -> int:
    """The amount a percentage is taken of; recurring charges count in full while any is open."""
    if base is LateFeeBase.recurring:
        return recurring_minor if outstanding_without_fees_minor > 0 else 0
    fees = outstanding_fees_minor if base is LateFeeBase.outstanding else 0
    return outstanding_without_fees_minor + fees


def flat_fee(terms: LateFeeTerms, owed: Owed, already_charged_minor: int = 0) -> int:
    """The part charged on the fee day: percent half-up, fixed, or the greater; then the cap.

    `already_charged_minor` are the fees of the month so far. By default fees are no part of what
    a percentage is taken of, so they never compound.
    """
    if not terms.enabled or owed.open_minor < max(1, terms.minimum_balance_minor):
        return 0
    base = fee_base(terms.base, owed.open_minor, owed.recurring_minor, owed.fees_minor)
    share = percent_of(base, terms.percent) if terms.percent is not None else 0
    by_kind = {
        LateFeeKind.percent: share,
        LateFeeKind.fixed: terms.fixed_minor,
        LateFeeKind.greater_of: max(share, terms.fixed_minor),
    }
    return _capped(terms, by_kind[terms.kind], already_charged_minor)


def daily_fee(terms: LateFeeTerms, days: int, already_charged_minor: int = 0) -> int:
    """The part charged once for all late days together, under what the cap still leaves."""
    if not terms.enabled:
        return 0
    return _capped(terms, terms.per_day_minor * max(0, days), already_charged_minor)


def late_fee(
    terms: LateFeeTerms, owed_minor: int, days: int = 1, already_charged_minor: int = 0
) -> int:
    """Both parts together, of an amount on which the percentage is taken; nothing without a day."""
    if days < 1:
        return 0
    plain = replace(terms, base=LateFeeBase.outstanding_excluding_fees)
    if owed_minor < max(1, terms.minimum_balance_minor):
        return 0
    flat = flat_fee(plain, Owed(owed_minor), already_charged_minor)
    return flat + daily_fee(terms, days, already_charged_minor + flat)


def _capped(terms: LateFeeTerms, fee_minor: int, already_charged_minor: int) -> int:
    if terms.cap_minor is None:
        return fee_minor
    return max(0, min(fee_minor, terms.cap_minor - already_charged_minor))
