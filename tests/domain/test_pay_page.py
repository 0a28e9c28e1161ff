"""What stands open, in the word that matters most to its payer, and whom a page thanks."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.errors import Conflict, FieldProblem, InvalidInput, Refused
from domain.pay_page import (
    Agreed,
    Hindrance,
    Standing,
    hindrance,
    not_opened,
    standing,
)
from domain.payment_attempt import PayBy
from tests.support.accounts import AT, FEE, PAID, PARTS, POWER, RENT, account, under_way
from tests.support.papers import inr

TODAY = date(2026, 12, 8)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("agreed", "word"),
    [
        (Agreed(TOMORROW), Standing.due),
        (Agreed(TODAY), Standing.due),
        (Agreed(YESTERDAY), Standing.overdue),
        (Agreed(YESTERDAY, promised_for=TODAY), Standing.promised),
        (Agreed(YESTERDAY, promised_for=YESTERDAY), Standing.overdue),
        (Agreed(YESTERDAY, promised_for=TODAY, paused_until=TOMORROW), Standing.paused),
        (Agreed(YESTERDAY, paused_until=TODAY), Standing.overdue),
        (Agreed(YESTERDAY, paused_until=TOMORROW, disputed=True), Standing.disputed),
    ],
)
def test_an_open_invoice_stands_as_its_payer_needs_to_know(agreed: Agreed, word: Standing) -> None:
    assert standing(agreed, TODAY) is word


def test_a_late_fee_is_listed_after_what_it_is_for() -> None:
    owed = account(RENT, POWER)
    assert owed.listed == [RENT, FEE, POWER]
    assert (owed.first_due, owed.one_day) == (date(2026, 12, 5), False)
    assert account(PARTS).one_day
    assert (RENT.what, RENT.paid, RENT.settled) == (
        "Rent December 2026, Food December 2026",
        inr("2000.00"),
        inr("-2000.00"),
    )


def test_the_house_is_called_what_its_payer_calls_it() -> None:
    assert account(RENT, POWER).house == "Sunrise Residency"
    assert account(RENT, replace(POWER, house="Moon House")).house == "Sunrise Homes LLP"
    assert account(replace(RENT, house=None)).house == "Sunrise Homes LLP"
    assert account().house == "Sunrise Homes LLP"


def test_the_day_is_that_of_the_house() -> None:
    assert account(at=AT.replace(hour=19)).today == date(2026, 12, 9)


def test_a_payer_is_thanked_for_what_was_paid_and_for_nothing_else_that_came() -> None:
    by_link = replace(PAID, attempt_id=UUID(int=7), number="RCP/26-27/000032")
    paid = account(received=[PAID, by_link])
    for named in (PAID.number, str(PAID.payment_id)):
        assert paid.thanked_for(named) is PAID
    assert paid.thanked_for(str(UUID(int=7))) is by_link
    for other in (str(UUID(int=8)), "now", "x", "None"):
        assert account(received=[PAID]).thanked_for(other) is None, other
    assert paid.came_since(None) is None


def test_a_try_is_shown_while_its_time_has_not_passed() -> None:
    tried = under_way(PayBy.link, None)
    assert account(RENT, under_way=tried).open_try is tried
    assert account(RENT, under_way=tried, at=tried.expires_at).open_try is None
    assert account(RENT).open_try is None


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (InvalidInput.of("amount", "TOO_SMALL", "must be more"), Hindrance.too_small),
        (
            InvalidInput(
                FieldProblem("by", "UNKNOWN", "choose"), FieldProblem("amount", "TOO_LARGE", "less")
            ),
            Hindrance.no_way,
        ),
        (InvalidInput.of("body", "ODD", "is odd"), Hindrance.other),
        (Conflict("none", code="NO_ACCOUNT"), Hindrance.way_closed),
        (Refused("no"), Hindrance.other),
    ],
)
def test_a_refusal_is_one_hindrance_to_a_payer(refusal: Refused, said: Hindrance) -> None:
    assert hindrance(refusal) is said


def test_a_page_that_was_not_opened_is_the_amounts_fault_or_the_ways() -> None:
    assert not_opened("AMOUNT_REFUSED") is Hindrance.amount_refused
    assert not_opened("CREDENTIALS") is not_opened(None) is Hindrance.way_closed
