"""Starting a thousand collections beside bare lives of the same shape, and waking them."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import func, select
from temporalio.client import Client

from benchmarks.bare_life import Barely, live_barely
from benchmarks.figure import Figure
from benchmarks.house import ACTOR, BilledHouse, a_billed_house
from domain import keys
from models import plan
from models.invoice import Invoice
from models.life import LifeRow, SubjectKind, Wake
from providers.channels import ByChannel
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.temporal import connect, store_id
from workers import lives
from workers.relay import WakeRelay

LIVES = 1_000
WARM_UP = 100


async def measure() -> dict[str, Figure]:
    """The figures of `lives` and `wakes`: one worker process, one Temporal with its file."""
    async with a_billed_house(LIVES + WARM_UP) as house, _a_client(house) as client:
        subjects = await _subjects(house)
        bare = await _barely(house, client, subjects)
        async with _a_worker(house, client):
            relay = WakeRelay(house.database, client)
            ours = await _started(house, relay)
            woken = await _woken(house, relay, subjects)
        again = await _barely(house, client, subjects, prefix="again")
    starting, waking = (
        (bare.starting + again.starting) / 2,
        (bare.waking + again.waking) / 2,
    )
    return _figures(ours, woken, Barely(starting, waking))


@asynccontextmanager
async def _a_client(house: BilledHouse) -> AsyncGenerator[Client]:
    temporal = EmbeddedTemporal(house.server.folder.parent / "temporal")
    await temporal.start()
    try:
        yield await connect(temporal.address, temporal.namespace)
    finally:
        await temporal.stop()


@asynccontextmanager
async def _a_worker(house: BilledHouse, client: Client) -> AsyncGenerator[None]:
    store = await store_id(client)
    worker = lives.worker(client, house.database, ByChannel({}), store, max_cached_workflows=2_000)
    async with worker:
        yield


async def _subjects(house: BilledHouse) -> list[UUID]:
    async with house.database.tenant(house.tenant.tenant_id, ACTOR) as session:
        return list(await session.scalars(select(Invoice.id).order_by(Invoice.id)))


async def _barely(
    house: BilledHouse, client: Client, subjects: list[UUID], prefix: str = "bare"
) -> Barely:
    """A thousand bare lives, after a warm-up of some others."""
    tenant = {"app.current_tenant": str(house.tenant.tenant_id)}
    async with asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        house.dsn("inn_app"), min_size=20, max_size=20, server_settings=tenant
    ) as pool:
        names = [str(subject) for subject in subjects]
        await live_barely(client, pool, names[:WARM_UP], prefix)
        return await live_barely(client, pool, names[WARM_UP:], prefix)


async def _started(house: BilledHouse, relay: WakeRelay) -> float:
    """Seconds from the wake-ups that billing wrote to a thousand lives that have looked."""
    while await _count(house, LifeRow) < WARM_UP:
        await relay.turn()
    before = await _count(house, LifeRow)
    began = time.perf_counter()
    await _turn_until(relay, lambda: _all_looked(house))
    return (time.perf_counter() - began) * LIVES / (LIVES + WARM_UP - before)


async def _woken(house: BilledHouse, relay: WakeRelay, subjects: list[UUID]) -> float:
    """Seconds from a thousand wake-ups of running lives to their next look."""
    tenant_id = house.tenant.tenant_id
    now = datetime.now(UTC)
    async with house.database.tenant(tenant_id, ACTOR) as session:
        for subject in subjects[:LIVES]:
            life = keys.invoice_collection(tenant_id, subject)
            await plan.wake(session, SubjectKind.INVOICE, subject, life)
    began = time.perf_counter()
    await _turn_until(relay, lambda: _looked_since(house, now))
    return time.perf_counter() - began


async def _turn_until(relay: WakeRelay, done: Callable[[], Any]) -> None:
    while not await done():
        if not await relay.turn():
            await asyncio.sleep(0.02)


async def _all_looked(house: BilledHouse) -> bool:
    return await _count(house, LifeRow) >= LIVES + WARM_UP


async def _looked_since(house: BilledHouse, at: datetime) -> bool:
    query = select(func.count()).select_from(LifeRow).where(LifeRow.looked_at > at)
    async with house.database.platform("benchmark") as session:
        return (await session.scalar(query) or 0) >= LIVES


async def _count(house: BilledHouse, model: type[LifeRow | Wake]) -> int:
    async with house.database.platform("benchmark") as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


def _figures(ours: float, woken: float, bare: Barely) -> dict[str, Figure]:
    return {
        "lives.start_ratio_to_bare": Figure(
            ours / bare.starting,
            "of bare",
            1.3,
            f"{LIVES:,} collections from their wake-ups in {ours:.1f} s; bare lives with one query"
            f" a look, the same history and search attributes: {bare.starting:.1f} s",
            more_is_better=False,
        ),
        "lives.wake_ratio_to_bare": Figure(
            woken / bare.waking,
            "of bare",
            1.5,
            f"{LIVES / woken:,.0f} wake-ups a second, from their rows to the look each caused;"
            f" {LIVES / bare.waking:,.0f} signals a second to bare lives that look as often",
            more_is_better=False,
        ),
    }
