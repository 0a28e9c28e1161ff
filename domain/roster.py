"""A roster: who lives where, one bed a line. Read and checked here; nothing is written.

A row that breaks rules is told with all of them, by line, column, value and problem; it never
spoils the others.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from io import StringIO
from typing import TypeVar

from domain.errors import InvalidInput
from domain.identifiers import valid_pan
from domain.money import Money
from domain.problem import Problem

PLACE = (
    *("property", "property_type", "area", "city", "state", "floor", "room", "sharing", "bed"),
    *("rent", "deposit", "meals"),
)
PERSON = (
    *("first_name", "last_name", "email", "phone", "gender", "date_of_birth", "pan"),
    *("move_in", "rent_due_day"),
)
COLUMNS = (*PLACE, *PERSON)
GENDERS = ("female", "male", "other")
OLDEST = date(1900, 1, 1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"-?[0-9]{1,4}")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file as it stands there, blanks around the cells taken off."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """Who lives in the bed, since when, and on which day of the month the rent is due."""

    first_name: str
    last_name: str
    email: str | None
    phone: str
    gender: str | None
    date_of_birth: date | None
    pan: str | None
    move_in: date
    rent_due_day: int


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A bed, what it costs in minor units, and who lives in it: nobody when `person` is None."""

    line: Line
    house: str
    property_type: str
    area: str
    city: str
    state: str
    floor: int
    room: str
    sharing: str
    bed: str
    rent_minor: int
    deposit_minor: int
    meals: str
    person: Person | None

    @property
    def place(self) -> tuple[str, int, str, str]:
        """What makes a row the same row in another file: the bed it is about."""
        return (self.house, self.floor, self.room, self.bed)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the house knows and a file does not: the day, the money, and how people are reached."""

    today: date
    currency: str
    types: frozenset[str]
    phone: Callable[[str], str]
    mail: Callable[[str], str]
    due_day: int = 5


def read(text: str) -> Iterator[Line | Problem]:
    """The lines of a file; InvalidInput when it is no roster: its header lacks columns."""
    reader = csv.reader(StringIO(text, newline=""))
    try:
        rows = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        message = f"line {reader.line_num} cannot be read: {error}"
        raise InvalidInput.of("file", "NO_CSV", message) from error
    header = [name.strip() for name in rows[0][1]] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        message = f"the first line lacks the columns {', '.join(missing)}"
        raise InvalidInput.of("file", "NO_ROSTER", message)
    for number, cells in rows[1:]:
        if len(cells) == len(header):
            stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            yield Line(number, {name: stripped[name] for name in COLUMNS})
        elif cells:
            yield Problem(number, "", "", f"has {len(cells)} cells, the first line {len(header)}")


def check(lines: Sequence[Line], rules: Rules) -> tuple[list[RosterRow], list[Problem]]:
    """The good rows, and every problem of the others."""
    rows: list[RosterRow] = []
    problems: list[Problem] = []
    seen = _Seen()
    for line in lines:
        cells = _Cells(line)
        row = _row(cells, rules)
        if row is not None:
            cells.problems += seen.against(row)
        if row is None or cells.problems:
            problems += cells.problems
        else:
            seen.keep(row)
            rows.append(row)
    return rows, problems


@dataclass(slots=True)
class _Cells:
    """The cells of one line and what was found wrong with them."""

    line: Line
    problems: list[Problem] = field(default_factory=list[Problem])

    def take(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        value = self.line.cells[column]
        try:
            return parse(value)
        except InvalidInput as error:
            self._note(column, value, error.problems[0].message)
        except ValueError as error:
            self._note(column, value, str(error))
        return None

    def _note(self, column: str, value: str, said: str) -> None:
        self.problems.append(Problem(self.line.number, column, value, said))


@dataclass(slots=True)
class _Seen:
    """The good rows so far, by what must not come twice or differ."""

    beds: dict[tuple[str, int, str, str], int] = field(
        default_factory=dict[tuple[str, int, str, str], int]
    )
    houses: dict[str, RosterRow] = field(default_factory=dict[str, RosterRow])
    pans: dict[str, int] = field(default_factory=dict[str, int])

    def keep(self, row: RosterRow) -> None:
        self.beds[row.place] = row.line.number
        self.houses.setdefault(row.house, row)
        if row.person is not None and row.person.pan is not None:
            self.pans[row.person.pan] = row.line.number

    def against(self, row: RosterRow) -> Iterator[Problem]:
        number = row.line.number
        if row.place in self.beds:
            yield Problem(number, "bed", row.bed, f"is the bed of line {self.beds[row.place]}")
        first = self.houses.get(row.house, row)
        for column in ("property_type", "area", "city", "state"):
            mine, theirs = getattr(row, column), getattr(first, column)
            if mine != theirs:
                said = f"line {first.line.number} says {theirs!r} of the same property"
                yield Problem(number, column, mine, said)
        pan = row.person.pan if row.person is not None else None
        if pan in self.pans:
            said = f"is the PAN of the resident in line {self.pans[pan]}"
            yield Problem(number, "pan", row.line.cells["pan"], said)


def _row(cells: _Cells, rules: Rules) -> RosterRow | None:
    money = partial(_money, rules.currency)
    taken = {
        "house": cells.take("property", _text),
        "property_type": cells.take("property_type", partial(_word, sorted(rules.types))),
        "area": cells.take("area", _text),
        "city": cells.take("city", _text),
        "state": cells.take("state", _text),
        "floor": cells.take("floor", partial(_whole, -20, 200)),
        "room": cells.take("room", _short),
        "sharing": cells.take("sharing", _optional(_short)),
        "bed": cells.take("bed", _short),
        "rent_minor": cells.take("rent", partial(money, 1)),
        "deposit_minor": cells.take("deposit", _optional(partial(money, 0))),
        "meals": cells.take("meals", _optional(_short)),
    }
    lived_in = any(cells.line.cells[column] for column in PERSON)
    person = _person(cells, rules) if lived_in else None
    if cells.problems:
        return None
    taken["sharing"], taken["meals"] = taken["sharing"] or "", taken["meals"] or ""
    taken["deposit_minor"] = taken["deposit_minor"] or 0
    return RosterRow(line=cells.line, person=person, **taken)  # pyright: ignore[reportArgumentType]


def _person(cells: _Cells, rules: Rules) -> Person | None:
    taken = {
        "first_name": cells.take("first_name", _name),
        "last_name": cells.take("last_name", _optional(_name)),
        "email": cells.take("email", _optional(rules.mail)),
        "phone": cells.take("phone", lambda value: rules.phone(_text(value))),
        "gender": cells.take("gender", _optional(partial(_word, GENDERS))),
        "date_of_birth": cells.take("date_of_birth", _optional(partial(_past, rules.today))),
        "pan": cells.take("pan", _optional(partial(valid_pan, field="pan"))),
        "move_in": cells.take("move_in", partial(_past, rules.today)),
        "rent_due_day": cells.take("rent_due_day", _optional(partial(_whole, 1, 31))),
    }
    if cells.problems:
        return None
    taken["last_name"] = taken["last_name"] or ""
    taken["rent_due_day"] = taken["rent_due_day"] or rules.due_day
    return Person(**taken)  # pyright: ignore[reportArgumentType]


def _optional(parse: Callable[[str], Value]) -> Callable[[str], Value | None]:
    return lambda value: parse(value) if value else None


def _sized(longest: int, value: str) -> str:
    if not value:
        raise ValueError("is empty")
    if len(value) > longest:
        raise ValueError(f"is longer than {longest} characters")
    return value


_text, _name, _short = partial(_sized, 255), partial(_sized, 100), partial(_sized, 50)


def _word(words: Sequence[str], value: str) -> str:
    word = _text(value).lower()
    if word not in words:
        raise ValueError(f"is none of {', '.join(words)}")
    return word


def _whole(least: int, most: int, value: str) -> int:
    if not _WHOLE.fullmatch(_text(value)) or not least <= int(value) <= most:
        raise ValueError(f"is not a whole number from {least} to {most}")
    return int(value)


def _money(currency: str, least: int, value: str) -> int:
    minor = Money.parse(_text(value), currency).minor
    if minor < least:
        raise ValueError("is not above zero" if least else "is below zero")
    return minor


def _past(today: date, value: str) -> date:
    if not _DAY.fullmatch(_text(value)):
        raise ValueError("is not a day written as 2026-08-28")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day of the calendar") from None
    if not OLDEST <= day <= today:
        raise ValueError("is to come" if day > today else "is before 1900")
    return day
