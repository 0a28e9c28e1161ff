"""`python -m benchmarks [ONLY]`: measures, prints a table, writes .innkeeper/bench.json."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import api, billing, importing, lives, messages, payments
from benchmarks.figure import Figure, keep, table

BENCHMARKS: dict[str, Callable[[], Awaitable[dict[str, Figure]]]] = {
    "billing": billing.measure,
    "lives": lives.measure,
    "messages": messages.measure,
    "api": api.measure,
    "import": importing.measure,
    "payments": payments.measure,
    "webhooks": payments.measure,
    "pay_page": payments.measure,
}
FILE = Path(".innkeeper/bench.json")


async def measure(only: str | None) -> dict[str, Figure]:
    """The figures of every benchmark, or of those whose name begins like `only`."""
    figures: dict[str, Figure] = {}
    groups = [name for name in BENCHMARKS if only is None or only.split(".")[0] == name]
    for benchmark in dict.fromkeys(BENCHMARKS[group] for group in groups):
        figures |= await benchmark()
    return {name: figure for name, figure in figures.items() if name.startswith(only or "")}


def main() -> int:
    """Measure and print; 1 when nothing has that name, 0 otherwise: a missed goal is only shown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="ONLY", help="a benchmark or a group of them")
    parser.add_argument("--only", metavar="ONLY", help="the same")
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.only or asked.name))
    if not figures:
        print(
            f"there is no such benchmark; known groups: {', '.join(BENCHMARKS)}",
            file=sys.stderr,
        )
        return 1
    keep(figures, FILE)
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
