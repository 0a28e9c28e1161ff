"""Papers are named by their number, and their code asks for what is open, where UPI can move it."""

import pytest

from domain.errors import InvalidInput
from domain.money import Money
from domain.paper import file_name
from domain.upi import LIMIT_MINOR, parse, to_pay
from tests.support.papers import inr, receipt_paper, tax_invoice

NUMBER = "INV/26-27/000123"


def test_a_file_is_named_by_the_number_on_the_paper() -> None:
    assert file_name(NUMBER) == "INV-26-27-000123.pdf"


def test_an_invoice_is_paid_when_money_that_came_settled_it() -> None:
    assert tax_invoice(balance=inr("0")).is_paid
    assert not tax_invoice().is_paid
    given_up = tax_invoice(balance=inr("0"), paid=inr("1.00"))
    assert not given_up.is_paid
    assert not tax_invoice(balance=inr("0"), paid=inr("0"), credited=inr("25401.00")).is_paid


def test_a_receipt_is_dated_by_the_day_the_money_came() -> None:
    assert receipt_paper().issued_on == receipt_paper().paid_on


def test_the_code_names_payee_number_and_amount() -> None:
    link = to_pay("sunrise@okhdfcbank", "Sunrise & Co", NUMBER, inr("9500.50"))
    assert link is not None
    read = parse(link)
    assert (read.payee, read.name, read.amount_minor) == (
        *("sunrise@okhdfcbank", "Sunrise & Co"),
        9_500_50,
    )
    assert (read.reference, read.note) == ("INV-26-27-000123", NUMBER)


@pytest.mark.parametrize(
    ("payee", "balance"),
    [
        (None, inr("1.00")),
        ("sunrise@okhdfcbank", inr("0")),
        ("sunrise@okhdfcbank", Money(100, "USD")),
        ("sunrise@okhdfcbank", Money(LIMIT_MINOR + 1, "INR")),
    ],
)
def test_there_is_no_code_where_upi_cannot_pay(payee: str | None, balance: Money) -> None:
    assert to_pay(payee, "Sunrise", NUMBER, balance) is None


def test_the_largest_payment_has_a_code() -> None:
    assert to_pay("sunrise@okhdfcbank", "Sunrise", NUMBER, Money(LIMIT_MINOR, "INR"))


def test_a_payee_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput):
        to_pay("sunrise", "Sunrise", NUMBER, inr("1.00"))
