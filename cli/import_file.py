"""What every import shares: the text of the file, and how its bad rows are told."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from domain.errors import InvalidInput
from domain.problem import Problem

SOME_STAYED_OUT = 3  # the exit code when rows were refused


def text_of(file: Path) -> str:
    """The text of a file in UTF-8, with or without its mark; InvalidInput when it is none."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return opened.read()
    except UnicodeDecodeError as error:
        raise InvalidInput.of("file", "NOT_UTF8", f"{file} is not text in UTF-8") from error


def list_problems(problems: Sequence[Problem], head: str) -> None:
    """A table a spreadsheet can read, under a line of words; nothing when nothing is wrong."""
    if not problems:
        return
    print(head)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("line", "column", "value", "problem"))
    table.writerows((p.line, p.column, p.value, p.problem) for p in problems)
    print()
