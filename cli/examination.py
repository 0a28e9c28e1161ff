"""What the doctor looks at: settings, connections, walls, Temporal, lives, queues, books.

Every check answers with one finding or more and never breaks: what cannot be asked is wrong.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import tink
from pydantic import ValidationError
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.service import RPCError

from cli.door import opened
from domain.errors import InnkeeperError, Unavailable
from models import backlog, event_sequence, invariants, walls
from models.backlog import Waiting
from models.database import Database
from models.life import Wake
from models.repair import NO_LIFE_AFTER, Lost, find_the_lost, wake_the_lost
from models.vault import Vault
from providers.documents import CannotPrint
from runtime import migrate, schedules
from runtime.press import a_press
from runtime.settings import (
    CONCERNS,
    PREFIX,
    AdminSettings,
    Concern,
    DatabaseSettings,
    KeySettings,
    OwnerSettings,
    TemporalSettings,
)
from runtime.temporal import (
    connect,
    missing_search_attributes,
    register_search_attributes,
    store_id,
)

PATIENCE_SECONDS = 10
QUIET_SECONDS = 3
SHOWN = 3
BROKEN = (InnkeeperError, DBAPIError, RPCError, RuntimeError, OSError)
Told = TypeVar("Told", bound=Concern)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `detail` says what was seen, without secrets."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Patient:
    """The house as far as it could be opened: settings that are there, database, Temporal."""

    concerns: dict[type[Concern], Concern]
    problems: Sequence[str]
    now: datetime
    database: Database | None = None
    client: Client | None = None
    store: str = ""

    def told(self, concern: type[Told]) -> Told:
        """The settings of a concern; Unavailable when they are not complete."""
        found = self.concerns.get(concern)
        if not isinstance(found, concern):
            raise Unavailable("its settings are not complete")
        return found

    def door(self) -> Database:
        """The database, or Unavailable."""
        if self.database is None:
            raise Unavailable("its settings are not complete")
        return self.database

    def temporal(self) -> Client:
        """Temporal, or Unavailable."""
        if self.client is None:
            raise Unavailable("Temporal does not answer")
        return self.client


@asynccontextmanager
async def admitted(settings_file: Path | None, now: datetime) -> AsyncGenerator[Patient]:
    """Read the settings and open what they name, as far as that goes."""
    concerns, problems = _settings(settings_file)
    patient = Patient(concerns, problems, now)
    client, store = await _temporal(patient)
    database = concerns.get(DatabaseSettings)
    if not isinstance(database, DatabaseSettings):
        yield Patient(concerns, problems, now, None, client, store)
        return
    async with opened(database) as door:
        yield Patient(concerns, problems, now, door, client, store)


def _settings(file: Path | None) -> tuple[dict[type[Concern], Concern], list[str]]:
    concerns: dict[type[Concern], Concern] = {}
    problems: list[str] = []
    for concern in CONCERNS:
        if concern is AdminSettings:  # of `bootstrap` alone, and better forgotten after it
            continue
        try:
            concerns[concern] = concern.load(file)
        except ValidationError as problem:
            for error in problem.errors(include_url=False, include_input=False):
                name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
                problems.append(f"{name}: {error['msg']}")
    return concerns, problems


async def _temporal(patient: Patient) -> tuple[Client | None, str]:
    try:
        told = patient.told(TemporalSettings)
        async with asyncio.timeout(PATIENCE_SECONDS):
            client = await connect(told.temporal_address, told.temporal_namespace)
            return client, await store_id(client)
    except BROKEN:
        return None, ""


async def examine(patient: Patient) -> list[Finding]:
    """Every finding, in the order in which one thing rests on another."""
    return [finding for name, check in CHECKS for finding in await _asked(name, check, patient)]


async def _asked(name: str, check: "Check", patient: Patient) -> Sequence[Finding]:
    try:
        found = await check(patient)
    except BROKEN as error:
        return [Finding(name, ok=False, detail=f"cannot be asked: {_words(error)}")]
    return [Finding(name, *found)] if isinstance(found, tuple) else found


async def mend(patient: Patient) -> list[Finding]:
    """Register what Temporal forgot, make schedules, wake the lost, place events; what was done."""
    steps: Sequence[tuple[str, Callable[[Patient], Awaitable[str]]]] = (
        ("search attributes", _register),
        ("schedules", _schedule),
        ("lives", _wake),
        ("events", _place),
    )
    done: list[Finding] = []
    for name, step in steps:
        try:
            done.append(Finding(name, ok=True, detail=await step(patient)))
        except BROKEN as error:
            done.append(Finding(name, ok=False, detail=f"cannot be mended: {_words(error)}"))
    return done


def _words(error: Exception) -> str:
    """The first line: what follows may show statements and their values."""
    said = error.detail if isinstance(error, InnkeeperError) else str(error)
    return (said.splitlines() or [type(error).__name__])[0][:200]


async def _register(patient: Patient) -> str:
    client = patient.temporal()
    missing = await missing_search_attributes(client)
    if missing:
        await register_search_attributes(client, missing)
    return f"{len(missing)} registered"


async def _schedule(patient: Patient) -> str:
    """Create what is missing, and wait until Temporal's own list shows it."""
    client, database = patient.temporal(), patient.door()
    made = await schedules.ensure(client, database)
    await _missing_schedules(patient)
    return f"{made} created"


