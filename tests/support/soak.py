"""How long randomised tests run: a seeded tenth in `make test`, everything in `make soak`."""

import os

SOAK = os.environ.get("INNKEEPER_SOAK") == "1"


def soaked(full: int, *, tenth: int | None = None) -> int:
    """`full` in a soak, else a tenth of it, or `tenth`."""
    if SOAK:
        return full
    return max(1, full // 10) if tenth is None else tenth
