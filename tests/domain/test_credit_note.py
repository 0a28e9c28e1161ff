"""A credit note takes back what was charged, head by head, to the last paisa and never beyond."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credit_note import Charge, left_after, lines_taken_back, taken_back
from domain.invoice import LineKind
from domain.numbering import BILL_OF_SUPPLY, series_of
from domain.tax import Document, split_tax

RENT = Charge(LineKind.rent, 10_000_00, 250_00, 250_00)
FOOD = Charge(LineKind.food, 2_000_00, 0, 0)


@st.composite
def charges(draw: st.DrawFn) -> list[Charge]:
    lines: list[Charge] = []
    for amount in draw(st.lists(st.integers(0, 10**9), min_size=1, max_size=6)):
        rate = Decimal(draw(st.sampled_from([0, 5, 12, 18])))
        central, state = split_tax(amount, rate)
        lines.append(Charge(LineKind.rent, amount, central, state))
    return lines


def test_the_whole_is_taken_back_as_it_was_charged() -> None:
    assert taken_back([RENT, FOOD], 12_500_00) == [RENT, FOOD]
    assert left_after([RENT], [10_500_00]) == [Charge(LineKind.rent, 0, 0, 0)]


def test_a_part_carries_its_tax_at_the_rate_it_was_charged_with() -> None:
    assert taken_back([RENT], 1_050_00) == [Charge(LineKind.rent, 1_000_00, 25_00, 25_00)]
    rent, food = taken_back([RENT, FOOD], 1_250_00)
    assert (rent.gross_minor, food.gross_minor) == (1_050_00, 200_00)


@pytest.mark.parametrize("total", [0, -1, 12_500_01])
def test_nothing_and_more_than_was_charged_are_refused(total: int) -> None:
    with pytest.raises(ValueError, match="within what is charged"):
        taken_back([RENT, FOOD], total)


@given(lines=charges(), cuts=st.lists(st.integers(1, 10**9), max_size=6))
def test_notes_one_after_another_take_exactly_what_was_charged(
    lines: list[Charge], cuts: list[int]
) -> None:
    """Each note adds up, CGST stays equal to SGST, and the last leaves every head at zero."""
    whole = sum(line.gross_minor for line in lines)
    notes: list[int] = []
    for cut in cuts:
        left = left_after(lines, notes)
        rest = sum(charge.gross_minor for charge in left)
        if rest < 1:
            break
        total = min(cut, rest)
        parts = taken_back(left, total)
        assert sum(part.gross_minor for part in parts) == total
        assert all(part.cgst_minor == part.sgst_minor for part in parts)
        assert all(0 <= p.gross_minor <= c.gross_minor for p, c in zip(parts, left, strict=True))
        notes.append(total)
    if whole > sum(notes):
        notes.append(whole - sum(notes))
    zeroes = [Charge(line.kind, 0, 0, 0) for line in lines]
    assert left_after(lines, notes) == zeroes or whole == 0


def test_bills_of_supply_are_numbered_apart_from_tax_invoices() -> None:
    assert series_of(Document.bill_of_supply, "INV") == BILL_OF_SUPPLY
    assert series_of(Document.tax_invoice, "INV") == "INV"


@given(lines=charges(), data=st.data())
def test_notes_by_line_and_by_total_together_take_exactly_what_was_charged(
    lines: list[Charge], data: st.DataObject
) -> None:
    """Whichever way each note is asked for, no head of a line is ever taken back beyond it."""
    notes: list[list[Charge]] = []
    for _ in range(data.draw(st.integers(0, 5))):
        left = left_after(lines, notes)
        priced = [place for place, charge in enumerate(left) if charge.amount_minor]
        if not priced:
            break
        place = data.draw(st.sampled_from(priced))
        if data.draw(st.booleans()):
            amount = data.draw(st.integers(1, left[place].amount_minor))
            parts = lines_taken_back(left, {place: amount})
            assert parts[place].amount_minor == amount
        else:
            whole = sum(charge.gross_minor for charge in left)
            parts = taken_back(left, data.draw(st.integers(1, whole)))
        notes.append(parts)
    left = left_after(lines, notes)
    assert all(charge.cgst_minor == charge.sgst_minor >= 0 for charge in left)
    assert all(charge.amount_minor >= 0 for charge in left)


@pytest.mark.parametrize("asked", [{}, {2: 1}, {-1: 1}, {0: 0}, {0: 10_000_01}, {0: 1, 1: -1}])
def test_lines_are_not_taken_back_beyond_their_price(asked: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="within what is charged"):
        lines_taken_back([RENT, FOOD], asked)
