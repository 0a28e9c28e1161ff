"""Wake-ups become lives; one that cannot be delivered holds up nobody else."""

from datetime import date

from temporalio.client import WorkflowExecutionStatus

from models.database import Database
from models.life import SubjectKind, Wake
from models.plan import wake
from runtime.temporal import connect
from tests.conftest import TemporalServer
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
