"""Wake-ups become lives; one that cannot be delivered holds up nobody else."""

from datetime import date

import pytest
from sqlalchemy import func, update
from temporalio.client import WorkflowExecutionStatus

from models.database import Database
from models.gateway_log import LETS_GO_FIRST, GatewayLog, LogStatus
from models.life import SubjectKind, Wake
from models.plan import LOW, wake
from runtime.temporal import connect
from tests.conftest import TemporalServer
from tests.support.attempt import a_kept_event
from tests.support.books import rows
from tests.support.debt import a_debt
from tests.support.house import House
from workers.relay import WakeRelay


async def test_a_wake_up_for_what_has_no_life_stays_and_the_others_go(
    temporal_server: TemporalServer, database: Database, house: House
) -> None:
    debt = await a_debt(house, date(2026, 10, 5))
    async with house.session() as session:
        await wake(session, SubjectKind.AGREEMENT, debt.resident_id, "no-such-life", priority=1)
    client = await connect(temporal_server.address, temporal_server.namespace)
    assert await WakeRelay(database, client).turn() == 2
    (left,) = await rows(house, Wake)
    assert left.workflow_id == "no-such-life"
    assert left.leased_until is not None  # tried again when the lease is over
    life = await client.get_workflow_handle(debt.workflow_id).describe()
    assert life.status is WorkflowExecutionStatus.RUNNING
    await client.get_workflow_handle(debt.workflow_id).terminate()


@pytest.mark.parametrize("status", [LogStatus.RECEIVED, LogStatus.PROCESSING])
async def test_a_life_that_has_only_to_end_waits_for_money_but_not_for_ever(
    temporal_server: TemporalServer, database: Database, house: House, status: LogStatus
) -> None:
    """Who has something to do is woken at once, and so is everybody once the money is booked."""
    debts = [await a_debt(house, date(2026, 10, day)) for day in (5, 6, 7)]
    names = [debt.workflow_id for debt in debts]
    async with house.session() as session:
        low = update(Wake).where(Wake.workflow_id.in_(names[1:])).values(priority=LOW)
        await session.execute(low)
        recorded = func.clock_timestamp() - LETS_GO_FIRST
        await session.execute(low.where(Wake.workflow_id == names[2]).values(recorded_at=recorded))
    await a_kept_event(house, status)
    client = await connect(temporal_server.address, temporal_server.namespace)
    relay = WakeRelay(database, client)
    assert await relay.turn() == 2
    assert [left.workflow_id for left in await rows(house, Wake)] == [names[1]]
    async with house.session() as session:
        await session.execute(update(GatewayLog).values(status=LogStatus.DONE))
    assert await relay.turn() == 1
    assert await rows(house, Wake) == []
    for name in names:
        await client.get_workflow_handle(name).terminate()
