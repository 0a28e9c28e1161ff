"""What a month's bill will be before anybody is billed: whom it reaches, what to look at, the fee.

The amounts themselves are domain.billing_run's: a preview has no arithmetic of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.billing_run import Line
from domain.calendar import Month, in_words
from domain.invoice_collection import (
    CollectionFacts,
    Step,
    daily_fee_due,
    flat_fee_due,
    plan,
)
from domain.late_fee import FeePart
from domain.money import Money
from domain.tax import Document, TaxLine, late_fee_tax

FEE_STEPS: Final[dict[str, FeePart]] = {
    Step.charge_late_fee: FeePart.flat,
    Step.charge_daily_fee: FeePart.daily,
}


class WarningCode(StrEnum):
    """What a person should see before it is sent."""

    first_month_prorated = "FIRST_MONTH_PRORATED"
    last_month_prorated = "LAST_MONTH_PRORATED"
    differs_from_last_month = "DIFFERS_FROM_LAST_MONTH"
    tax_changed = "TAX_CHANGED"
    taxed_without_gstin = "TAXED_WITHOUT_GSTIN"


@dataclass(frozen=True, slots=True)
class Warned:
    """One of them, in words."""

    code: WarningCode
    message: str


@dataclass(frozen=True, slots=True)
class Stay:
    """When an agreement begins and ends (None: open), and its last billed month's first day."""

    start: date
    end: date | None
    billed_through: date | None


@dataclass(frozen=True, slots=True)
class MonthBill:
    """What a month asks of an agreement, or asked: enough to compare two of them."""

    total_minor: int
    currency: str
    document: str


@dataclass(frozen=True, slots=True)
class FeeAhead:
    """A part of the late fee, charged if nothing is paid until then: how much, with its tax."""

    part: FeePart
    at: datetime
    fee_minor: int
    tax: TaxLine

    @property
    def total_minor(self) -> int:
        """What the penalty invoice will ask for."""
        return self.fee_minor + self.tax.total_minor


def bills(stay: Stay, month: Month) -> bool:
    """Whether a month's run reaches the agreement: the month is its next one, and it lasts."""
    if stay.start > month.last or (stay.end is not None and stay.end < month.first):
        return False
    through = stay.billed_through
    if through == month.previous().first:
        return True
    return stay.start >= month.first and (through is None or through < month.first)


def unbilled(stay: Stay, until: date) -> list[Month]:
    """The months, in order, that have begun by a day and are still to bill."""
    month = Month.of(stay.start)
    if stay.billed_through is not None:
        month = max(month, Month.of(stay.billed_through).next())
    last = until if stay.end is None else min(until, stay.end)
    months: list[Month] = []
    while month.first <= last:
        months.append(month)
        month = month.next()
    return months


def warnings(
    stay: Stay,
    month: Month,
    bill: MonthBill,
    before: MonthBill | None,
    *,
    gstin: str | None,
    differs_percent: Decimal,
) -> list[Warned]:
    """What is unusual about a bill; `before` is the one of the month before, if there was one."""
    return [
        *_prorated(stay, month),
        *_compared(bill, before, month.previous(), differs_percent),
        *_taxed(bill, gstin),
    ]


def fees_ahead(facts: CollectionFacts, lines: Sequence[Line], at: datetime) -> list[FeeAhead]:
    """What the plan of an invoice announces; empty where it announces no fee."""
    principal = max(lines, key=lambda line: line.amount_minor)
    return fees_planned(facts, principal.rate, at)


def fees_planned(facts: CollectionFacts, rate: Decimal, at: datetime) -> list[FeeAhead]:
    """The same, taxed at the rate of what the invoice is mainly for."""
    amounts = {FeePart.flat: flat_fee_due(facts), FeePart.daily: daily_fee_due(facts).minor}
    return [
        FeeAhead(part, step.at, amounts[part], late_fee_tax(amounts[part], rate))
        for step in plan(facts, at)
        if (part := FEE_STEPS.get(step.what)) is not None
    ]


def _prorated(stay: Stay, month: Month) -> list[Warned]:
    first, last = max(month.first, stay.start), month.last
    if stay.end is not None:
        last = min(last, stay.end)
    share = f"{(last - first).days + 1} of {month.days} days"
    told: list[Warned] = []
    if first > month.first:
        message = f"the stay begins on {in_words(first)}: {share}"
        told.append(Warned(WarningCode.first_month_prorated, message))
    if last < month.last:
        message = f"the stay ends on {in_words(last)}: {share}"
        told.append(Warned(WarningCode.last_month_prorated, message))
    return told


def _compared(
    bill: MonthBill, before: MonthBill | None, last: Month, differs_percent: Decimal
) -> list[Warned]:
    if before is None or before.currency != bill.currency:
        return []
    told: list[Warned] = []
    change = bill.total_minor - before.total_minor
    if abs(change) * 100 > differs_percent * before.total_minor:
        now, then = (Money(b.total_minor, b.currency).text for b in (bill, before))
        by = Money(abs(change), bill.currency).text
        word = "more" if change > 0 else "less"
        message = f"{now} is {by} {word} than {then} for {last.text}"
        told.append(Warned(WarningCode.differs_from_last_month, message))
    if before.document != bill.document:
        message = f"tax is charged, which it was not for {last.text}"
        if bill.document == Document.bill_of_supply:
            message = f"no tax is charged, which it was for {last.text}"
        told.append(Warned(WarningCode.tax_changed, message))
    return told


def _taxed(bill: MonthBill, gstin: str | None) -> list[Warned]:
    if bill.document != Document.tax_invoice or gstin:
        return []
    message = "tax is charged, and neither the property nor the operator has a GSTIN"
    return [Warned(WarningCode.taxed_without_gstin, message)]
