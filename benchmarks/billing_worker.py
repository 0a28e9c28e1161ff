"""The measured process: bills the runs it is told of, then inserts the same invoices barely."""

import asyncio
import json
import resource
import sys
from typing import Any
from uuid import UUID

from activities.billing_run import Billing
from benchmarks.bare import insert_barely
from benchmarks.billing import AT
from benchmarks.house import bill
from benchmarks.server import connected
from domain.lives import Subject
from models.database import Database
from workers import billing  # a worker holds all of this in memory  # noqa: F401  # pyright: ignore[reportUnusedImport]


async def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each run and of its bare insert, turn by turn, and the memory held after each."""
    database = Database(task["app"], task["platform"])
    steps = Billing(database, "benchmark")
    ours: list[float] = []
    bare: list[float] = []
    peaks: list[float] = []
    async with connected(task["owner"]) as owner:
        for run in task["runs"]:
            subject = Subject(UUID(run["tenant"]), UUID(run["id"]), run["life"])
            ours.append(await bill(steps, subject, AT))
            peaks.append(peak_mb())
            if task["bare"]:
                bare.append(await insert_barely(owner, subject.tenant_id))
    await database.close()
    return {"ours": ours, "bare": bare, "peaks_mb": peaks}


def peak_mb() -> float:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(json.load(sys.stdin)))))
