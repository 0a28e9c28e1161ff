"""Steps of the billing clock. Each may run twice; a run that is open already is left as it is."""

from temporalio import activity

from activities.life import life_of
from domain.calendar import Month
from domain.lives import Look
from models.billing_run import open_due
from models.database import Database


class Opening:
    """Opens the runs of a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def open_due_runs(self, look: Look) -> list[str]:
        """A run for every month that has begun and is not billed; the first of them is woken."""
        actor = life_of(look)
        async with self._database.tenant(look.subject.tenant_id, actor) as session:
            opened = await open_due(session, look.at, actor.name)
            return [str(Month.of(period)) for period in opened]
