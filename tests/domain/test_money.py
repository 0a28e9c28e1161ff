"""Money: exact, in one currency, shared out to the last paisa."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.money import (
    BIGINT_MAX,
    EXPONENTS,
    Money,
    divide_half_up,
    exponent,
    half_up,
    split,
    to_provider_major,
    to_provider_minor,
)

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("INR", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("CLF", 4), ("BRL", 2), ("MGA", 2)],
)
def test_each_currency_has_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


def test_every_listed_currency_is_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    assert len(EXPONENTS) > 150


@pytest.mark.parametrize("currency", ["", "inr", "XXX", "RUPEES OF INDIA"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput, match="ISO 4217") as refusal:
        exponent(currency)
    assert refusal.value.problems[0].code == "UNKNOWN_CURRENCY"


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.5", 1), ("2.5", 3), ("-2.5", -3), ("2.49", 2), ("-0.5", -1), ("0", 0), ("82.5", 83)],
)
def test_a_half_goes_away_from_zero(amount: str, rounded: int) -> None:
    assert half_up(Decimal(amount)) == rounded


@given(AMOUNTS, st.integers(min_value=1, max_value=10**6))
def test_whole_number_division_rounds_as_decimals_do(numerator: int, denominator: int) -> None:
    doubled = 2 * denominator
    exact = Decimal(numerator) / Decimal(denominator)
    is_half = (2 * numerator) % denominator == 0 and (2 * numerator // denominator) % 2
    sign = -1 if numerator < 0 else 1
    by_hand = sign * ((2 * abs(numerator) + denominator) // doubled)
    assert divide_half_up(numerator, denominator) == by_hand
    if is_half:
        assert abs(by_hand) >= abs(exact)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("9500.00", "INR", 950_000),
        ("9500", "INR", 950_000),
        ("0.5", "INR", 50),
        ("-3.05", "INR", -305),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("92233720368547758.07", "INR", BIGINT_MAX),
    ],
)
def test_a_decimal_string_is_read_to_the_paisa(amount: str, currency: str, minor: int) -> None:
    assert Money.parse(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("", "INR", "NOT_A_DECIMAL"),
        ("1e3", "INR", "NOT_A_DECIMAL"),
        ("9,500.00", "INR", "NOT_A_DECIMAL"),
        (" 1", "INR", "NOT_A_DECIMAL"),
        ("१०", "INR", "NOT_A_DECIMAL"),
        ("1.", "INR", "NOT_A_DECIMAL"),
        ("NaN", "INR", "NOT_A_DECIMAL"),
        ("1\n", "INR", "NOT_A_DECIMAL"),
        ("9" * 5000, "INR", "NOT_A_DECIMAL"),
        ("1.005", "INR", "TOO_MANY_DECIMALS"),
        ("1.0", "JPY", "TOO_MANY_DECIMALS"),
        ("92233720368547758.08", "INR", "TOO_LARGE"),
    ],
)
def test_what_is_no_amount_is_refused_by_its_rule(amount: str, currency: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Money.parse(amount, currency, field="rentAmount")
    assert [(p.field, p.code) for p in refusal.value.problems] == [("rentAmount", code)]


@given(st.integers(min_value=-BIGINT_MAX, max_value=BIGINT_MAX), st.sampled_from(sorted(EXPONENTS)))
def test_writing_and_reading_an_amount_gives_it_back(minor: int, currency: str) -> None:
    assert Money.parse(Money(minor, currency).major, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (950_000, "INR", "₹9,500.00"),
        (12_345_678_90, "INR", "₹1,23,45,678.90"),
        (99, "INR", "₹0.99"),
        (-2_450, "INR", "-₹24.50"),
        (123_456_789, "EUR", "€1,234,567.89"),
        (1_000, "JPY", "¥1,000"),
        (1_234, "KWD", "KWD 1.234"),
    ],
)
def test_people_read_amounts_grouped_their_way(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).text == text


def test_sums_and_comparisons_stay_within_one_currency() -> None:
    ten, three = Money(1000, "INR"), Money(300, "INR")
    assert (ten + three, ten - three, -ten) == (
        Money(1300, "INR"),
        Money(700, "INR"),
        Money(-1000, "INR"),
    )
    assert three < ten
    assert three <= ten
    assert ten > three
    assert ten >= three


@pytest.mark.parametrize(
    "operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"]
)
def test_mixing_currencies_is_refused(operation: str) -> None:
    with pytest.raises(InvalidInput, match="USD cannot be mixed with INR"):
        getattr(Money(1, "INR"), operation)(Money(1, "USD"))


@given(AMOUNTS, st.decimals(min_value=0, max_value=100, places=3))
def test_a_percentage_is_rounded_half_up(minor: int, rate: Decimal) -> None:
    exact = Decimal(minor) * rate / 100
    wanted = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert Money(minor, "INR").percent(rate).minor == wanted


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10_000, [3, 1], [7_500, 2_500]),
        (99_999, [31, 28], [52_542, 47_457]),
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (0, [1, 2], [0, 0]),
        (5, [0, 1, 0], [0, 5, 0]),
    ],
)
def test_a_remainder_goes_to_the_largest_then_to_the_first(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert split(total, weights) == parts


@given(AMOUNTS, st.lists(st.integers(min_value=0, max_value=10**6), min_size=1).filter(any))
def test_shares_sum_to_the_whole_and_are_off_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole


@given(AMOUNTS, st.integers(min_value=1, max_value=50))
def test_equal_shares_differ_by_one_paisa_at_most(minor: int, people: int) -> None:
    parts = [part.minor for part in Money(minor, "INR").split([1] * people)]
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=minor >= 0)


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_nothing_can_be_shared_without_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(100, weights)


@pytest.mark.parametrize(
    ("provider", "currency", "major", "minor"),
    [
        ("stripe", "inr", "9500.00", 950_000),
        ("stripe", "jpy", "500", 500),
        ("stripe", "mga", "500", 500),
        ("stripe", "isk", "5", 500),
        ("stripe", "ugx", "5000", 500_000),
        ("stripe", "kwd", "5.120", 5120),
        ("razorpay", "kwd", "99.991", 99_990),
        ("razorpay", "INR", "299.35", 29_935),
    ],
)
def test_a_provider_gets_its_own_integer(
    provider: str, currency: str, major: str, minor: int
) -> None:
    assert to_provider_minor(provider, currency, major) == minor


@pytest.mark.parametrize(
    ("provider", "currency", "major", "code"),
    [
        ("stripe", "isk", "40.10", "NOT_WHOLE"),
        ("stripe", "kwd", "5.124", "THIRD_DECIMAL"),
        ("stripe", "jpy", "5.5", "TOO_MANY_DECIMALS"),
        ("stripe", "xxx", "5", "UNKNOWN_CURRENCY"),
    ],
)
def test_what_a_provider_would_refuse_is_refused_first(
    provider: str, currency: str, major: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        to_provider_minor(provider, currency, major)
    assert refusal.value.problems[0].code == code


def test_a_provider_integer_is_read_back_as_a_decimal() -> None:
    assert to_provider_major("cashfree", "INR", 1_200_000) == "12000.00"
    assert to_provider_major("stripe", "isk", 500) == "5.00"
