"""A roster goes in: good rows in chunks, each chunk whole or not at all, nothing ever twice.

A chunk the database refuses is halved until the one bad row is named; the rest goes in. A row is
known again by its bed: unchanged it is passed over, changed it is told and left alone.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.errors import Refused
from domain.problem import Problem
from domain.roster import COLUMNS, RosterRow
from models.bulk import Driver, columns, driver_of, new_ids
from models.database import Actor, Database
from models.identity import PAN
from models.roster_people import Home, Office, Taken, move_in, tell_events
from models.roster_places import Places, places_for
from models.tenant import BillingSettings, Tenant
from models.vault import Vault

SOURCE = "roster"
CHUNK = 500
ACTOR = Actor("platform:import roster")
_MARK = 8  # hexadecimal digits that tell one value of a column from another
_NOTHING: dict[str, str] = {}
_REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    IntegrityError,
    DataError,
    Refused,
)


@dataclass(slots=True)
class Imported:
    """What became of the rows: rows written per table, rows known, and those that stayed out."""

    added: dict[str, int] = field(default_factory=dict[str, int])
    rows: int = 0
    unchanged: int = 0
    changed: list[Problem] = field(default_factory=list[Problem])
    refused: list[Problem] = field(default_factory=list[Problem])

    def plus(self, other: "Imported") -> None:
        """Add what became of other rows."""
        self.rows += other.rows
        self.unchanged += other.unchanged
        self.changed += other.changed
        self.refused += other.refused
        for table, amount in other.added.items():
            self.added[table] = self.added.get(table, 0) + amount


class RosterImport:
    """One import into one tenant; `dry_run` does everything and keeps nothing."""

    def __init__(
        self, database: Database, tenant_id: UUID, vault: Vault, *, dry_run: bool = False
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._vault = vault
        self._dry_run = dry_run
        self._rehearsal: AsyncSession | None = None
        self._so_far = Imported()

    async def run(self, rows: Sequence[RosterRow], billed_through: date, at: datetime) -> Imported:
        """Bring the rows in; periods up to `billed_through` count as billed elsewhere."""
        if not self._dry_run:
            return await self._all(rows, billed_through, at)
        async with self._database.tenant(self._tenant_id, ACTOR) as session:
            self._rehearsal = session
            await self._all(rows, billed_through, at)
            await session.rollback()
        return self._so_far

    async def _all(self, rows: Sequence[RosterRow], billed_through: date, at: datetime) -> Imported:
        for first in range(0, len(rows), CHUNK):
            await self._put(rows[first : first + CHUNK], billed_through, at)
        return self._so_far

    async def _put(self, rows: Sequence[RosterRow], billed_through: date, at: datetime) -> None:
        try:
            async with self._transaction() as session:
                office = await _office(session, billed_through, at)
                done = await self._enter(session, office, rows)
        except Taken as error:
            said = "somebody else holds this bed on that day or later"
            self._so_far.refused += [_problem(row, "bed", said) for row in error.rows]
            out = {row.line.number for row in error.rows}
            left = [row for row in rows if row.line.number not in out]
            await self._put(left, billed_through, at)
        except _REFUSALS as error:
            if len(rows) == 1:
                self._so_far.refused.append(_refused(rows[0], error))
                return
            half = len(rows) // 2
            await self._put(rows[:half], billed_through, at)
            await self._put(rows[half:], billed_through, at)
        else:
            self._so_far.plus(done)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncSession]:
        if self._rehearsal is None:
            async with self._database.tenant(self._tenant_id, ACTOR) as session:
                yield session
        else:
            async with self._rehearsal.begin_nested():
                yield self._rehearsal

    async def _enter(
        self, session: AsyncSession, office: Office, rows: Sequence[RosterRow]
    ) -> Imported:
        """Everything of a chunk, in one transaction."""
        driver = await driver_of(session)
        done = Imported()
        marks = {_identity(row): self._fingerprint(row) for row in rows}
        new = await self._without_known(driver, marks, rows, done)
        new = await self._without_doubles(driver, new, done)
        if not new:
            return done
        places = await places_for(
            driver, new, country=office.country, zone=office.zone, currency=office.currency
        )
        added = {table: len(ids) for table, ids in places.made.items()}
        homes = _homes(places, new)
        if homes:
            added |= await move_in(session, office, self._vault, homes)
        made = [("property.created", "property", i, _NOTHING) for i in places.made["properties"]]
        await tell_events(driver, office.at, made)
        await _remember(driver, places, new, marks)
        done.plus(Imported(added, rows=len(new)))
        return done

    def _fingerprint(self, row: RosterRow) -> str:
        """A few digits per column, keyed: they tell that a value changed and not what it was."""
        cells = row.line.cells
        marks = (
            self._vault.index(self._tenant_id, f"roster.{name}", cells[name]) for name in COLUMNS
        )
        return "".join(mark.hex()[:_MARK] for mark in marks)

    async def _without_known(
        self, driver: Driver, marks: dict[str, str], rows: Sequence[RosterRow], done: Imported
    ) -> list[RosterRow]:
        found = await driver.fetch(
            "select identity, fingerprint from imported_rows"
            " where source = $1 and identity = any($2)",
            SOURCE,
            list(marks),
        )
        before = {row["identity"]: row["fingerprint"] for row in found}
        new: list[RosterRow] = []
        for row in rows:
            identity = _identity(row)
            if identity not in before:
                new.append(row)
            elif before[identity] == marks[identity]:
                done.unchanged += 1
            else:
                done.changed += _differences(row, before[identity], marks[identity])
        return new

    async def _without_doubles(
        self, driver: Driver, rows: Sequence[RosterRow], done: Imported
    ) -> list[RosterRow]:
        """Rows whose resident is not here yet: a PAN belongs to one person."""
        pans = {
            row.line.number: self._vault.index(self._tenant_id, PAN, row.person.pan)
            for row in rows
            if row.person is not None and row.person.pan is not None
        }
        found = await driver.fetch(
            "select pan_index from residents where pan_index = any($1) and deleted_at is null",
            list(pans.values()),
        )
        here = {row["pan_index"] for row in found}
        new = [row for row in rows if pans.get(row.line.number) not in here]
        known = [row for row in rows if pans.get(row.line.number) in here]
        said = "a resident with this PAN is here already"
        done.refused += [_problem(row, "pan", said) for row in known]
        return new


async def _office(session: AsyncSession, billed_through: date, at: datetime) -> Office:
    """The tenant, locked: two imports into one tenant go one after the other."""
    tenant = (await session.scalars(select(Tenant).with_for_update(key_share=True))).one()
    settings = (await session.scalars(select(BillingSettings))).one()
    return Office(
        tenant_id=tenant.id,
        country=tenant.country,
        currency=tenant.currency,
        zone=tenant.timezone,
        basis=settings.proration_basis,
        billed_through=billed_through,
        today=local_day(at, tenant.timezone),
        at=at,
    )


def _homes(places: Places, rows: Sequence[RosterRow]) -> list[Home]:
    lived_in = [row for row in rows if row.person is not None]
    ids = iter(new_ids(2 * len(lived_in)))
    return [
        Home(row, row.person, *places.of(row), next(ids), next(ids))
        for row in lived_in
        if row.person is not None
    ]


async def _remember(
    driver: Driver, places: Places, rows: Sequence[RosterRow], marks: dict[str, str]
) -> None:
    known = [(_identity(row), places.of(row)[1], marks[_identity(row)]) for row in rows]
    await driver.execute(
        "insert into imported_rows (identity, row_id, fingerprint, source)"
        " select n.*, $4 from unnest($1::text[], $2::uuid[], $3::text[]) as n",
        *columns(known),
        SOURCE,
    )


def _identity(row: RosterRow) -> str:
    return json.dumps(row.place, ensure_ascii=False)


def _differences(row: RosterRow, before: str, now: str) -> list[Problem]:
    return [
        _problem(row, name, "differs from what was imported; left as it was")
        for position, name in enumerate(COLUMNS)
        if before[position * _MARK :][:_MARK] != now[position * _MARK :][:_MARK]
    ]


def _problem(row: RosterRow, column: str, said: str) -> Problem:
    return Problem(row.line.number, column, row.line.cells.get(column, ""), said)


def _refused(row: RosterRow, error: Exception) -> Problem:
    """In the database's own words, which name the rule and no value."""
    said = str(error.orig) if isinstance(error, IntegrityError | DataError) else str(error)
    return _problem(row, "", f"refused by the database: {said.partition(chr(10))[0]}")
