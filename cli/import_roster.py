"""`innkeeper import roster`: a list of who lives where becomes places, people and agreements."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.import_file import SOME_STAYED_OUT, list_problems, text_of
from cli.state import DEFAULT_STATE, StateOption, load_concern
from domain.calendar import Month, local_day
from domain.errors import InvalidInput, NotFound
from domain.problem import Problem
from domain.roster import Line, Rules, check, read
from models.contact import mail_address, phone_number
from models.database import Database
from models.place import PropertyType
from models.roster import ACTOR, Imported, RosterImport
from models.tenant import Tenant
from models.tenant_setup import tenant_by_slug
from models.vault import Vault
from runtime.clock import SystemClock
from runtime.settings import DatabaseSettings, KeySettings


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be imported, where to, and what counts as billed elsewhere."""

    text: str
    slug: str
    billed_through: Month | None
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a file: of its lines, and of the rows of ours they became."""

    lines: int
    billed_through: Month
    outcome: Imported

    @property
    def exit_code(self) -> int:
        """0 when every line is in, 3 when some were refused or differ from what is in."""
        return SOME_STAYED_OUT if self.outcome.refused or self.outcome.changed else 0


def roster(  # noqa: PLR0917 (typer gives them by name)
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The roster, CSV.")],
    tenant: Annotated[str, typer.Option(help="Slug of the tenant it belongs to.")],
    billed_through: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Last month billed elsewhere; default: last month."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything, keep nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it to a program.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Import properties, floors, rooms, beds, residents and their agreements. Twice is once."""
    through = None if billed_through is None else Month.parse(billed_through, "--billed-through")
    asked = Asked(text_of(file), tenant, through, dry_run)
    database, keys = load_concern(DatabaseSettings, state), load_concern(KeySettings, state)
    vault = Vault(keys.keyset_json(), keys.blind_index_bytes())
    told = asyncio.run(_import(database, vault, asked))
    _say_json(told, asked) if as_json else _say(told, asked)
    raise typer.Exit(told.exit_code)


async def _import(settings: DatabaseSettings, vault: Vault, asked: Asked) -> Told:
    database = Database(
        settings.database_url.get_secret_value(),
        settings.platform_database_url.get_secret_value(),
        pool_size=2,
    )
    try:
        return await import_text(database, vault, asked, SystemClock().now())
    finally:
        await database.close()


async def import_text(database: Database, vault: Vault, asked: Asked, at: datetime) -> Told:
    """Import the text of a roster at a business instant."""
    tenant_id = await tenant_by_slug(database, asked.slug)
    if tenant_id is None:
        raise NotFound(f"there is no tenant {asked.slug}")
    async with database.tenant(tenant_id, ACTOR) as session:
        tenant = await session.get_one(Tenant, (tenant_id, tenant_id))
    today = local_day(at, tenant.timezone)
    through = _through(asked.billed_through, today)
    read_lines = list(read(asked.text))
    lines = [line for line in read_lines if isinstance(line, Line)]
    rows, problems = check(lines, _rules(tenant, today))
    problems += [line for line in read_lines if isinstance(line, Problem)]
    importer = RosterImport(database, tenant_id, vault, dry_run=asked.dry_run)
    outcome = await importer.run(rows, through.first, at)
    outcome.refused = sorted([*problems, *outcome.refused], key=lambda problem: problem.line)
    return Told(len(read_lines), through, outcome)


def _through(asked: Month | None, today: date) -> Month:
    """The last month that counts as billed elsewhere; nobody bills beyond the next month."""
    current = Month.of(today)
    if asked is not None and asked > current.next():
        message = f"is {asked}, later than {current.next()}"
        raise InvalidInput.of("--billed-through", "TO_COME", message)
    return asked or current.previous()


def _rules(tenant: Tenant, today: date) -> Rules:
    return Rules(
        today=today,
        currency=tenant.currency,
        types=frozenset(PropertyType),
        phone=lambda given: phone_number("phone", given, tenant.country),
        mail=lambda given: mail_address("email", given),
    )


def _say(told: Told, asked: Asked) -> None:
    outcome = told.outcome
    list_problems(outcome.refused, "These lines stay out:")
    list_problems(outcome.changed, "These lines differ from what was imported and were left alone:")
    would = "would go in" if asked.dry_run else "went in"
    print(f"{told.lines} lines: {outcome.rows} {would}, {outcome.unchanged} known already,")
    print(f"  {_amount(outcome.refused)} refused, {_amount(outcome.changed)} changed since.")
    for table, amount in outcome.added.items():
        print(f"  {amount:>7}  {table.replace('_', ' ')}")
    print(f"Billed elsewhere through {told.billed_through}.")


def _amount(problems: Sequence[Problem]) -> int:
    return len({problem.line for problem in problems})


def _say_json(told: Told, asked: Asked) -> None:
    outcome = told.outcome
    said = {
        "lines": told.lines,
        "imported": outcome.rows,
        "unchanged": outcome.unchanged,
        "changed": [asdict(problem) for problem in outcome.changed],
        "refused": [asdict(problem) for problem in outcome.refused],
        "added": outcome.added,
        "billedThrough": str(told.billed_through),
        "dryRun": asked.dry_run,
    }
    print(json.dumps(said, ensure_ascii=False))
