"""Run every vector of a file through the product's own rules and say how many agree.

A vector passes when each compared key of `expected` is what the rule answers. Areas and kinds
without a rule yet are skipped.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.vector_rules import RULES, Values
from domain.errors import InvalidInput

_EXPLAINING = re.compile(r"actual|strict|half_even$|sdk_|note$")


class Outcome(StrEnum):
    """What became of a vector."""

    passed = "passed"
    failed = "failed"
    skipped = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One vector's outcome; `answer` is what the product said."""

    vector: Values
    outcome: Outcome
    answer: Values | None


def vectors(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Run every vector of a file through the product's own rules; exit 1 if one fails."""
    raise typer.Exit(run(file))


def run(path: Path) -> int:
    """Print `area passed failed skipped` a line, then what failed; 1 if anything failed, else 0."""
    vectors: list[Values] = json.loads(path.read_text())["vectors"]
    verdicts = [judge(vector) for vector in vectors]
    for area in dict.fromkeys(vector["area"] for vector in vectors):
        outcomes = [verdict.outcome for verdict in verdicts if verdict.vector["area"] == area]
        print(area, *(outcomes.count(outcome) for outcome in Outcome))
    failures = [verdict for verdict in verdicts if verdict.outcome is Outcome.failed]
    for failure in failures:
        print(f"{failure.vector['id']}: expected {failure.vector['expected']}")
        print(f"{failure.vector['id']}: answered {failure.answer}")
    return 1 if failures else 0


def judge(vector: Values) -> Verdict:
    """One vector against the rule of its area."""
    rule = RULES.get(vector["area"])
    if rule is None:
        return Verdict(vector, Outcome.skipped, None)
    try:
        answer = rule(vector["kind"], vector["input"])
    except InvalidInput as refusal:
        answer = {"valid": False, "error": refusal.problems[0].message}
    if answer is None:
        return Verdict(vector, Outcome.skipped, None)
    agrees = all(
        _agrees(answer.get(key), wanted)
        for key, wanted in vector["expected"].items()
        if not _EXPLAINING.match(key)
    )
    return Verdict(vector, Outcome.passed if agrees else Outcome.failed, answer)


def _agrees(answer: object, wanted: object) -> bool:
    """Equal and of one type; an `error` expected as true is any refusal."""
    if wanted is True and isinstance(answer, str):
        return True
    return type(answer) is type(wanted) and answer == wanted
