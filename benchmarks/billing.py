"""A month of 5,000 agreements billed, beside a bare insert of the same invoices and lines.

Set-up and measuring are two processes: the memory that is reported is the worker's alone.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from statistics import median
from typing import Any

from activities.billing_run import Billing
from benchmarks.figure import Figure
from benchmarks.house import ACTOR, a_door, a_tenant, bill
from benchmarks.roster import many_agreements
from benchmarks.server import a_house, a_server, analyse, connected
from domain.calendar import Month
from models.billing_run import ask, subject_of
from runtime.embedded.postgres import EmbeddedPostgres

AGREEMENTS = 5_000
ROUNDS = 5
WARM_UP = 1_000
MONTH = Month(2026, 10)
AT = datetime(2026, 10, 1, 1, tzinfo=UTC)
TIMED, COUNTED, GROWN = "timed", "counted", "grown"
SIZES = (1_000, 5_000, 20_000)


async def measure() -> dict[str, Figure]:
    """The figures of `billing`; times are medians of five rounds."""
    async with a_server() as server:
        for name in (TIMED, COUNTED, GROWN):
            await a_house(server, name)
        sizes = [WARM_UP, *[AGREEMENTS] * ROUNDS]
        runs = await _houses(server, TIMED, sizes)
        timed = await _child(server, TIMED, runs, bare=True)
        counted, statements = await _counted(server)
        grown = await _child(server, GROWN, await _houses(server, GROWN, list(SIZES)), bare=False)
    return _figures(timed, counted, statements) | _growth(grown)


async def _houses(
    server: EmbeddedPostgres, database: str, sizes: list[int]
) -> list[dict[str, str]]:
    """One tenant per size with an asked run; its subject, as the child is told it.

    Another one is billed at once, so that the database has statistics as one in use has them.
    """
    door = a_door(server, database)
    told: list[dict[str, str]] = []
    try:
        for number, size in enumerate((WARM_UP, *sizes)):
            slug = f"bench-{number}"
            tenant_id = (await a_tenant(door, slug)).tenant_id
            async with door.tenant(tenant_id, ACTOR) as session:
                await many_agreements(session, size)
                run = await ask(session, MONTH, None, AT, ACTOR.name)
                subject = subject_of(run)
            if number == 0:
                await bill(Billing(door, "benchmark"), subject, AT)  # tables that know their sizes
                continue
            told.append(
                {"tenant": str(tenant_id), "id": str(subject.id), "life": subject.workflow_id}
            )
    finally:
        await door.close()
    await analyse(server.dsn("inn_owner", database))
    return told


async def _child(
    server: EmbeddedPostgres, database: str, runs: list[dict[str, str]], *, bare: bool
) -> dict[str, Any]:
    """What a worker's process says of itself."""
    task = {
        "app": server.dsn("inn_app", database),
        "platform": server.dsn("inn_platform", database),
        "owner": server.dsn("inn_owner", database),
        "runs": runs,
        "bare": bare,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.billing_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        raise RuntimeError(f"the measuring process ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(out)
    return answer


async def _counted(server: EmbeddedPostgres) -> tuple[dict[str, Any], float]:
    """A run of its own: what its worker says, and how many statements the server counted."""
    async with connected(server.dsn("postgres", COUNTED)) as admin:
        await admin.execute("create extension if not exists pg_stat_statements")
        runs = await _houses(server, COUNTED, [AGREEMENTS])
        await admin.execute(f"alter database {COUNTED} set pg_stat_statements.track = 'top'")
        await admin.execute("select pg_stat_statements_reset()")
        answer = await _child(server, COUNTED, runs, bare=False)
        calls: Any = await admin.fetchval(
            "select sum(calls) from pg_stat_statements s join pg_roles r on r.oid = s.userid"
            " where r.rolname = 'inn_app'"
        )
    return answer, float(calls)


def _figures(
    timed: dict[str, Any], counted: dict[str, Any], statements: float
) -> dict[str, Figure]:
    ours, bare = median(timed["ours"][1:]), median(timed["bare"][1:])
    beside = (
        f"{AGREEMENTS:,} agreements in chunks of 500 through the real activity, timed to the last"
        f" commit, median of {ROUNDS}; same server, fsync on"
    )
    insert = f"a bare unnest insert of the same invoices and lines: {AGREEMENTS / bare:,.0f}/s"
    return {
        "billing.invoices_per_second": Figure(AGREEMENTS / ours, "invoices/s", 4_000, beside),
        "billing.ratio_to_bare_insert": Figure(
            bare / ours, "of bare", 1 / 3, f"{insert}; keys and indexes, ids of lines by default"
        ),
        "billing.statements_per_invoice": Figure(
            statements / AGREEMENTS,
            "statements",
            0.05,
            "counted by pg_stat_statements, with BEGIN and COMMIT",
            more_is_better=False,
        ),
        "billing.worker_peak_mb": Figure(
            max(counted["peaks_mb"]),
            "MB",
            300,
            f"resident peak of a worker's process that issued {AGREEMENTS:,} invoices",
            more_is_better=False,
        ),
    }


def _growth(grown: dict[str, Any]) -> dict[str, Figure]:
    """Twenty times the agreements: twenty times the time, and no more memory."""
    rates = [size / seconds for size, seconds in zip(SIZES, grown["ours"], strict=True)]
    told = ", ".join(f"{size:,}: {rate:,.0f}/s" for size, rate in zip(SIZES, rates, strict=True))
    first, *_, last = grown["peaks_mb"]
    return {
        "billing.growth_to_20000": Figure(
            rates[-1] / rates[1], "of 5,000's", 0.85, f"agreements of one run: {told}"
        ),
        "billing.memory_growth": Figure(
            last / first,
            "of 1,000's",
            1.15,
            f"resident peak after 1,000 agreements {first:.0f} MB, after 26,000 {last:.0f} MB",
            more_is_better=False,
        ),
    }
