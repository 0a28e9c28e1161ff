"""Temporal may repeat a step that already succeeded; no table may notice.

A case prepares the rows and names the step with its argument: `@twice(Collecting.remind)` on a
function in tests/support/steps/. tests/activities/test_every_step_runs_twice.py runs them all.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import asyncpg
from temporalio import activity
from temporalio.testing import ActivityEnvironment

import activities
import tests.support.steps
from models.database import Database
from models.registry import TABLES
from tests.support.database import DatabaseUrls
from tests.support.house import a_database

Snapshot = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a case stands on: an empty database of its own."""

    database: Database
    store_id: str = "a-store"


@dataclass(frozen=True, slots=True)
class Step:
    """A step ready to run. Unless `same_answer`, only the rows have to be the same."""

    run: Callable[..., Awaitable[Any]]
    arguments: tuple[Any, ...]
    same_answer: bool = True


Case = Callable[[Ground], Awaitable[Step]]
CASES: dict[str, list[Case]] = {}


def twice(step: Any) -> Callable[[Case], Case]:
    """Register a case of a step, given as `Class.method`."""

    def register(case: Case) -> Case:
        CASES.setdefault(step.__qualname__, []).append(case)
        return case

    return register


def cases() -> dict[str, list[Case]]:
    """Every registered case, by the step it is of."""
    for module in pkgutil.iter_modules(tests.support.steps.__path__):
        importlib.import_module(f"tests.support.steps.{module.name}")
    return CASES


def steps() -> set[str]:
    """Every step there is: all activity methods of the classes in `activities`."""
    return {name for module in _modules() for name in _steps_of(module)}


def _modules() -> Iterator[Any]:
    for module in pkgutil.iter_modules(activities.__path__):
        yield importlib.import_module(f"activities.{module.name}")


def _steps_of(module: Any) -> Iterator[str]:
    for _, owner in inspect.getmembers(module, inspect.isclass):
        if owner.__module__ == module.__name__:
            for _, method in inspect.getmembers(owner, inspect.isfunction):
                if _is_activity(method):
                    yield method.__qualname__


def _is_activity(method: FunctionType) -> bool:
    return activity._Definition.from_callable(method) is not None


async def snapshot(urls: DatabaseUrls) -> Snapshot:
    """Of every table: how many rows, and a hash over all of them."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        seen: Snapshot = {}
        for table in TABLES.sorted_tables:
            rows = await connection.fetchrow(
                f"select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), ''))"  # noqa: S608
                f" from {table.name} t"
            )
            assert rows is not None
            seen[table.name] = (rows[0], rows[1])
        return seen
    finally:
        await connection.close()


async def run_twice(urls: DatabaseUrls, case: Case) -> Any:
    """Run the step, run it again, compare every table; returns what the step answered."""
    async with a_database(urls) as database:
        step = await case(Ground(database))
        before = await snapshot(urls)
        first = await ActivityEnvironment().run(step.run, *step.arguments)
        after = await snapshot(urls)
        second = await ActivityEnvironment().run(step.run, *step.arguments)
        again = await snapshot(urls)
    assert after != before, "the first run changed nothing: the case prepares too little"
    changed = sorted(table for table in after if after[table] != again[table])
    assert not changed, f"the second run changed {', '.join(changed)}"
    assert not step.same_answer or second == first
    return first
