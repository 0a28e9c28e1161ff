"""An invoice paid in dated parts: what may be agreed, and what of each part is still open.

No money is put to a part: what is open of the invoice is open of its last parts, so whatever comes
in settles the oldest part first, and money that goes away again opens it anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.calendar import in_words
from domain.errors import FieldProblem, InvalidInput
from domain.money import Money

PARTS_MIN, PARTS_MAX = 2, 24
DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Part:
    """One part that was agreed; rungs are in days from its own due day."""

    id: UUID
    due: date
    minor: int
    agreed_at: datetime
    rungs_sent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part that is not paid yet, the how-manieth of how many, and what is open of it."""

    part: Part
    number: int
    of: int
    open_minor: int


def open_parts(parts: Sequence[Part], balance_minor: int) -> list[OpenPart]:
    """The parts that are still open, the oldest first; a balance above them all is the first's."""
    left, found = balance_minor, list[OpenPart]()
    for number in range(len(parts), 0, -1):
        part = parts[number - 1]
        minor = left if number == 1 else min(left, part.minor)
        if minor > 0:
            found.append(OpenPart(part, number, len(parts), minor))
        left -= minor
    return found[::-1]


def check_agreed(
    parts: Sequence[tuple[date, int]], balance_minor: int, currency: str, today: date
) -> None:
    """InvalidInput, field by field, unless the dated parts follow each other and add up."""
    if not PARTS_MIN <= len(parts) <= PARTS_MAX:
        message = f"are {len(parts)}; from {PARTS_MIN} to {PARTS_MAX} can be agreed"
        raise InvalidInput.of("instalments", "NUMBER_OF_PARTS", message)
    problems: list[FieldProblem] = []
    earliest, latest = today, today + timedelta(days=DAYS_MAX)
    for index, (due, minor) in enumerate(parts):
        field = f"instalments.{index}"
        if not earliest <= due <= latest:
            span = f"from {in_words(earliest)} to {in_words(latest)}"
            problems.append(FieldProblem(f"{field}.dueDate", "OUT_OF_RANGE", f"may be {span}"))
        if minor <= 0:
            problems.append(FieldProblem(f"{field}.amount", "TOO_SMALL", "must be more than zero"))
        earliest = max(earliest, due + timedelta(days=1))
    total = sum(minor for _, minor in parts)
    if not problems and total != balance_minor:
        sums = f"add up to {Money(total, currency).major}"
        owed = Money(balance_minor, currency).major
        problems.append(FieldProblem("instalments", "SUM", f"{sums}; {owed} is open"))
    if problems:
        raise InvalidInput(*problems)
