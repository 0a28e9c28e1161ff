"""Reading a roster: good rows whole, bad ones with every rule they break."""

from datetime import date

import pytest

from domain.errors import InvalidInput
from domain.roster import COLUMNS, Line, Problem, RosterRow, Rules, check, read

RULES = Rules(
    today=date(2026, 11, 21),
    currency="INR",
    types=frozenset({"pg", "hostel"}),
    phone=lambda given: f"+91{given}",
    mail=str.lower,
)
ROW = {
    "property": "Lake House",
    "property_type": "PG",
    "area": "Madhapur",
    "city": "Hyderabad",
    "state": "Telangana",
    "floor": "0",
    "room": "001",
    "sharing": "2",
    "bed": "A",
    "rent": "7500",
    "deposit": "2000",
    "meals": "All Meals",
    "first_name": "Asha",
    "last_name": "Rao",
    "email": "Asha@Example.com",
    "phone": "9820000001",
    "gender": "Female",
    "date_of_birth": "2001-02-03",
    "pan": "acupa7085r",
    "move_in": "2026-08-28",
    "rent_due_day": "1",
}
NOBODY = dict.fromkeys(
    ("first_name", "last_name", "email", "phone", "gender", "date_of_birth", "pan", "move_in",
     "rent_due_day"),
    "",
)  # fmt: skip


def checked(*rows: dict[str, str]) -> tuple[list[RosterRow], list[Problem]]:
    return check([Line(n, {**ROW, **row}) for n, row in enumerate(rows, 2)], RULES)


def test_a_whole_row_is_read_in_the_houses_own_terms() -> None:
    """Amounts in minor units, words in lower case, contacts as the house writes them."""
    (row,), problems = checked({})
    assert problems == []
    assert (row.property_type, row.rent_minor, row.deposit_minor) == ("pg", 7_500_00, 2_000_00)
    assert row.place == ("Lake House", 0, "001", "A")
    assert row.person is not None
    assert (row.person.email, row.person.phone) == ("asha@example.com", "+919820000001")
    assert (row.person.pan, row.person.gender) == ("ACUPA7085R", "female")
    assert (row.person.move_in, row.person.rent_due_day) == (date(2026, 8, 28), 1)


def test_a_row_without_a_resident_is_a_vacant_bed() -> None:
    """What may be empty may be empty."""
    (row,), problems = checked({**NOBODY, "deposit": "", "meals": "", "sharing": ""})
    assert (row.person, row.deposit_minor, problems) == (None, 0, [])
    (row,), _ = checked({**NOBODY, "first_name": "Asha", "phone": "1", "move_in": "2026-11-21"})
    assert row.person is not None
    assert (row.person.last_name, row.person.email, row.person.rent_due_day) == ("", None, 5)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("property", "", "is empty"),
        ("property", "x" * 256, "longer than 255"),
        ("property_type", "castle", "is none of hostel, pg"),
        ("floor", "ground", "whole number"),
        ("floor", "201", "from -20 to 200"),
        ("rent", "", "is empty"),
        ("rent", "0", "not above zero"),
        ("rent", "7,500", "not a decimal number"),
        ("rent", "7500.005", "more than the 2 decimals"),
        ("deposit", "-1", "below zero"),
        ("phone", "", "is empty"),
        ("gender", "unsure", "is none of"),
        ("date_of_birth", "1890-01-01", "before 1900"),
        ("pan", "ABMXA3211G", "a PAN is"),
        ("move_in", "", "is empty"),
        ("move_in", "20260828", "not a day written as"),
        ("move_in", "2026-02-30", "no day of the calendar"),
        ("move_in", "2026-11-22", "is to come"),
        ("rent_due_day", "32", "from 1 to 31"),
    ],
)
def test_a_bad_cell_is_named_with_its_rule(column: str, value: str, said: str) -> None:
    """Line, column, value, problem."""
    rows, (problem,) = checked({column: value})
    assert rows == []
    assert (problem.line, problem.column, problem.value) == (2, column, value)
    assert said in problem.problem


def test_every_problem_of_a_row_is_told_at_once() -> None:
    """Nobody repairs a file one error a day."""
    _, problems = checked({"rent": "x", "phone": "", "move_in": "soon", "floor": ""})
    assert [problem.column for problem in problems] == ["floor", "rent", "phone", "move_in"]


def test_a_bed_a_pan_and_a_house_are_one_thing_each() -> None:
    """The second of a bed or a PAN stays out, and who says otherwise of a house already named."""
    rows, problems = checked(
        {},
        {"pan": ""},
        {"bed": "B"},
        {"bed": "C", "pan": "", "city": "Pune", "area": "Baner"},
    )
    assert [row.bed for row in rows] == ["A"]
    assert [(p.line, p.column) for p in problems] == [
        (3, "bed"),
        (4, "pan"),
        (5, "area"),
        (5, "city"),
    ]
    assert "line 2" in problems[0].problem


def test_a_bad_first_row_does_not_take_the_bed() -> None:
    """Only what goes in can be doubled."""
    rows, problems = checked({"rent": ""}, {})
    assert ([row.line.number for row in rows], len(problems)) == ([3], 1)


def test_lines_keep_their_numbers() -> None:
    """Also after a cell of two lines, an empty line, and a line with a cell too few."""
    head = ",".join((*COLUMNS, "extra"))
    cells = ",".join(f' "{ROW[name]}"'.strip() for name in COLUMNS)
    text = f'{head}\n{cells},"two\nlines"\n\nshort,line\n{cells},\n'
    first, short, last = read(text)
    assert isinstance(first, Line)
    assert (first.number, first.cells["room"]) == (3, "001")
    assert short == Problem(5, "", "", "has 2 cells, the first line 22")
    assert isinstance(last, Line)
    assert last.number == 6


def test_what_is_no_roster_is_refused_as_a_whole() -> None:
    """An empty file, columns that are not there, a cell beyond every measure."""
    for text, said in (
        ("", "lacks the columns property"),
        ("property,rent\n", "lacks the columns property_type"),
        ("x" * 200_000, "cannot be read"),
    ):
        with pytest.raises(InvalidInput, match=said):
            list(read(text))
