"""Double entry: every business act becomes postings that sum to zero, debits above zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.invoice import LineKind


class AccountKind(StrEnum):
    """Where an account stands in the books."""

    asset = "asset"
    liability = "liability"
    income = "income"
    expense = "expense"
    equity = "equity"


class Account(StrEnum):
    """The codes of the house's accounts; stored in postings, so renaming one is a migration."""

    cash = "cash"
    bank = "bank"
    cheques_in_hand = "cheques_in_hand"
    provider_clearing = "provider_clearing"
    receivables = "receivables"
    tds_receivable = "tds_receivable"
    deposits_held = "deposits_held"
    advances = "advances"
    cgst_payable = "cgst_payable"
    sgst_payable = "sgst_payable"
    igst_payable = "igst_payable"
    opening_balances = "opening_balances"
    rent_income = "rent_income"
    maintenance_income = "maintenance_income"
    food_income = "food_income"
    utility_income = "utility_income"
    late_fee_income = "late_fee_income"
    other_income = "other_income"
    round_off = "round_off"
    bad_debts = "bad_debts"
    bad_debts_recovered = "bad_debts_recovered"

    @property
    def title(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The name people read."""
        return _CHART[self][0]

    @property
    def kind(self) -> AccountKind:
        """Where it stands in the books."""
        return _CHART[self][1]


_CHART: dict[Account, tuple[str, AccountKind]] = {
    Account.cash: ("Cash", AccountKind.asset),
    Account.bank: ("Bank", AccountKind.asset),
    Account.cheques_in_hand: ("Cheques in hand", AccountKind.asset),
    Account.provider_clearing: ("Payment providers", AccountKind.asset),
    Account.receivables: ("Receivables", AccountKind.asset),
    Account.tds_receivable: ("TDS receivable", AccountKind.asset),
    Account.deposits_held: ("Deposits held", AccountKind.liability),
    Account.advances: ("Advances from residents", AccountKind.liability),
    Account.cgst_payable: ("CGST payable", AccountKind.liability),
    Account.sgst_payable: ("SGST payable", AccountKind.liability),
    Account.igst_payable: ("IGST payable", AccountKind.liability),
    Account.opening_balances: ("Opening balances", AccountKind.equity),
    Account.rent_income: ("Rent", AccountKind.income),
    Account.maintenance_income: ("Maintenance", AccountKind.income),
    Account.food_income: ("Food", AccountKind.income),
    Account.utility_income: ("Utilities", AccountKind.income),
    Account.late_fee_income: ("Late fees", AccountKind.income),
    Account.other_income: ("Other income", AccountKind.income),
    Account.round_off: ("Round-off", AccountKind.income),
    Account.bad_debts: ("Bad debts", AccountKind.expense),
    Account.bad_debts_recovered: ("Bad debts recovered", AccountKind.income),
}

CREDITED_BY_LINE: dict[LineKind, Account] = {
    LineKind.rent: Account.rent_income,
    LineKind.maintenance: Account.maintenance_income,
    LineKind.food: Account.food_income,
    LineKind.utility: Account.utility_income,
    LineKind.late_fee: Account.late_fee_income,
    LineKind.deposit: Account.deposits_held,
    LineKind.other: Account.other_income,
}

_DEBITED_BY_METHOD: dict[str, Account] = {
    "cash": Account.cash,
    "cheque": Account.cheques_in_hand,
    "tds": Account.tds_receivable,
    "upi": Account.bank,
    "card": Account.bank,
    "netbanking": Account.bank,
    "bank_transfer": Account.bank,
}


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry in minor units: above zero a debit, below zero a credit."""

    account: Account
    minor: int


def balanced(postings: Iterable[Posting]) -> list[Posting]:
    """The postings without zeroes; ValueError when they do not sum to zero."""
    kept = [posting for posting in postings if posting.minor]
    if sum(posting.minor for posting in kept):
        raise ValueError(f"an entry must sum to zero: {kept}")
    return kept


def reverse(postings: Iterable[Posting]) -> list[Posting]:
    """The same entry with debit and credit exchanged."""
    return balanced(Posting(posting.account, -posting.minor) for posting in postings)


def for_invoice(
    lines: Iterable[tuple[LineKind, int]],
    cgst_minor: int = 0,
    sgst_minor: int = 0,
    igst_minor: int = 0,
    round_off_minor: int = 0,
) -> list[Posting]:
    """The payer owes lines, taxes and round-off; one posting per account."""
    owed: dict[Account, int] = {}
    total = cgst_minor + sgst_minor + igst_minor + round_off_minor
    for kind, amount in lines:
        account = CREDITED_BY_LINE[kind]
        owed[account] = owed.get(account, 0) - amount
        total += amount
    postings = [Posting(Account.receivables, total)]
    postings += [Posting(account, minor) for account, minor in owed.items()]
    postings += [
        Posting(Account.cgst_payable, -cgst_minor),
        Posting(Account.sgst_payable, -sgst_minor),
        Posting(Account.igst_payable, -igst_minor),
        Posting(Account.round_off, -round_off_minor),
    ]
    return balanced(postings)


def for_payment(
    method: str,
    to_receivables: int,
    to_advances: int = 0,
    to_recovered: int = 0,
    *,
    by_provider: bool = False,
) -> list[Posting]:
    """Money that came in by a method pays invoices, the rest becomes an advance.

    A provider owes us what was paid through it until it settles. What comes for a debt that was
    written off is income of its own: the loss stays as it was.
    """
    debited = Account.provider_clearing if by_provider else _DEBITED_BY_METHOD[method]
    return balanced(
        (
            Posting(debited, to_receivables + to_advances + to_recovered),
            Posting(Account.receivables, -to_receivables),
            Posting(Account.advances, -to_advances),
            Posting(Account.bad_debts_recovered, -to_recovered),
        )
    )


def for_advance_use(minor: int) -> list[Posting]:
    """An advance pays an invoice."""
    return balanced((Posting(Account.advances, minor), Posting(Account.receivables, -minor)))


def for_credit_note(
    lines: Iterable[tuple[LineKind, int]],
    cgst_minor: int = 0,
    sgst_minor: int = 0,
    igst_minor: int = 0,
    round_off_minor: int = 0,
    *,
    to_advances: int = 0,
) -> list[Posting]:
    """Takes an invoice's charges back; what was already paid of them becomes an advance."""
    taken = reverse(for_invoice(lines, cgst_minor, sgst_minor, igst_minor, round_off_minor))
    if not to_advances:
        return taken
    kept = [posting for posting in taken if posting.account is not Account.receivables]
    owed = -sum(posting.minor for posting in kept)
    return balanced(
        (
            Posting(Account.receivables, owed + to_advances),
            Posting(Account.advances, -to_advances),
            *kept,
        )
    )


def for_write_off(minor: int) -> list[Posting]:
    """What will not be paid becomes a loss."""
    return balanced((Posting(Account.bad_debts, minor), Posting(Account.receivables, -minor)))


def for_recovery_from_advance(minor: int) -> list[Posting]:
    """An advance makes up for a debt that was written off."""
    return balanced(
        (Posting(Account.advances, minor), Posting(Account.bad_debts_recovered, -minor))
    )


def for_bounce(
    method: str, from_receivables: int, from_advances: int = 0, from_recovered: int = 0
) -> list[Posting]:
    """A payment that came back: its entry reversed."""
    return reverse(for_payment(method, from_receivables, from_advances, from_recovered))


def for_cheque_cleared(minor: int) -> list[Posting]:
    """A cheque in hand became money at the bank."""
    return balanced((Posting(Account.bank, minor), Posting(Account.cheques_in_hand, -minor)))


def for_opening_deposit(minor: int) -> list[Posting]:
    """A deposit taken before these books began."""
    return balanced(
        (Posting(Account.opening_balances, minor), Posting(Account.deposits_held, -minor))
    )
