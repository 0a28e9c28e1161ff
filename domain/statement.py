"""A bank statement: read as the banks of India print it, one credit a line; nothing is written.

The line that names the columns is looked for below whatever the bank prints above it. A row that
breaks a rule is told by line, column, value and problem and never spoils the others.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO

from domain.errors import InvalidInput
from domain.money import Money
from domain.problem import Problem
from domain.statement_cells import bare, day_of, signed, utr_of

HEAD_WITHIN = 60  # banks print an address, a period and a balance above their columns
LONGEST = 1000
# How banks spell their columns, blanks and punctuation aside; of two in one file the earlier here.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "value_date": ("value date", "value dt", "value dat", "val date"),
    "date": (
        *("date", "txn date", "tran date", "trans date", "transaction date", "post date"),
        *("posting date", "posted date", "booking date"),
    ),
    "credit": (
        *("credit", "credits", "cr", "credit amount", "credit amt", "cr amount", "cr amt"),
        *("deposit", "deposits", "deposit amount", "deposit amt", "amount credited", "paid in"),
    ),
    "debit": (
        *("debit", "debits", "dr", "debit amount", "debit amt", "dr amount", "dr amt"),
        *("withdrawal", "withdrawals", "withdrawal amount", "withdrawal amt", "amount debited"),
        "paid out",
    ),
    "amount": (
        *("amount", "amt", "transaction amount", "txn amount", "tran amount", "amount inr"),
        "amount in inr",
    ),
    "side": (
        *("dr cr", "cr dr", "drcr", "crdr", "debit credit", "credit debit", "dr cr indicator"),
        *("cr dr indicator", "type", "transaction type", "txn type", "tran type"),
    ),
    "utr": ("utr", "utr no", "utr number", "utr ref no", "utr rrn", "rrn", "rrn no"),
    "reference": (
        *("ref no", "ref", "ref number", "reference", "reference no", "reference number"),
        *("bank reference", "bank ref no", "transaction reference", "transaction ref no"),
        *("transaction id", "txn id", "tran id", "chq ref no", "chq ref number", "cheque ref no"),
        *("ref no cheque no", "ref no chq no", "cheque no ref no", "chq no ref no", "cheque no"),
        *("cheque number", "chq no", "chqno", "chq number", "instrument no", "instrument id"),
    ),
    "narration": (
        *("narration", "description", "particulars", "transaction remarks", "remarks", "details"),
        *("transaction particulars", "transaction details", "transaction description"),
    ),
}
_DELIMITERS = (",", ";", "\t", "|")
_BRACKETS = re.compile(r"\([^)]*\)")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_OVER = re.compile(r"end of (the )?statement|statement summary|legends?\b", re.IGNORECASE)
_SUMS = re.compile(
    r"(grand )?totals?\b|(opening|closing) bal|(balance )?(brought|carried) forward|balance [bc]/?f"
    r"|[bc]/f\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came in: the value date, minor units, and what the bank says about it.

    `reference` is the cell as printed; `utr` is it normalised when it names one transfer for ever.
    """

    line: int
    day: date
    minor: int
    narration: str
    reference: str = ""
    utr: str | None = None


@dataclass(slots=True)
class Statement:
    """What a file holds: credits in its order, debits counted and left, and what is wrong."""

    credits: list[Credit] = field(default_factory=list[Credit])
    debits: int = 0
    debits_minor: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def lines(self) -> int:
        """How many lines move money, or would if they could be read."""
        return len(self.credits) + self.debits + len({problem.line for problem in self.problems})


def read(text: str, currency: str, today: date) -> Statement:
    """The lines of a statement; InvalidInput when no line of the file names its columns."""
    head, rows = _table(text)
    found = Statement()
    for number, cells in rows:
        row = _Row(number, head, [" ".join(cell.split()) for cell in cells])
        if row.is_silent:
            if _OVER.search(" ".join(row.cells)):
                break
            continue
        _take(found, row, currency, today)
    return found


