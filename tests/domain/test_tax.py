"""GST on lodging: slabs by date and value, the long-stay exemption, equal heads."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.tax import (
    SAC_LONG_STAY,
    SAC_ROOM,
    DepositEvent,
    Document,
    deposit_consideration,
    document_for,
    hotel_room,
    irn,
    late_fee_tax,
    long_stay,
    long_stay_rate,
    place_of_supply,
    room_slab,
    round_off,
    split_tax,
    tax_line,
    tds_of_operator,
    valid_invoice_number,
)


@pytest.mark.parametrize(
    ("value", "on", "rate", "credit"),
    [
        (750_000, "2025-09-22", 5, False),
        (750_001, "2025-09-22", 18, True),
        (750_000, "2025-09-21", 12, True),
        (750_001, "2025-09-21", 18, True),
        (100_000, "2022-07-18", 12, True),
        (100_000, "2022-07-17", 0, False),
        (100_001, "2022-07-17", 12, True),
        (750_001, "2022-07-17", 18, True),
        (0, "2026-11-05", 5, False),
    ],
)
def test_a_nights_rate_follows_its_date_and_value(
    value: int, on: str, rate: int, *, credit: bool
) -> None:
    supply = hotel_room(value, date.fromisoformat(on))
    assert (supply.rate, supply.input_credit, supply.sac) == (Decimal(rate), credit, SAC_ROOM)


def test_no_rate_is_invented_for_a_day_before_the_first_rule() -> None:
    with pytest.raises(InvalidInput, match="no GST rule is known for 2019-09-30"):
        room_slab(100_000, date(2019, 9, 30))


@pytest.mark.parametrize(
    ("value", "days", "on", "rate"),
    [
        (2_000_000, 90, "2026-11-05", 0),
        (2_000_000, None, "2026-11-05", 0),
        (2_000_001, 90, "2026-11-05", 5),
        (2_000_001, None, "2026-11-05", 5),
        (2_000_000, 89, "2026-11-05", 5),
        (2_000_000, 90, "2024-07-15", 0),
        (2_000_000, 90, "2024-07-14", 12),
        (22_500_029, 90, "2026-11-05", 5),
        (22_500_030, 90, "2026-11-05", 18),
    ],
)
def test_a_long_stay_is_exempt_within_both_limits(
    value: int, days: int | None, on: str, rate: int
) -> None:
    assert long_stay_rate(value, days, date.fromisoformat(on)) == rate


def test_exempt_supplies_get_a_bill_of_supply() -> None:
    exempt = long_stay(2_000_000, None, date(2026, 11, 5))
    taxed = long_stay(2_000_001, None, date(2026, 11, 5), 66_666)
    assert (exempt.exempt, exempt.document, exempt.sac) == (
        True,
        Document.bill_of_supply,
        SAC_LONG_STAY,
    )
    assert (taxed.exempt, taxed.document) == (False, Document.tax_invoice)
    assert document_for(taxed=False) is Document.bill_of_supply


@given(
    st.integers(min_value=0, max_value=10**10),
    st.one_of(
        st.sampled_from([Decimal(rate) for rate in (0, 5, 12, 18)]),
        st.decimals(min_value=0, max_value=28, places=2),
    ),
)
def test_both_heads_are_half_the_rate_rounded_half_up(taxable: int, rate: Decimal) -> None:
    exact = Decimal(taxable) * (rate / 2) / 100
    head = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert split_tax(taxable, rate) == (head, head)
    line = tax_line(taxable, rate)
    assert (line.cgst_minor, line.sgst_minor, line.igst_minor) == (head, head, 0)
    assert line.total_minor == 2 * head


def test_a_late_fee_takes_the_rate_of_what_it_is_late_for() -> None:
    assert late_fee_tax(60_000, Decimal(0)).total_minor == 0
    assert late_fee_tax(60_000, Decimal(5)).total_minor == 3_000


@pytest.mark.parametrize(("state", "second"), [("29", "sgst"), ("07", "sgst"), ("04", "utgst")])
def test_lodging_is_supplied_where_the_property_is(state: str, second: str) -> None:
    assert place_of_supply(state, state) == (state, ("cgst", second))


def test_a_supplier_must_be_registered_where_the_property_is() -> None:
    with pytest.raises(InvalidInput, match="supplier needs a registration in state 29"):
        place_of_supply("27", "29")


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("INV/26-27/000001", True),
        ("INV/2026-27/00001", False),
        ("INV#001", False),
        ("INV_001", False),
        ("", False),
        ("A\n", False),
        ("१", False),
    ],
)
def test_an_invoice_number_keeps_rule_46(number: str, *, valid: bool) -> None:
    assert valid_invoice_number(number) is valid


def test_the_reference_number_is_the_published_hash() -> None:
    wanted = "0cc58581c0073b964fa1fc037903966d030d486c1758e567f57c30a63104b31e"
    assert irn("27AAPFU0939F1ZV", "2026-27", "CRN", "CN/26-27/0000007") == wanted


@given(st.integers(min_value=0, max_value=10**12))
def test_rounding_off_reaches_the_nearest_rupee(total: int) -> None:
    rounded, line = round_off(total)
    assert rounded % 100 == 0
    assert rounded == total + line
    assert -50 < line <= 50


@pytest.mark.parametrize(
    ("event", "taxable"),
    [(DepositEvent.received, 0), (DepositEvent.refunded, 0), (DepositEvent.applied, 1_000)],
)
def test_a_deposit_is_no_consideration_until_it_is_applied(
    event: DepositEvent, taxable: int
) -> None:
    assert deposit_consideration(event, 1_000) == taxable


@pytest.mark.parametrize(
    ("gross", "pan", "participant", "on", "tds"),
    [
        (1_000_000, True, "company", date(2026, 11, 5), 1_000),
        (1_000_000, True, "company", date(2024, 9, 30), 10_000),
        (1_000_000, True, "company", date(2020, 9, 30), 0),
        (1_000_000, False, "company", date(2026, 11, 5), 50_000),
        (50_000_000, True, "individual", date(2026, 11, 5), 0),
        (50_000_001, True, "huf", date(2026, 11, 5), 50_000),
    ],
)
def test_an_operator_withholds_by_the_rule_of_the_day(
    gross: int, participant: str, on: date, tds: int, *, pan: bool
) -> None:
    assert tds_of_operator(gross, pan_given=pan, participant=participant, on=on) == tds
