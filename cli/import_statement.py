"""`innkeeper import statement`: a bank's list of what came in is booked, or asked about."""

import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.import_file import SOME_STAYED_OUT, list_problems, text_of
from cli.state import DEFAULT_STATE, StateOption, load_concern
from domain.calendar import local_day
from domain.errors import NotFound
from domain.money import Money
from domain.statement import Statement, read
from domain.statement_matching import Ask, Book, There
from models.database import Database
from models.statement import LineState
from models.statement_import import ACTOR, Entry, Imported, Source, StatementImport
from models.statement_tasks import written
from models.tenant import Tenant
from models.tenant_setup import tenant_by_slug
from runtime.clock import SystemClock
from runtime.settings import DatabaseSettings

ACCOUNT = "bank"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be imported: the text, whose it is, and of which account of theirs."""

    text: str
    file_name: str
    slug: str
    account: str = ACCOUNT
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a statement."""

    statement: Statement
    currency: str
    outcome: Imported

    @property
    def exit_code(self) -> int:
        """0 when every line went in or became a task, 3 when some were refused."""
        return SOME_STAYED_OUT if self.statement.problems else 0


def statement(  # noqa: PLR0917 (typer gives them by name)
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The statement, CSV.")],
    tenant: Annotated[str, typer.Option(help="Slug of the tenant whose account it is.")],
    account: Annotated[
        str, typer.Option(metavar="NAME", help="Which account, when there are several.")
    ] = ACCOUNT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it to a program.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Book what came in by UTR, reference and amount; ask about the rest. Twice is once."""
    asked = Asked(text_of(file), file.name, tenant, account.strip() or ACCOUNT, dry_run)
    told = asyncio.run(_import(load_concern(DatabaseSettings, state), asked))
    _say_json(told, asked) if as_json else _say(told, asked)
    raise typer.Exit(told.exit_code)


async def _import(settings: DatabaseSettings, asked: Asked) -> Told:
    database = Database(
        settings.database_url.get_secret_value(),
        settings.platform_database_url.get_secret_value(),
        pool_size=2,  # one waits for its turn, one works
    )
    try:
        return await import_text(database, asked, SystemClock().now())
    finally:
        await database.close()


async def import_text(database: Database, asked: Asked, at: datetime) -> Told:
    """Import the text of a statement at a business instant."""
    tenant_id = await tenant_by_slug(database, asked.slug)
    if tenant_id is None:
        raise NotFound(f"there is no tenant {asked.slug}")
    async with database.tenant(tenant_id, ACTOR) as session:
        tenant = await session.get_one(Tenant, (tenant_id, tenant_id))
    found = read(asked.text, tenant.currency, local_day(at, tenant.timezone))
    source = Source(asked.account, asked.file_name, tenant.currency)
    importer = StatementImport(database, tenant_id, source, dry_run=asked.dry_run)
    return Told(found, tenant.currency, await importer.run(found.credits, at))


def _say(told: Told, asked: Asked) -> None:
    outcome = told.outcome
    list_problems(told.statement.problems, "These lines stay out:")
    _list_asked(outcome.asked(), told.currency)
    booked = outcome.booked()
    amount = sum(amount for amount, _ in booked.values())
    minor = sum(minor for _, minor in booked.values())
    would = "would be booked" if asked.dry_run else "booked"
    print(f"{told.statement.lines} lines: {amount} {would}, {_text(minor, told.currency)}.")
    for rule, (lines, part) in sorted(booked.items()):
        print(f"  {lines:>7}  by {rule}, {_text(part, told.currency)}")
    print(f"  {outcome.known:>7}  in already")
    print(f"  {len(outcome.there()):>7}  booked by hand before")
    print(f"  {len(outcome.asked()):>7}  {'would become' if asked.dry_run else 'became'} tasks")
    out = _text(told.statement.debits_minor, told.currency)
    print(f"  {told.statement.debits:>7}  debits, left alone, {out}")
    print(f"  {_refused(told):>7}  refused")


def _list_asked(entries: Sequence[Entry], currency: str) -> None:
    if not entries:
        return
    print("These lines wait for a person:")
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("line", "day", "amount", "narration", "why", "candidates"))
    for entry in entries:
        credit, verdict = entry.credit, entry.verdict
        assert isinstance(verdict, Ask)
        amount = Money(credit.minor, currency).major
        said = (credit.narration or credit.reference, verdict.why, len(verdict.candidates))
        table.writerow((credit.line, credit.day, amount, *said))
    print()


def _text(minor: int, currency: str) -> str:
    return Money(minor, currency).text


def _refused(told: Told) -> int:
    return len({problem.line for problem in told.statement.problems})


def _say_json(told: Told, asked: Asked) -> None:
    outcome, booked = told.outcome, told.outcome.booked()
    said = {
        "lines": told.statement.lines,
        "booked": {rule: amount for rule, (amount, _) in sorted(booked.items())},
        "bookedAmount": _money(sum(minor for _, minor in booked.values()), told.currency),
        "known": outcome.known,
        "bookedByHand": len(outcome.there()),
        "tasks": len(outcome.asked()),
        "debits": told.statement.debits,
        "debitsAmount": _money(told.statement.debits_minor, told.currency),
        "refused": [asdict(problem) for problem in told.statement.problems],
        "entries": [_entry(entry, told.currency) for entry in outcome.entries],
        "account": asked.account,
        "dryRun": asked.dry_run,
    }
    print(json.dumps(said, ensure_ascii=False))


def _money(minor: int, currency: str) -> dict[str, str]:
    return {"amount": Money(minor, currency).major, "currency": currency}


def _entry(entry: Entry, currency: str) -> dict[str, Any]:
    """One new line of the statement: what it says, what became of it and why."""
    credit, verdict = entry.credit, entry.verdict
    said: dict[str, Any] = {
        "line": credit.line,
        "day": credit.day.isoformat(),
        "amount": _money(credit.minor, currency),
        "utr": credit.utr,
        "narration": credit.narration,
        "why": verdict.why,
    }
    match verdict:
        case Book():
            invoice_id = None if verdict.invoice_id is None else str(verdict.invoice_id)
            told = {"rule": verdict.rule, "residentId": str(verdict.resident_id)}
            return said | {"state": LineState.BOOKED, **told, "invoiceId": invoice_id}
        case There():
            return said | {"state": LineState.KNOWN, "paymentId": str(verdict.payment_id)}
        case Ask():
            candidates = [written(candidate) for candidate in verdict.candidates]
            return said | {"state": LineState.OPEN, "candidates": candidates}