def identities(credits_: Sequence[Credit], account: str) -> list[str]:
    """What makes each credit the same one in another file of the same account.

    A UTR names a transfer, so it does with its amount. Without one it is day, amount and words,
    and the ordinal among those that are alike: two of them in one file are two.
    """
    seen: Counter[str] = Counter()
    marks: list[str] = []
    for credit in credits_:
        if credit.utr is not None:
            marks.append(_digest("utr", credit.utr, credit.minor))
            continue
        words = (credit.reference.casefold(), credit.narration.casefold())
        alike = _digest(account, credit.day.isoformat(), credit.minor, *words)
        seen[alike] += 1
        marks.append(_digest(alike, seen[alike]))
    return marks


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Head:
    """Which cell holds what, and how the file itself calls it."""

    names: list[str]
    places: dict[str, int]

    @property
    def is_whole(self) -> bool:
        has = self.places.keys()
        return (
            not has.isdisjoint({"date", "value_date"})
            and not has.isdisjoint({"credit", "amount"})
            and not has.isdisjoint({"utr", "reference", "narration"})
        )


def _table(text: str) -> tuple[_Head, Iterator[tuple[int, list[str]]]]:
    """The columns and the lines below them, by whichever delimiter the file uses."""
    broken: InvalidInput | None = None
    for delimiter in _DELIMITERS:
        try:
            rows = _cut(text, delimiter)
        except InvalidInput as error:
            broken = broken or error
            continue
        for position, (_, cells) in enumerate(rows[:HEAD_WITHIN]):
            head = _head(cells)
            if head.is_whole:
                return head, iter(rows[position + 1 :])
    if broken is not None:
        raise broken
    message = (
        "no line of the file names its columns: a date, an amount (or credit and debit),"
        " and a UTR or a narration"
    )
    raise InvalidInput.of("file", "NO_STATEMENT", message)


