"""The short rules: names of things, outlooks, document numbers, deposits, UPI links, refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import errors, keys, upi
from domain.calendar import Month
from domain.deposit_settlement import Settlement, settle, within_model_cap
from domain.next_action import NextAction, Outlook, outlook
from domain.numbering import document_number
from domain.tax import valid_invoice_number
from tests.domain.samples import identity, in_india

TENANT, THING = identity(1), identity(2)
T, I = str(TENANT), str(THING)  # noqa: E741


def test_names_kept_in_histories_and_at_providers_stay_as_they_are() -> None:
    assert keys.invoice_collection(TENANT, THING) == f"invoice/{T}/{I}"
    assert keys.billing_run(TENANT, Month(2026, 10)) == f"billing/{T}/2026-10"
    assert keys.billing_run(TENANT, "2026-10", THING) == f"billing/{T}/2026-10/{I}"
    assert keys.billing_clock(TENANT) == f"billing-clock/{T}"
    assert keys.message_delivery(TENANT, THING) == f"message/{T}/{I}"


def test_an_outlook_is_the_first_action_or_none() -> None:
    first = NextAction(in_india(5), "remind", "because", ("admin",))
    later = NextAction(in_india(6), "hand_to_operator", "because", ("admin",))
    assert outlook("due", [first, later]) == Outlook("due", "remind", in_india(5), "because")
    assert outlook("paid", []) == Outlook("paid", None, None, "nothing is left to do")


def test_a_document_number_is_one_the_law_accepts() -> None:
    number = document_number("INV", "2026-27", 7)
    assert number == "INV/26-27/000007"
    assert valid_invoice_number(number)
    with pytest.raises(errors.Refused, match="shorter prefix") as refusal:
        document_number("HOUSE", "2026-27", 7)
    assert refusal.value.code == "NUMBER_TOO_LONG"


def test_a_deposit_that_does_not_cover_leaves_an_invoice() -> None:
    assert settle(1_000_000, 1_200_000, 43_250, 0) == Settlement(1_000_000, 0, 243_250)
    assert settle(1_000_000, 200_000, 43_250, 100) == Settlement(243_350, 756_650, 0)


@given(*[st.integers(0, 10**9)] * 4)
def test_a_settlement_accounts_for_every_paisa(
    deposit: int, rent: int, utility: int, damages: int
) -> None:
    settled = settle(deposit, rent, utility, damages)
    assert settled.deductions_minor + settled.refund_minor == deposit
    assert settled.deductions_minor + settled.balance_due_minor == rent + utility + damages
    assert 0 in (settled.refund_minor, settled.balance_due_minor)


@pytest.mark.parametrize(
    ("deposit", "use", "within"),
    [
        (2_400_000, "residential", True),
        (2_400_001, "residential", False),
        (7_200_000, "non_residential", True),
        (7_200_001, "shop", False),
    ],
)
def test_the_model_law_caps_a_deposit(deposit: int, use: str, *, within: bool) -> None:
    assert within_model_cap(1_200_000, deposit, use) is within


LINKS = st.builds(
    upi.UpiLink,
    payee=st.sampled_from(["sunrisepg@hdfcbank", "a1@upi"]),
    name=st.one_of(st.none(), st.text(min_size=1, max_size=20)),
    reference=st.one_of(st.none(), st.from_regex(r"[A-Za-z0-9_-]{1,35}", fullmatch=True)),
    note=st.one_of(st.none(), st.text(min_size=1, max_size=20)),
    amount_minor=st.one_of(st.none(), st.integers(1, 10**9)),
    merchant_code=st.one_of(st.none(), st.just("6513")),
)


@given(LINKS)
def test_a_upi_link_reads_back_as_it_was_built(link: upi.UpiLink) -> None:
    assert upi.parse(upi.build(link)) == link


def test_a_upi_link_has_one_order_and_no_plus_signs() -> None:
    link = upi.UpiLink("sunrisepg@hdfcbank", "Sunrise PG", "INV-2", "Rent+Food 50%", 850_050)
    assert upi.build(link) == (
        "upi://pay?pa=sunrisepg@hdfcbank&pn=Sunrise%20PG&tr=INV-2"
        "&tn=Rent%2BFood%2050%25&am=8500.50&cu=INR"
    )


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("https://pay?pa=a1@upi", "NOT_UPI"),
        ("upi://pay?pn=X&am=10&cu=INR", "INVALID_PA"),
        ("upi://pay?pa=abc&pn=X&cu=INR", "INVALID_PA"),
        ("upi://pay?pa=a1@upi&cu=USD", "NOT_INR"),
        ("upi://pay?pa=a1@upi&pa=b2@upi", "DOUBLED"),
        ("upi://pay?pa=a1@upi&tr=TX46RT*/12", "INVALID_REFERENCE"),
        ("upi://pay?pa=a1@upi&am=0", "NOT_POSITIVE"),
        ("upi://pay?pa=a1@upi&am=ten", "NOT_A_DECIMAL"),
    ],
)
def test_a_link_that_apps_would_refuse_is_refused(uri: str, code: str) -> None:
    with pytest.raises(errors.InvalidInput) as refusal:
        upi.parse(uri)
    assert refusal.value.problems[0].code == code


@pytest.mark.parametrize(
    ("amount", "category", "verified", "within"),
    [
        (10_000_000, "default", False, True),
        (10_000_001, "default", False, False),
        (10_000_001, "travel", False, False),
        (50_000_000, "travel", True, True),
        (50_000_001, "travel", True, False),
        (10_000_001, "default", True, False),
    ],
)
def test_npci_limits_one_payment(
    amount: int, category: str, *, verified: bool, within: bool
) -> None:
    assert upi.within_limit(amount, category, verified_merchant=verified) is within


def test_a_refusal_names_every_field() -> None:
    refusal = errors.InvalidInput(
        errors.FieldProblem("amount", "TOO_LARGE", "is too large"),
        errors.FieldProblem("due", "NOT_A_DAY", "is no day"),
    )
    assert str(refusal) == "amount: is too large; due: is no day"
    assert (refusal.code, errors.IllegalTransition("no").code) == (
        "INVALID_INPUT",
        "ILLEGAL_TRANSITION",
    )
    assert errors.Unavailable("later", retry_after_seconds=9).retry_after_seconds == 9
    assert errors.UnknownOutcome("?").code == "UNKNOWN_OUTCOME"
