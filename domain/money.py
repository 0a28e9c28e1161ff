"""Money is an integer of minor units and an ISO currency; it is never a float and never mixes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from domain.errors import InvalidInput

BIGINT_MAX = 2**63 - 1

_ZERO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
_ENDING_IN_ZERO = frozenset(_THREE_DECIMALS.split())
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG"
)
# ISO 4217: how many decimals the minor unit of each currency has.
EXPONENTS: dict[str, int] = {
    code: decimals
    for decimals, codes in enumerate((_ZERO_DECIMALS, "", _TWO_DECIMALS, _THREE_DECIMALS))
    for code in codes.split()
} | dict.fromkeys(_FOUR_DECIMALS.split(), 4)

# Stripe counts ariary without decimals, and króna and Ugandan shilling with two that must be 00.
_STRIPE_DECIMALS = {"MGA": 0, "ISK": 2, "UGX": 2}
_STRIPE_WHOLE = frozenset({"ISK", "UGX"})

_SYMBOLS = {"INR": "₹", "EUR": "€", "USD": "$", "GBP": "£", "BRL": "R$", "JPY": "¥"}
_DECIMAL = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")


def exponent(currency: str) -> int:
    """Decimals of an ISO 4217 currency (INR 2, JPY 0, KWD 3); InvalidInput when it is unknown."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        message = f"{currency[:8]!r} is not an ISO 4217 currency code such as INR"
        raise InvalidInput.of("currency", "UNKNOWN_CURRENCY", message) from None


def half_up(amount: Decimal) -> int:
    """The nearest integer; a half goes away from zero (section 170 of the CGST Act)."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def divide_half_up(numerator: int, denominator: int) -> int:
    """`half_up(numerator / denominator)` in integers, for a denominator above zero."""
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=256)
def _ratio(percent: Decimal) -> tuple[int, int]:
    numerator, denominator = percent.as_integer_ratio()
    return numerator, denominator * 100


def percent_of(minor: int, percent: Decimal) -> int:
    """`percent` of an amount in minor units, rounded half-up."""
    numerator, denominator = _ratio(percent)
    return divide_half_up(minor * numerator, denominator)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` by weight so that the parts sum to it: largest remainder, ties by position."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be zero or more, and at least one above zero")
    if total < 0:
        return [-part for part in split(-total, weights)]
    parts = [total * weight // whole for weight in weights]
    rests = [total * weight % whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda position: -rests[position])
    for position in by_rest[: total - sum(parts)]:
        parts[position] += 1
    return parts


def _major(minor: int, decimals: int) -> str:
    sign = "-" if minor < 0 else ""
    if decimals == 0:
        return f"{sign}{abs(minor)}"
    whole, rest = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{rest:0{decimals}d}"


def _parse_minor(amount: str, decimals: int, field: str, code: str) -> int:
    match = _DECIMAL.fullmatch(amount)
    if match is None:
        message = f"{amount[:40]!r} is not a decimal number such as 9500.00"
        raise InvalidInput.of(field, "NOT_A_DECIMAL", message)
    sign, whole, rest = match[1], match[2], match[3] or ""
    if len(rest) > decimals:
        message = f"{amount[:40]} has more than the {decimals} decimals of {code}"
        raise InvalidInput.of(field, "TOO_MANY_DECIMALS", message)
    minor = int(whole + rest.ljust(decimals, "0"))
    if minor > BIGINT_MAX:
        raise InvalidInput.of(field, "TOO_LARGE", f"{amount[:40]} is larger than can be booked")
    return -minor if sign else minor


def grouped(digits: str, *, indian: bool) -> str:
    """Digits with commas: by three, or the Indian way (the last three, then pairs)."""
    if not indian:
        return f"{int(digits):,}"
    head, tail = digits[:-3], digits[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one ISO currency; sums and comparisons never mix currencies."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, amount: str, currency: str, field: str = "amount") -> "Money":
        """Read "9500.00"; InvalidInput for no decimal, too many decimals, or beyond BIGINT."""
        return cls(_parse_minor(amount, exponent(currency), field, currency), currency)

    @property
    def major(self) -> str:
        """The amount as the API writes it: "9500.00"."""
        return _major(self.minor, exponent(self.currency))

    @property
    def text(self) -> str:
        """The amount as people read it: "₹9,500.00", rupees grouped the Indian way."""
        whole, point, rest = _major(abs(self.minor), exponent(self.currency)).partition(".")
        symbol = _SYMBOLS.get(self.currency, f"{self.currency} ")
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{symbol}{grouped(whole, indian=self.currency == 'INR')}{point}{rest}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def percent(self, rate: Decimal) -> "Money":
        """`rate` percent of it, rounded half-up."""
        return Money(percent_of(self.minor, rate), self.currency)

    def split(self, weights: Sequence[int]) -> "list[Money]":
        """Parts that sum to the whole: largest remainder, ties by position."""
        return [Money(part, self.currency) for part in split(self.minor, weights)]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            message = f"{other.currency} cannot be mixed with {self.currency}"
            raise InvalidInput.of("currency", "CURRENCY_MISMATCH", message)
        return other.minor


def _provider_decimals(provider: str, currency: str) -> int:
    decimals = exponent(currency)
    return _STRIPE_DECIMALS.get(currency, decimals) if provider == "stripe" else decimals


def to_provider_minor(provider: str, currency: str, major: str) -> int:
    """The integer a provider wants for "500.00"; InvalidInput for what it would refuse.

    Stripe refuses three-decimal amounts not ending in 0 and fractions of króna; Razorpay's own
    examples cut the third decimal to 0.
    """
    code = currency.upper()
    decimals = _provider_decimals(provider, code)
    minor = _parse_minor(major, decimals, "amount", code)
    if code in _ENDING_IN_ZERO and minor % 10:
        if provider != "razorpay":
            message = f"the third decimal of {code} must be 0"
            raise InvalidInput.of("amount", "THIRD_DECIMAL", message)
        minor -= minor % 10
    if provider == "stripe" and code in _STRIPE_WHOLE and minor % 100:
        raise InvalidInput.of("amount", "NOT_WHOLE", f"{code} is charged in whole units only")
    return minor


def to_provider_major(provider: str, currency: str, minor: int) -> str:
    """The decimal string of a provider's integer: 1200000 INR is "12000.00"."""
    code = currency.upper()
    return _major(minor, _provider_decimals(provider, code))
