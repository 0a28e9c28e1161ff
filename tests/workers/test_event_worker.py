"""Two workers share the events; one that is killed leaves nothing stuck, lost or doubled."""

import asyncio
import signal
from datetime import date
from pathlib import Path

from models.database import Database
from models.payment import PaymentMethod
from tests.conftest import TemporalServer
from tests.support.books import booked, money
from tests.support.database import DatabaseUrls
from tests.support.debt import ten
from tests.support.house import House, a_resident
from tests.support.namespace import own_namespace
from tests.support.part import a_part, whole_settings
from tests.support.payment_days import shown, wanted

DAY = date(2026, 10, 3)
PAYMENTS = 40
PATIENCE_SECONDS = 20


async def test_workers_share_the_events_and_the_killed_one_is_not_missed(
    database: Database,
    house: House,
    database_urls: DatabaseUrls,
    temporal_server: TemporalServer,
    tmp_path: Path,
) -> None:
    namespace = await own_namespace(temporal_server)
    states = [tmp_path / name for name in ("one", "other")]
    for state in states:
        state.mkdir()
        whole_settings(
            state,
            database_urls,
            temporal_address=temporal_server.address,
            temporal_namespace=namespace,
        )
    resident = await a_resident(house, email=None)
    async with a_part(states[0], "worker") as one, a_part(states[1], "worker") as other:
        for worker in (one, other):
            await worker.says("worker serves")
        for number in range(PAYMENTS):
            new = money(resident.id, 100_00 + number, DAY, PaymentMethod.CASH)
            await booked(house, new, ten(DAY))
            if number == PAYMENTS // 2:
                one.tell(signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await shown(database) != await wanted(database):
                await asyncio.sleep(0.1)
        other.tell()
        assert (await other.ended())[0] == 0
    (day,) = (await shown(database)).values()
    assert day[0] == PAYMENTS
