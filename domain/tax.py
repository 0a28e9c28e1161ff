"""Indian GST on lodging: rules by date as data, tax per line, CGST always equal to SGST.

Sources: notifications 11/2017, 04/2022, 04/2024 and 15/2025 (Central Tax, Rate). Not legal advice.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from domain.errors import InvalidInput
from domain.money import divide_half_up, percent_of

NIL = Decimal(0)
SAC_ROOM = "996311"
SAC_LONG_STAY = "996322"
SAC_STUDENTS = "996321"


class Document(StrEnum):
    """What the law calls the paper: with tax, without tax, or taking back."""

    tax_invoice = "tax_invoice"
    bill_of_supply = "bill_of_supply"
    credit_note = "credit_note"


@dataclass(frozen=True, slots=True)
class Slab:
    """One rate for a unit's value of supply per day up to a limit (None: without limit)."""

    upto_minor: int | None
    rate: Decimal
    input_credit: bool


@dataclass(frozen=True, slots=True)
class LongStayExemption:
    """Nil up to a value per person and month when the stay is continuous for that many days."""

    value_minor: int
    days: int


_TO_1000, _TO_7500 = 100_000, 750_000
_EIGHTEEN = Slab(None, Decimal(18), input_credit=True)
# Each row is in force from its day on; the newest comes first.
ROOM_SLABS: tuple[tuple[date, tuple[Slab, ...]], ...] = (
    (date(2025, 9, 22), (Slab(_TO_7500, Decimal(5), input_credit=False), _EIGHTEEN)),
    (date(2022, 7, 18), (Slab(_TO_7500, Decimal(12), input_credit=True), _EIGHTEEN)),
    (
        date(2019, 10, 1),
        (
            Slab(_TO_1000, NIL, input_credit=False),
            Slab(_TO_7500, Decimal(12), input_credit=True),
            _EIGHTEEN,
        ),
    ),
)
LONG_STAY_EXEMPTIONS: tuple[tuple[date, LongStayExemption], ...] = (
    (date(2024, 7, 15), LongStayExemption(2_000_000, 90)),
)


@dataclass(frozen=True, slots=True)
class Supply:
    """How one supply is taxed: its rate, code, whether input credit is kept, and the document."""

    rate: Decimal
    sac: str
    input_credit: bool

    @property
    def exempt(self) -> bool:
        """No tax is due on it."""
        return not self.rate

    @property
    def document(self) -> Document:
        """A bill of supply when nothing is taxed, else a tax invoice."""
        return document_for(taxed=not self.exempt)


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax of one line, each head in minor units."""

    rate_percent: Decimal
    cgst_minor: int
    sgst_minor: int
    igst_minor: int

    @property
    def total_minor(self) -> int:
        """All heads together."""
        return self.cgst_minor + self.sgst_minor + self.igst_minor


def document_for(*, taxed: bool) -> Document:
    """GST disabled or everything exempt: a bill of supply; else a tax invoice."""
    return Document.tax_invoice if taxed else Document.bill_of_supply


@lru_cache(maxsize=4096)
def _slabs_on(on: date) -> tuple[Slab, ...]:
    for since, slabs in ROOM_SLABS:
        if on >= since:
            return slabs
    message = f"no GST rule is known for {on}; the first is from {ROOM_SLABS[-1][0]}"
    raise InvalidInput.of("date", "NO_TAX_RULE", message)


@lru_cache(maxsize=4096)
def _exemption_on(on: date) -> LongStayExemption | None:
    return next((rule for since, rule in LONG_STAY_EXEMPTIONS if on >= since), None)


def room_slab(value_per_unit_per_day_minor: int, on: date) -> Slab:
    """The slab of one night by its value of supply; a limit belongs to the lower slab."""
    slabs = _slabs_on(on)
    for slab in slabs[:-1]:
        if slab.upto_minor is not None and value_per_unit_per_day_minor <= slab.upto_minor:
            return slab
    return slabs[-1]


def hotel_room(value_per_unit_per_day_minor: int, on: date) -> Supply:
    """One night of a hotel room."""
    slab = room_slab(value_per_unit_per_day_minor, on)
    return Supply(slab.rate, SAC_ROOM, slab.input_credit)


def long_stay_exempt(value_minor: int, continuous_days: int | None, on: date) -> bool:
    """Value per person and month and days within the exemption in force; None: open-ended stay."""
    rule = _exemption_on(on)
    return (
        rule is not None
        and value_minor <= rule.value_minor
        and (continuous_days is None or continuous_days >= rule.days)
    )


def long_stay(
    value_per_person_per_month_minor: int,
    continuous_days: int | None,
    on: date,
    value_per_unit_per_day_minor: int | None = None,
    sac: str = SAC_LONG_STAY,
) -> Supply:
    """A month in a hostel: nil within the exemption, else the slab of a hotel room.

    Without a value per day the slab follows a thirtieth of the month's value.
    """
    if long_stay_exempt(value_per_person_per_month_minor, continuous_days, on):
        return Supply(NIL, sac, input_credit=False)
    per_day = value_per_unit_per_day_minor
    if per_day is None:
        per_day = value_per_person_per_month_minor // 30
    slab = room_slab(per_day, on)
    return Supply(slab.rate, sac, slab.input_credit)


def long_stay_rate(
    value_per_person_per_month_minor: int, continuous_days: int | None, on: date
) -> Decimal:
    """The rate in percent of a month in a hostel; `continuous_days` None means open-ended."""
    return long_stay(value_per_person_per_month_minor, continuous_days, on).rate


def split_tax(taxable_minor: int, rate: Decimal) -> tuple[int, int]:
    """(CGST, SGST): half the rate each, each rounded half-up on its own, so they are equal."""
    if not rate:
        return 0, 0
    numerator, denominator = _half_rate(rate)
    head = divide_half_up(taxable_minor * numerator, denominator)
    return head, head


@lru_cache(maxsize=64)
def _half_rate(rate: Decimal) -> tuple[int, int]:
    numerator, denominator = rate.as_integer_ratio()
    return numerator, denominator * 200


def tax_line(taxable_minor: int, rate: Decimal) -> TaxLine:
    """The tax of one line at a property in the supplier's own State: never IGST."""
    cgst, sgst = split_tax(taxable_minor, rate)
    return TaxLine(rate, cgst, sgst, 0)


