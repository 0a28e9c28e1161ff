"""An agreement's own future: the next month to bill and its end."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.agreement import AgreementFacts, next_due, next_month, plan
from domain.billing_run import AgreementTerms
from domain.calendar import INDIA, Month
from domain.proration import Basis

AT = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)
ID = UUID(int=1)


def facts(
    start: date, end: date | None = None, billed: date | None = None, rent: int = 10_000_00
) -> AgreementFacts:
    terms = AgreementTerms(
        agreement_id=ID,
        resident_id=ID,
        property_id=ID,
        currency="INR",
        rent_minor=rent,
        maintenance_minor=0,
        food_minor=0,
        start=start,
        end=end,
        due_day=5,
        basis=Basis.actual_days,
        gst_enabled=True,
        continuous_days=None,
    )
    return AgreementFacts(terms, billed, 5, INDIA, INDIA)


@pytest.mark.parametrize(
    ("start", "end", "billed", "month"),
    [
        (date(2026, 10, 5), None, None, Month(2026, 10)),
        (date(2026, 8, 5), None, date(2026, 10, 1), Month(2026, 11)),
        (date(2026, 12, 5), None, date(2026, 10, 1), Month(2026, 12)),
        (date(2026, 8, 5), date(2026, 10, 31), date(2026, 10, 1), None),
        (date(2026, 8, 5), date(2026, 11, 1), date(2026, 10, 1), Month(2026, 11)),
    ],
)
def test_the_next_month_follows_what_was_billed(
    start: date, end: date | None, billed: date | None, month: Month | None
) -> None:
    """Never before the start, never after the end, never twice."""
    assert next_month(facts(start, end, billed)) == month


def test_a_month_to_come_is_billed_when_its_first_day_begins() -> None:
    """A quarter past midnight by the clock of the tenant, then the end of the stay."""
    bill, end = plan(facts(date(2026, 8, 1), date(2027, 3, 31), date(2026, 10, 1)), AT)
    assert (bill.what, bill.at) == ("bill", datetime(2026, 10, 31, 18, 45, tzinfo=UTC))
    assert bill.why == "billed for 2026-11 on 1 November 2026: ₹10,000.00, due 6 November 2026"
    assert (end.what, end.at) == ("end", datetime(2027, 3, 31, 18, 30, tzinfo=UTC))


def test_a_month_that_has_begun_is_billed_when_the_clock_strikes_next() -> None:
    """Today's stroke when it is still to come, else tomorrow's."""
    (bill,) = plan(facts(date(2026, 10, 5)), AT)
    assert bill.at == datetime(2026, 10, 20, 18, 45, tzinfo=UTC)
    (early,) = plan(facts(date(2026, 10, 5)), datetime(2026, 10, 19, 18, 40, tzinfo=UTC))
    assert early.at == datetime(2026, 10, 19, 18, 45, tzinfo=UTC)


def test_what_costs_nothing_or_is_over_has_no_plan() -> None:
    """No rent, no bill; past the end, nothing."""
    assert list(plan(facts(date(2026, 10, 5), rent=0), AT)) == []
    over = facts(date(2026, 1, 1), date(2026, 6, 30), date(2026, 6, 1))
    assert list(plan(over, AT)) == []


def test_the_next_bill_says_when_it_will_be_due() -> None:
    """The later of the due day and the issue day with its patience; none where none comes."""
    billed = facts(date(2026, 8, 1), billed=date(2026, 10, 1))
    assert next_due(billed, AT) == date(2026, 11, 6)
    over = facts(date(2026, 1, 1), date(2026, 6, 30), date(2026, 6, 1))
    assert next_due(over, AT) is None
