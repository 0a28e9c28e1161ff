"""A tenant with a month billed, in a server of its own: what most figures start from."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.billing_run import Billing, NextChunk
from benchmarks.roster import many_agreements
from benchmarks.server import a_house, a_server, analyse
from domain.calendar import Month
from domain.lives import Look, Subject
from models.billing_run import ask, subject_of
from models.database import Actor, Database
from models.tenant_setup import Credentials, NewTenant, set_up_tenant
from runtime.embedded.databases import Role
from runtime.embedded.postgres import EmbeddedPostgres

ACTOR = Actor("platform:benchmark")


@dataclass(frozen=True, slots=True)
class BilledHouse:
    """A tenant whose agreements were billed for a month; no collection has begun."""

    server: EmbeddedPostgres
    name: str
    database: Database
    tenant: Credentials

    def dsn(self, role: Role) -> str:
        """Its database as a role reaches it."""
        return self.server.dsn(role, self.name)


@asynccontextmanager
async def a_billed_house(agreements: int) -> AsyncGenerator[BilledHouse]:
    """A server, a tenant in it and so many invoices of the month to come, due in that month."""
    async with a_server() as server:
        await a_house(server, "house")
        database = a_door(server, "house")
        try:
            tenant = await a_tenant(database, "bench")
            await _billed(database, tenant.tenant_id, agreements)
            await analyse(server.dsn("inn_owner", "house"))
            yield BilledHouse(server, "house", database, tenant)
        finally:
            await database.close()


def a_door(server: EmbeddedPostgres, name: str) -> Database:
    """The door to a database of the server."""
    return Database(server.dsn("inn_app", name), server.dsn("inn_platform", name), pool_size=20)


async def a_tenant(database: Database, slug: str) -> Credentials:
    """A tenant of that name, in India."""
    asked = NewTenant(slug, slug, f"{slug}@example.com", "IN", "INR", "Asia/Kolkata")
    return await set_up_tenant(database, asked)


async def _billed(database: Database, tenant_id: UUID, agreements: int) -> None:
    now = datetime.now(UTC)
    month = Month.of(now.date()).next()
    async with database.tenant(tenant_id, ACTOR) as session:
        begins = month.previous().first - timedelta(days=100)
        through = month.previous().first
        await many_agreements(session, agreements, start=begins, billed_through=through)
        subject = subject_of(await ask(session, month, None, now, ACTOR.name))
    await bill(Billing(database, "benchmark"), subject, now)


async def bill(steps: Billing, subject: Subject, at: datetime) -> float:
    """Every chunk of a run; the seconds it took."""
    began = time.perf_counter()
    while (await steps.issue_chunk(NextChunk(Look(subject, at)))).left:
        pass
    return time.perf_counter() - began
