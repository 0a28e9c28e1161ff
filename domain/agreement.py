"""An agreement's own future, from its terms alone: the next month to bill, and its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from domain.billing_run import AgreementTerms, InvoiceDraft, draft
from domain.calendar import Month, at_local, in_words, local_day
from domain.money import Money
from domain.next_action import NextAction

BILLED_AT = time(0, 15)  # when the billing clock of a tenant strikes, each day
MIDNIGHT = time(0)
_ADMIN = ("admin: bill earlier, change the end date",)


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What the rows say; `zone` is the property's, `office_zone` that of the tenant's clock.

    `billed_through` is the first day of the last month billed, here or elsewhere.
    """

    terms: AgreementTerms
    billed_through: date | None
    default_due_days: int
    zone: str
    office_zone: str


def next_month(facts: AgreementFacts) -> Month | None:
    """The next month to bill; None when the agreement ends before it."""
    month = Month.of(facts.terms.start)
    if facts.billed_through is not None:
        month = max(month, Month.of(facts.billed_through).next())
    end = facts.terms.end
    return None if end is not None and end < month.first else month


def plan(facts: AgreementFacts, at: datetime) -> Sequence[NextAction]:
    """The next billing and the end, ordered by time."""
    actions = [*_billing(facts, at), *_end(facts, at)]
    return sorted(actions, key=lambda action: action.at)


def next_due(facts: AgreementFacts, at: datetime) -> date | None:
    """The day on which the next bill will be due; None when there is none to come."""
    billing = _next_billing(facts, at)
    return None if billing is None else billing.owed.due


@dataclass(frozen=True, slots=True)
class _Billing:
    """The next bill of an agreement, as it will be drawn up."""

    month: Month
    when: datetime
    owed: InvoiceDraft


def _next_billing(facts: AgreementFacts, at: datetime) -> _Billing | None:
    month = next_month(facts)
    if month is None:
        return None
    when = _strikes(facts, month, at)
    issued_on = local_day(when, facts.office_zone)
    owed = draft(facts.terms, month, issued_on, facts.default_due_days)
    return None if owed is None else _Billing(month, when, owed)


def _billing(facts: AgreementFacts, at: datetime) -> list[NextAction]:
    billing = _next_billing(facts, at)
    if billing is None:
        return []
    issued_on = local_day(billing.when, facts.office_zone)
    total = Money(billing.owed.total_minor, facts.terms.currency).text
    due = in_words(billing.owed.due)
    why = f"billed for {billing.month} on {in_words(issued_on)}: {total}, due {due}"
    return [NextAction(billing.when, "bill", why, _ADMIN)]


def _strikes(facts: AgreementFacts, month: Month, at: datetime) -> datetime:
    """When the clock strikes for the month: on its first day, or next when that has passed."""
    today = local_day(at, facts.office_zone)
    day = max(month.first, today)
    when = at_local(day, BILLED_AT, facts.office_zone)
    return when if when > at else at_local(day + timedelta(days=1), BILLED_AT, facts.office_zone)


def _end(facts: AgreementFacts, at: datetime) -> list[NextAction]:
    end = facts.terms.end
    if end is None:
        return []
    when = at_local(end + timedelta(days=1), MIDNIGHT, facts.zone)
    why = f"the agreement ends with {in_words(end)}"
    return [NextAction(when, "end", why, ("admin: change the end date",))] if when > at else []
