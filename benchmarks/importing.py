"""A roster of 5,000 lines brought into an empty house."""

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure
from benchmarks.house import a_door, a_tenant
from benchmarks.server import a_house, a_server
from cli.import_roster import Asked, import_text
from models.database import Database
from models.vault import Vault, new_keyset
from tests.support.roster import write_roster

LINES = 5_000
WARM_UP = 500


async def measure() -> dict[str, Figure]:
    """The figure of `import`: from the text to the last commit."""
    async with a_server() as server:
        await a_house(server, "house")
        door = a_door(server, "house")
        try:
            seconds = [await _imported(door, slug, lines) for slug, lines in _ROUNDS]
        finally:
            await door.close()
    return {
        "import.rows_per_second": Figure(
            LINES / seconds[-1],
            "rows/s",
            400,
            f"{LINES:,} lines of a roster: each a bed, a resident with encrypted columns, an"
            " agreement, a residence, a deposit in the ledger, audit and event",
        )
    }


_ROUNDS = (("warm-up", WARM_UP), ("measured", LINES))


async def _imported(door: Database, slug: str, lines: int) -> float:
    """Seconds for a roster of that length into a tenant of its own."""
    await a_tenant(door, slug)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "roster.csv"
        write_roster(file, lines)
        asked = Asked(file.read_text(), slug, None, dry_run=False)
    vault = Vault(new_keyset(), b"an index key of thirty-two bytes")
    began = time.perf_counter()
    told = await import_text(door, vault, asked, datetime.now(UTC))
    seconds = time.perf_counter() - began
    if told.outcome.rows != lines:
        raise RuntimeError(f"{told.outcome.rows} of {lines} lines went in")
    return seconds