async def _missing_schedules(patient: Patient) -> list[str]:
    """What is missing though a worker had its turn: a new tenant's clock is seconds away."""
    client, database = patient.temporal(), patient.door()
    missing = await schedules.missing(client, database)
    for _ in range(PATIENCE_SECONDS * 5):
        if not missing:
            break
        await asyncio.sleep(0.2)
        missing = await schedules.missing(client, database)
    return missing


async def _wake(patient: Patient) -> str:
    """Wake the lost, and give those that a worker hears a while to look around."""
    patient.temporal()
    async with patient.door().platform("doctor: repair") as session:
        woken = await wake_the_lost(session, patient.store, patient.now)
    if woken:
        await _until_they_looked(patient)
    return f"{woken} woken"


async def _place(patient: Patient) -> str:
    """Give positions to whatever has none, also where the sequencer does not look any more."""
    async with patient.door().platform("doctor: repair") as session:
        return f"{await event_sequence.sequence_missed(session)} given a position"


async def _until_they_looked(patient: Patient) -> None:
    """As long as there are fewer of them from time to time: without a worker nobody looks."""
    fewest, quiet = await _sleepers(patient), 0
    while fewest and quiet < QUIET_SECONDS * 5:
        await asyncio.sleep(0.2)
        left = await _sleepers(patient)
        fewest, quiet = (left, 0) if left < fewest else (fewest, quiet + 1)


async def _sleepers(patient: Patient) -> int:
    """Lives that are lost, or whose wake-up is on its way."""
    async with patient.door().platform("doctor") as session:
        waiting = await session.scalar(select(func.count()).select_from(Wake))
    return len(await _lost(patient)) + (waiting or 0)


async def _lost(patient: Patient) -> Sequence[Lost]:
    async with patient.door().platform("doctor") as session:
        return await find_the_lost(session, patient.store, patient.now)


Seen = tuple[bool, str]


async def _settings_are_complete(patient: Patient) -> Seen:
    if patient.problems:
        return False, "; ".join(patient.problems)
    return True, f"{len(patient.concerns)} concerns"


async def _keys_open(patient: Patient) -> Seen:
    keys = patient.told(KeySettings)
    try:
        Vault(keys.keyset_json(), keys.blind_index_bytes())
    except tink.TinkError:
        return False, "the keyset cannot be read"
    return True, "the keyset is readable"


async def _app_connects(patient: Patient) -> Seen:
    async with patient.door().anonymous() as connection:
        found = await connection.execute(_WHO)
        return _is("inn_app", *found.one())


async def _platform_connects(patient: Patient) -> Seen:
    async with patient.door().platform("doctor") as session:
        found = await session.execute(_WHO)
        return _is("inn_platform", *found.one())


async def _migrations_are_applied(patient: Patient) -> Seen:
    owner = patient.told(OwnerSettings).owner_database_url.get_secret_value()
    applied, newest = await migrate.applied(owner), migrate.newest()
    if applied == newest:
        return True, f"at {newest}"
    return False, f"at {applied or 'nothing'}, the newest is {newest}: run `innkeeper migrate`"


_WHO = text("select current_user::text, current_setting('server_version')")
_NEWEST_WE_ASK = 18


def _is(role: str, user: str, version: str) -> Seen:
    fresh = int(version.partition(".")[0]) >= _NEWEST_WE_ASK
    return user == role and fresh, f"{user} on PostgreSQL {version}"


