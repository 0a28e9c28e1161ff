"""The books: every act sums to zero and touches the accounts a bookkeeper expects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ledger
from domain.invoice import LineKind
from domain.ledger import Account, AccountKind, Posting

MINOR = st.integers(0, 10**9)
LINES = st.lists(st.tuples(st.sampled_from(LineKind), MINOR), max_size=6)
METHODS = ["cash", "cheque", "tds", "upi", "card", "netbanking", "bank_transfer"]


def as_dict(postings: list[Posting]) -> dict[Account, int]:
    assert len({posting.account for posting in postings}) == len(postings)
    assert sum(posting.minor for posting in postings) == 0
    assert all(posting.minor for posting in postings)
    return {posting.account: posting.minor for posting in postings}


def test_every_account_has_a_name_and_a_kind_and_every_line_an_account() -> None:
    assert len({account.title for account in Account}) == len(Account)
    assert {account.kind for account in Account} == set(AccountKind)
    assert set(ledger.CREDITED_BY_LINE) == set(LineKind)
    assert Account.deposits_held.kind is AccountKind.liability


def test_an_invoice_is_owed_by_the_payer_and_earned_by_kind() -> None:
    lines = [(LineKind.rent, 900), (LineKind.food, 100), (LineKind.rent, 50)]
    assert as_dict(ledger.for_invoice(lines, 25, 25, 0, -10)) == {
        Account.receivables: 1_090,
        Account.rent_income: -950,
        Account.food_income: -100,
        Account.cgst_payable: -25,
        Account.sgst_payable: -25,
        Account.round_off: 10,
    }


def test_a_deposit_is_a_debt_of_the_house_and_no_income() -> None:
    assert as_dict(ledger.for_invoice([(LineKind.deposit, 5_000)])) == {
        Account.receivables: 5_000,
        Account.deposits_held: -5_000,
    }


@pytest.mark.parametrize(
    ("method", "account"),
    [
        ("cash", Account.cash),
        ("cheque", Account.cheques_in_hand),
        ("bank_transfer", Account.bank),
        ("upi", Account.bank),
        ("tds", Account.tds_receivable),
    ],
)
def test_money_lands_where_its_method_says(method: str, account: Account) -> None:
    assert as_dict(ledger.for_payment(method, 700, 300)) == {
        account: 1_000,
        Account.receivables: -700,
        Account.advances: -300,
    }


def test_the_smaller_acts_move_between_two_accounts() -> None:
    assert as_dict(ledger.for_advance_use(5)) == {Account.advances: 5, Account.receivables: -5}
    assert as_dict(ledger.for_write_off(5)) == {Account.bad_debts: 5, Account.receivables: -5}
    assert as_dict(ledger.for_cheque_cleared(5)) == {
        Account.bank: 5,
        Account.cheques_in_hand: -5,
    }
    assert as_dict(ledger.for_opening_deposit(5)) == {
        Account.opening_balances: 5,
        Account.deposits_held: -5,
    }


def test_a_credit_note_for_what_was_paid_becomes_an_advance() -> None:
    lines = [(LineKind.late_fee, 100)]
    assert as_dict(ledger.for_credit_note(lines, 9, 9)) == {
        Account.receivables: -118,
        Account.late_fee_income: 100,
        Account.cgst_payable: 9,
        Account.sgst_payable: 9,
    }
    assert as_dict(ledger.for_credit_note(lines, 9, 9, to_advances=118)) == {
        Account.advances: -118,
        Account.late_fee_income: 100,
        Account.cgst_payable: 9,
        Account.sgst_payable: 9,
    }
    assert as_dict(ledger.for_credit_note(lines, to_advances=40)) == {
        Account.receivables: -60,
        Account.advances: -40,
        Account.late_fee_income: 100,
    }


@given(LINES, MINOR, MINOR, st.integers(-50, 50))
def test_an_invoice_and_its_credit_note_leave_nothing(
    lines: list[tuple[LineKind, int]], head: int, igst: int, rounding: int
) -> None:
    charged = as_dict(ledger.for_invoice(lines, head, head, igst, rounding))
    taken = as_dict(ledger.for_credit_note(lines, head, head, igst, rounding))
    assert taken == {account: -minor for account, minor in charged.items()}


@given(st.sampled_from(METHODS), MINOR, MINOR)
def test_a_bounced_payment_leaves_nothing(method: str, owed: int, more: int) -> None:
    came = as_dict(ledger.for_payment(method, owed, more))
    went = as_dict(ledger.for_bounce(method, owed, more))
    assert went == {account: -minor for account, minor in came.items()}


def test_an_entry_that_does_not_balance_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.balanced([Posting(Account.cash, 1)])
