"""Takes the figures that are too dear for every scrape: one worker of all, now and then."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from models import reading
from models.database import Database
from models.measure import SLOW, slow_figures

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 30.0
PATIENCE_SECONDS = 300.0


class SlowFigures:
    """Checks the books and counts messages when it is time and nobody else does."""

    def __init__(self, database: Database, every: timedelta) -> None:
        self._database = database
        self._every = every

    async def turn(self) -> int:
        """Nothing to do at once again, so always 0. A breach is an error in the log, too."""
        async with self._database.platform("metrics") as session:
            mine = await reading.claim(session, SLOW, self._every)
        if mine:
            await self._take()
        return 0

    async def _take(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                figures = await slow_figures(self._database)
        except (DBAPIError, TimeoutError) as error:
            log.warning("the slow figures could not be taken", why=type(error).__name__)
            return
        async with self._database.platform("metrics") as session:
            await reading.keep(session, SLOW, figures)
        for name, amount in figures["invariants"].items():
            if amount:
                log.error("an invariant of the books is broken", invariant=name, breaches=amount)
