"""What is wrong with one row of a file that somebody gave us."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that a row breaks; `column` is empty when it is the row as a whole."""

    line: int
    column: str
    value: str
    problem: str
