"""One measured figure: its value, what it should be, and what it was measured beside."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A value in a unit. `more_is_better` says on which side of the goal it is good."""

    value: float
    unit: str
    goal: float
    against: str
    more_is_better: bool = True

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def table(figures: Mapping[str, Figure]) -> str:
    """The figures for people, one line each."""
    lines = [f"{'benchmark':42} {'value':>10} {'goal':>10}  {'unit':14} "]
    for name, figure in figures.items():
        sign = "≥" if figure.more_is_better else "≤"
        mark = "" if figure.reached else "  MISSED"
        value, goal = _shown(figure.value), _shown(figure.goal)
        lines.append(f"{name:42} {value:>10} {sign} {goal:>8}  {figure.unit:14}{mark}")
        lines.append(f"    {figure.against}")
    return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def keep(figures: Mapping[str, Figure], file: Path) -> None:
    """Write the figures to the file, leaving those of other benchmarks in it as they are."""
    known: dict[str, Any] = loads(file.read_text()) if file.exists() else {}
    for name, figure in figures.items():
        written = asdict(figure)
        del written["more_is_better"]
        known[name] = written
    file.parent.mkdir(exist_ok=True)
    file.write_text(dumps(known, indent=2, ensure_ascii=False) + "\n")