def _cut(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        message = f"line {reader.line_num} cannot be read: {error}"
        raise InvalidInput.of("file", "NO_CSV", message) from error


def _head(cells: Sequence[str]) -> _Head:
    names = [" ".join(cell.split()) for cell in cells]
    plain = [_NO_WORD.sub(" ", _BRACKETS.sub(" ", name.lower())).strip() for name in names]
    places: dict[str, int] = {}
    for meaning, spellings in SPELLINGS.items():
        known = [plain.index(spelling) for spelling in spellings if spelling in plain]
        if known:
            places[meaning] = known[0]
    return _Head(names, places)


class _Row:
    """One line of the file below its columns."""

    def __init__(self, number: int, head: _Head, cells: list[str]) -> None:
        self.number = number
        self.head = head
        self.cells = cells

    def cell(self, meaning: str) -> str:
        place = self.head.places.get(meaning)
        return self.cells[place] if place is not None and place < len(self.cells) else ""

    def problem(self, meaning: str, said: str) -> Problem:
        """The cell by the file's own name of its column."""
        place = self.head.places.get(meaning)
        name = "" if place is None else self.head.names[place]
        return Problem(self.number, name, self.cell(meaning)[:LONGEST], said)

    @property
    def day_column(self) -> str:
        """The day that money counts from: the value date where the bank prints one."""
        return "value_date" if self.cell("value_date") else "date"

    @property
    def is_silent(self) -> bool:
        """It moves no money: blank, a remark, or the bank's own sum."""
        day = self.cell("date") or self.cell("value_date")
        dated = any(letter.isdigit() for letter in day)
        moved = any(self.cell(side).strip("-0.,") for side in ("credit", "debit", "amount"))
        if not dated and not moved:
            return True
        said = self.cell("narration") or day
        return _SUMS.match(said) is not None and not (dated and moved)


def _take(found: Statement, row: _Row, currency: str, today: date) -> None:
    """The row as a credit, as one debit more, or as every rule it breaks."""
    problems: list[Problem] = []
    if any(row.cells[len(row.head.names) :]):
        said = f"has {len(row.cells)} cells, the line with the columns {len(row.head.names)}"
        found.problems.append(Problem(row.number, "", "", said))
        return
    day = _day(row, today, problems)
    minor = _money_in(row, currency, problems)
    _words(row, problems)
    if day is None or minor is None or problems:
        found.problems += problems
    elif minor < 0:
        found.debits += 1
        found.debits_minor -= minor
    else:
        printed = row.cell("utr")
        utr = utr_of(printed, certain=True) or utr_of(row.cell("reference"), certain=False)
        words = (row.cell("narration"), printed or row.cell("reference"))
        found.credits.append(Credit(row.number, day, minor, *words, utr=utr))


def _day(row: _Row, today: date, problems: list[Problem]) -> date | None:
    column = row.day_column
    try:
        return day_of(row.cell(column), today)
    except ValueError as error:
        problems.append(row.problem(column, str(error)))
        return None


def _words(row: _Row, problems: list[Problem]) -> None:
    for meaning in ("narration", "utr", "reference"):
        said = row.cell(meaning)
        if len(said) > LONGEST:
            problems.append(row.problem(meaning, f"is longer than {LONGEST} characters"))
        if not said.isprintable():
            problems.append(row.problem(meaning, "holds a character that cannot be printed"))
    if not any(bare(row.cell(meaning)) for meaning in ("narration", "utr", "reference")):
        column = "narration" if "narration" in row.head.places else "utr"
        problems.append(row.problem(column, "is empty, and nothing else says what it is"))


def _money_in(row: _Row, currency: str, problems: list[Problem]) -> int | None:
    """Minor units: above zero money in, below zero money out; None with what is wrong."""
    column = "credit" if "credit" in row.head.places else "amount"
    try:
        if column == "credit":
            column, minor = _two_columns(row, currency)
        else:
            minor = _one_column(row, currency)
    except InvalidInput as error:
        problems.append(row.problem(column, error.problems[0].message))
    except _WrongCell as error:
        problems.append(row.problem(error.meaning, str(error)))
    else:
        if minor:
            return minor
        problems.append(row.problem(column, "is zero or empty"))
    return None


class _WrongCell(Exception):
    """A cell that breaks a rule, by what it means."""

    def __init__(self, meaning: str, said: str) -> None:
        super().__init__(said)
        self.meaning = meaning


def _two_columns(row: _Row, currency: str) -> tuple[str, int]:
    """Credit and debit stand apart: exactly one of them moves."""
    amounts = {side: _amount(row, side, currency) for side in ("credit", "debit")}
    for side, wrong in (("credit", "dr"), ("debit", "cr")):
        minor, mark = amounts[side]
        if minor < 0 or mark == wrong:
            raise _WrongCell(side, f"is no {side}, although it stands among them")
    into, out = amounts["credit"][0], amounts["debit"][0]
    if into and out:
        raise _WrongCell("credit", "stands beside a debit in the same line")
    return "credit", into - out


def _one_column(row: _Row, currency: str) -> int:
    """One column for both: the sign, the suffix or a column beside it says which."""
    minor, suffix = _amount(row, "amount", currency)
    beside = _SIDES.get(row.cell("side").lower().rstrip("."))
    if "side" in row.head.places and beside is None and suffix is None:
        raise _WrongCell("side", "is neither Cr nor Dr")
    side = suffix or beside or ("dr" if minor < 0 else "cr")
    if (beside is not None and beside != side) or (side == "cr" and minor < 0):
        raise _WrongCell("amount", "is said to be a credit and a debit at once")
    return -abs(minor) if side == "dr" else minor


_SIDES = {
    **dict.fromkeys(("cr", "c", "credit", "deposit"), "cr"),
    **dict.fromkeys(("dr", "d", "debit", "withdrawal"), "dr"),
}


def _amount(row: _Row, meaning: str, currency: str) -> tuple[int, str | None]:
    """Signed minor units and the suffix, if there is one."""
    try:
        digits, mark = signed(row.cell(meaning))
    except ValueError as error:
        raise _WrongCell(meaning, str(error)) from error
    try:
        return Money.parse(digits, currency).minor, mark
    except InvalidInput as error:
        raise _WrongCell(meaning, error.problems[0].message) from error