def late_fee_tax(fee_minor: int, principal_rate: Decimal) -> TaxLine:
    """A late fee is part of the supply it is late for: same rate, or exempt (s.15(2)(d) CGST)."""
    return tax_line(fee_minor, principal_rate)


# Union territories without a legislature: the State head is called UTGST there.
_UNION_TERRITORIES = frozenset({"04", "26", "31", "35", "38", "97"})


def place_of_supply(supplier_state: str, property_state: str) -> tuple[str, tuple[str, str]]:
    """(State code, tax heads) of lodging: where the property is (s.12(3)(b) IGST), whoever stays.

    InvalidInput when the supplier is not registered in that State.
    """
    if supplier_state != property_state:
        message = f"supplier needs a registration in state {property_state}"
        raise InvalidInput.of("gstin", "OTHER_STATE", message)
    return property_state, ("cgst", "utgst" if property_state in _UNION_TERRITORIES else "sgst")


_NUMBER = re.compile(r"[A-Za-z0-9/-]{1,16}")


def valid_invoice_number(number: str) -> bool:
    """Rule 46(b): at most 16 of letters, digits, slash and hyphen."""
    return _NUMBER.fullmatch(number) is not None


def irn(gstin: str, financial_year: str, document_type: str, number: str) -> str:
    """The invoice reference number: SHA-256 of GSTIN, year ("2026-27"), INV|CRN|DBN and number."""
    return hashlib.sha256(f"{gstin}{financial_year}{document_type}{number}".encode()).hexdigest()


def round_off(total_minor: int, unit_minor: int = 100) -> tuple[int, int]:
    """(rounded total, round-off line): the nearest rupee, 50 paise up (s.170 CGST)."""
    rounded = divide_half_up(total_minor, unit_minor) * unit_minor
    return rounded, rounded - total_minor


class DepositEvent(StrEnum):
    """What becomes of a deposit, or of a part of it."""

    received = "received"
    applied = "applied"
    refunded = "refunded"


def deposit_consideration(event: DepositEvent, amount_minor: int) -> int:
    """What counts as taxable value: a deposit only once it is applied (s.2(31) proviso CGST)."""
    return amount_minor if event is DepositEvent.applied else 0


_TDS_WITH_PAN: tuple[tuple[date, Decimal], ...] = (
    (date(2024, 10, 1), Decimal("0.1")),
    (date(2020, 10, 1), Decimal(1)),
)
_TDS_WITHOUT_PAN = Decimal(5)
_TDS_FREE_MINOR = 50_000_000


def tds_of_operator(
    gross_minor: int, *, pan_given: bool, participant: str, on: date = date.max
) -> int:
    """What an e-commerce operator withholds (old s.194-O); individuals with PAN: above 5 lakh."""
    if not pan_given:
        return percent_of(gross_minor, _TDS_WITHOUT_PAN)
    if participant.lower() in {"individual", "huf"} and gross_minor <= _TDS_FREE_MINOR:
        return 0
    rate = next((rate for since, rate in _TDS_WITH_PAN if on >= since), NIL)
    return percent_of(gross_minor, rate)