def _of_catalogue(question: Callable[[AsyncSession], Awaitable[list[str]]], good: str) -> "Check":
    async def check(patient: Patient) -> Seen:
        async with patient.door().platform("doctor") as session:
            wrong = await question(session)
        return not wrong, _listed(wrong) or good

    return check


def _listed(found: Sequence[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


async def _temporal_answers(patient: Patient) -> Seen:
    client = patient.temporal()
    return True, f"{client.service_client.config.target_host}, namespace {client.namespace}"


async def _attributes_are_known(patient: Patient) -> Seen:
    missing = await missing_search_attributes(patient.temporal())
    return not missing, f"missing: {_listed(missing)}" if missing else "registered"


async def _schedules_are_there(patient: Patient) -> Seen:
    missing = await _missing_schedules(patient)
    return not missing, f"missing: {_listed(missing)}" if missing else "complete"


async def _lives_are_there(patient: Patient) -> Seen:
    patient.temporal()
    lost = await _lost(patient)
    if not lost:
        return True, "none is lost"
    return False, f"{len(lost)} lost: " + _listed([f"{o.workflow_id} ({o.reason})" for o in lost])


def _of_queue(question: Callable[[AsyncSession], Awaitable[Waiting]], good: str) -> "Check":
    async def check(patient: Patient) -> Seen:
        async with patient.door().platform("doctor") as session:
            amount, since = await question(session)
        return not amount, f"{amount} wait, the oldest since {since}" if amount else good

    return check


async def _deliveries_leave(patient: Patient) -> Seen:
    async with patient.door().platform("doctor") as session:
        amount, since = await backlog.stuck_deliveries(session, patient.now)
    return not amount, f"{amount} stuck, the oldest for {since}" if amount else "none is stuck"


async def _dead_letters_are_read(patient: Patient) -> Seen:
    """For information: they wait for a person."""
    async with patient.door().platform("doctor") as session:
        amount = await backlog.dead_letters(session)
    return True, f"{amount} wait for a person" if amount else "none"


async def _documents_are_printed(_patient: Patient) -> Seen:
    """For information: without Pango there are no PDFs, and the house does all else."""
    async with a_press() as press:
        try:
            return True, await press.ready()
        except CannotPrint as missing:
            return True, f"no PDF, all else works: {missing.detail}"


async def _tasks_are_answered(patient: Patient) -> Seen:
    """For information: a person is late, the house is not ill."""
    async with patient.door().platform("doctor") as session:
        amount, since = await backlog.overdue_tasks(session, patient.now)
    return True, f"{amount} overdue, the oldest since {since}" if amount else "none is overdue"


async def _books_are_right(patient: Patient) -> list[Finding]:
    found = await invariants.check(patient.door(), patience=NO_LIFE_AFTER)
    return [
        Finding(name, not broken, _listed([b.detail for b in broken]) or "holds")
        for name, broken in found.items()
    ]


Check = Callable[[Patient], Awaitable[Seen | list[Finding]]]
CHECKS: Sequence[tuple[str, Check]] = (
    ("settings", _settings_are_complete),
    ("keys", _keys_open),
    ("PostgreSQL as the application", _app_connects),
    ("PostgreSQL as the platform", _platform_connects),
    ("migrations", _migrations_are_applied),
    ("roles", _of_catalogue(walls.wrong_roles, "each holds what it should")),
    ("walls", _of_catalogue(walls.broken_walls, "every tenant table is walled")),
    ("keys of tables", _of_catalogue(walls.loose_keys, "each begins with its tenant")),
    ("look-ups", _of_catalogue(walls.open_look_ups, "closed")),
    ("Temporal", _temporal_answers),
    ("search attributes", _attributes_are_known),
    ("schedules", _schedules_are_there),
    ("lives", _lives_are_there),
    ("wake-ups", _of_queue(backlog.old_wakes, "none waits")),
    ("deliveries", _deliveries_leave),
    ("provider events", _of_queue(backlog.stuck_provider_events, "none waits")),
    ("events", _of_queue(event_sequence.waiting, "each has its position")),
    ("consumers of events", _of_queue(backlog.unread_events, "each has read them")),
    ("dead letters", _dead_letters_are_read),
    ("documents", _documents_are_printed),
    ("tasks", _tasks_are_answered),
    ("books", _books_are_right),
)
