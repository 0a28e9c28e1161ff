"""`innkeeper doctor`: one line for each thing that must be right; --repair mends what it can."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.examination import Finding, admitted, examine, mend
from cli.state import DEFAULT_STATE, StateFolder, StateOption
from runtime.clock import SystemClock


def doctor(
    state: StateOption = DEFAULT_STATE,
    repair: Annotated[
        bool, typer.Option("--repair", help="Wake lost lives, create missing schedules, then look.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it to a program.")] = False,
) -> None:
    """Look at the whole house; exit 1 if something is wrong."""
    settings = StateFolder(state).settings_file
    file = settings if settings.exists() else None
    mended, found = asyncio.run(visit(file, repair=repair))
    if as_json:
        typer.echo(json.dumps(_told(mended, found), ensure_ascii=False, indent=2))
    else:
        _say(mended, found)
    raise typer.Exit(0 if all(finding.ok for finding in found) else 1)


async def visit(file: Path | None, *, repair: bool) -> tuple[list[Finding], list[Finding]]:
    """What was mended, if that was asked, and what was found after it."""
    async with admitted(file, SystemClock().now()) as patient:
        mended = await mend(patient) if repair else []
        return mended, await examine(patient)


def _told(mended: Sequence[Finding], found: Sequence[Finding]) -> dict[str, object]:
    return {
        "ok": all(finding.ok for finding in found),
        "repairs": [asdict(finding) for finding in mended],
        "checks": [asdict(finding) for finding in found],
    }


def _say(mended: Sequence[Finding], found: Sequence[Finding]) -> None:
    width = max(len(finding.name) for finding in [*mended, *found])
    for finding in mended:
        _line("mended" if finding.ok else "failed", finding, width)
    for finding in found:
        _line("ok" if finding.ok else "wrong", finding, width)


def _line(word: str, finding: Finding, width: int) -> None:
    typer.echo(f"{word:<6}  {finding.name:<{width}}  {finding.detail}")
