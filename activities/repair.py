"""Steps of repair. Each may run twice; waking a life that is well changes nothing."""

from datetime import datetime

from temporalio import activity

from models import repair
from models.database import Database


class Repairing:
    """Finds lives that were lost and has them woken; removes what is kept for a time only."""

    def __init__(self, database: Database, store_id: str) -> None:
        self._database = database
        self._store_id = store_id

    @activity.defn
    async def wake_the_lost(self, at: datetime) -> int:
        """Write a wake-up for every life that the rows expect and nobody heard of."""
        async with self._database.platform("repair") as session:
            return await repair.wake_the_lost(session, self._store_id, at)

    @activity.defn
    async def forget_old_answers(self) -> int:
        """Remove the stored answers that may be asked for no more."""
        async with self._database.platform("repair: stored answers") as session:
            return await repair.forget_old_answers(session)
