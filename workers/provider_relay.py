"""The relay of provider events: books what was kept, after it was acknowledged.

It holds no state: events are leased, and a relay that dies leaves them to the next one.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from activities.provider_event import Bookkeeping
from domain.errors import Unavailable
from models.database import Actor, Database
from models.provider_event import Held, give_back, lease
from runtime.clock import Clock

log = structlog.get_logger()

BATCH = 250
IN_FLIGHT = 8
ACTOR = Actor("platform:relay: provider event")


class ProviderRelay:
    """Settles events: of each tenant the oldest first, and tenants in turn."""

    def __init__(self, database: Database, clock: Clock, stop: asyncio.Event | None = None) -> None:
        self._database = database
        self._clock = clock
        self._stop = stop or asyncio.Event()
        self._books = Bookkeeping(database, ACTOR)

    async def turn(self) -> int:
        """Settle one batch; returns how many events there were.

        Told to stop meanwhile, it begins no other one. Raises Unavailable when the database is
        away; what was leased comes back by itself.
        """
        async with self._database.platform("relay: provider event") as session:
            held = await lease(session, BATCH)
        by_tenant: dict[UUID, list[Held]] = {}
        for one in held:
            by_tenant.setdefault(one.tenant_id, []).append(one)
        gate = asyncio.Semaphore(IN_FLIGHT)
        left: list[Held] = []

        async def settle(of_tenant: Sequence[Held]) -> None:
            async with gate:
                if self._stop.is_set():
                    left.extend(of_tenant)
                else:
                    await self._books.settle(of_tenant, self._clock.now())

        ends = await asyncio.gather(*map(settle, by_tenant.values()), return_exceptions=True)
        await self._give_back(left)
        for end in ends:
            if isinstance(end, Unavailable):
                raise end
            if end is not None:
                log.error("provider events went wrong", exc_info=end)
        return len(held)

    async def _give_back(self, held: Sequence[Held]) -> None:
        if held:
            async with self._database.platform("relay: provider event") as session:
                await give_back(session, held)
