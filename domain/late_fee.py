"""A late fee: dated right, on what is outstanding without earlier fees, never above its cap."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.money import percent_of


class LateFeeKind(StrEnum):
    """How the fee is measured."""

    percent = "percent"
    fixed = "fixed"
    greater_of = "greater_of"


class LateFeeBase(StrEnum):
    """What a percentage is taken of."""

    outstanding_excluding_fees = "outstanding_excluding_fees"
    outstanding = "outstanding"
    recurring = "recurring"


@dataclass(frozen=True, slots=True)
class LateFeeTerms:
    """Terms frozen on the invoice at issue; amounts in minor units, grace after the due day.

    `per_day_minor` is added for each day from the fee day on; `cap_minor` limits all fees of the
    period; below `minimum_balance_minor` nothing is charged.
    """

    enabled: bool
    kind: LateFeeKind
    percent: Decimal | None
    fixed_minor: int
    grace_days: int
    cap_minor: int | None
    minimum_balance_minor: int
    per_day_minor: int = 0


def fee_day(due: date, grace_days: int) -> date:
    """The first day a fee is charged: due + grace + 1, the due day itself not counted."""
    return due + timedelta(days=grace_days + 1)


def fee_days(due: date, grace_days: int, paid_on: date) -> int:
    """How many days a daily fee counts when the money came on `paid_on`; 0 within the grace."""
    return max(0, (paid_on - fee_day(due, grace_days)).days + 1)


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


def late_fee(
    terms: LateFeeTerms,
    outstanding_without_fees_minor: int,
    days: int = 1,
    already_charged_minor: int = 0,
) -> int:
    """The fee in minor units: percent half-up, fixed, or the greater; then per day, then the cap.

    Fees are no part of what is outstanding, so they never compound.
    """
    outstanding = outstanding_without_fees_minor
    if not terms.enabled or days < 1 or outstanding <= 0:
        return 0
    if outstanding < terms.minimum_balance_minor:
        return 0
    share = percent_of(outstanding, terms.percent) if terms.percent is not None else 0
    by_kind = {
        LateFeeKind.percent: share,
        LateFeeKind.fixed: terms.fixed_minor,
        LateFeeKind.greater_of: max(share, terms.fixed_minor),
    }
    fee = by_kind[terms.kind] + terms.per_day_minor * days
    if terms.cap_minor is not None:
        fee = min(fee, terms.cap_minor - already_charged_minor)
    return max(0, fee)


def fee_to_reverse(
    terms: LateFeeTerms, charged_minor: int, outstanding_at_fee_day_minor: int
) -> int:
    """What to credit when money dated before the fee day arrives later."""
    return max(0, charged_minor - late_fee(terms, outstanding_at_fee_day_minor))
