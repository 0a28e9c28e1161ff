"""The schedules of the house in a real Temporal: declared once, made once, each for its tenant."""

from datetime import UTC, date, datetime, timedelta

from temporalio.client import ScheduleOverlapPolicy

from domain import keys
from runtime import schedules
from runtime.temporal import connect
from tests.conftest import TemporalServer
from tests.support.database import DatabaseUrls
from tests.support.house import a_database, a_tenant


async def test_a_tenants_clock_is_made_once_and_strikes_on_its_own_midnight(
    temporal_server: TemporalServer, database_urls: DatabaseUrls
) -> None:
    """Buffered by one, caught up within a year; made again it changes nothing."""
    client = await connect(temporal_server.address, temporal_server.namespace)
    async with a_database(database_urls) as database:
        house = await a_tenant(database, timezone="America/New_York", country="US", currency="USD")
        clock = keys.billing_clock(house.tenant_id)
        await schedules.ensure(client, database)
        assert await schedules.ensure(client, database) == 0
    handle = client.get_schedule_handle(clock)
    told = await handle.describe()
    policy = told.schedule.policy
    assert policy.overlap is ScheduleOverlapPolicy.BUFFER_ONE
    assert policy.catchup_window == timedelta(days=365)
    assert {(at.astimezone(UTC).hour, at.minute) for at in told.info.next_action_times} <= {
        (4, 15),
        (5, 15),
    }
    await handle.delete()


async def test_what_the_driver_fires_is_what_the_schedule_would(
    temporal_server: TemporalServer, database_urls: DatabaseUrls
) -> None:
    """00:15 in Kolkata is 18:45 of the day before in UTC."""
    client = await connect(temporal_server.address, temporal_server.namespace)
    async with a_database(database_urls) as database:
        await a_tenant(database)
        (clock,) = await schedules.cyclic(client, database)
    noon = datetime(2026, 9, 30, 12, tzinfo=UTC)
    first = clock.after(noon)
    assert first == datetime(2026, 9, 30, 18, 45, tzinfo=UTC)
    assert clock.after(first) - first == timedelta(days=1)
    assert clock.after(first - timedelta(microseconds=1)) == first
    assert first.date() == date(2026, 9, 30)
