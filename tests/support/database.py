"""Databases of one test: copies of a template, dropped afterwards."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from runtime.embedded.databases import Databases
from tests.support.run import TEMPLATE


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One test's database, as each role reaches it."""

    name: str
    owner: str
    app: str
    platform: str
    superuser: str


def databases_of(told: dict[str, Any]) -> Databases:
    """The databases of the run's server."""
    return Databases(told["port"], told["passwords"])


@asynccontextmanager
async def copied(databases: Databases, template: str = TEMPLATE) -> AsyncGenerator[DatabaseUrls]:
    """A fresh copy of `template`, gone when the block ends."""
    name = f"t_{uuid4().hex}"
    await databases.create(name, template=template)
    try:
        yield DatabaseUrls(
            name=name,
            owner=databases.dsn("inn_owner", name),
            app=databases.dsn("inn_app", name),
            platform=databases.dsn("inn_platform", name),
            superuser=databases.dsn("postgres", name),
        )
    finally:
        await databases.drop(name)
