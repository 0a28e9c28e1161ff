"""What every life's steps share: lock the subject, plan again, act only if it is still due.

A step runs in one transaction: state, event, audit, ledger, message and the new plan together.
Running it twice changes nothing the second time, because the plan has moved on.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from domain.errors import NotFound, Refused, Unavailable
from domain.lives import Look
from domain.next_action import Outlook
from models import plan
from models.database import Actor, Database
from models.plan import Planned
from models.task import open_task

Row = TypeVar("Row")
Act = Callable[[AsyncSession, Row, datetime], Awaitable[None]]
Lock = Callable[[AsyncSession, UUID], Awaitable[Row]]

GONE = Outlook("gone", None, None, "its subject is no longer there")


class LifeSteps(ABC, Generic[Row]):
    """The steps of one kind of life. `store_id` names the Temporal store this worker serves."""

    def __init__(self, database: Database, store_id: str) -> None:
        self._database = database
        self._store_id = store_id

    @abstractmethod
    async def _lock(self, session: AsyncSession, subject_id: UUID) -> Row:
        """The subject's row, locked FOR UPDATE and read anew, or NotFound."""

    @abstractmethod
    async def _planned(self, session: AsyncSession, row: Row, at: datetime) -> Planned:
        """The plan of the locked subject."""

    async def _seen(self, look: Look) -> Outlook:
        """Look: lock, plan, note how long the life will wait. A subject that is gone ends it.

        A look is no act, so it is never refused: what cannot be planned now is tried again.
        """
        try:
            async with self._transaction(look) as session:
                row = await self._lock(session, look.subject.id)
                return await self._note(session, await self._planned(session, row, look.at), look)
        except NotFound:
            return await self._gone(look)
        except Refused as error:
            raise Unavailable(f"the subject cannot be planned: {error.detail}") from error

    async def _taken(
        self, look: Look, what: str, act: Act[Row], lock: Lock[Row] | None = None
    ) -> Outlook:
        """Act if `what` is still the first due action; a refusal becomes a task for a person.

        `lock` replaces the usual lock where the act needs other rows locked before the subject.
        """
        try:
            async with self._transaction(look) as session:
                return await self._act(session, look, what, act, lock or self._lock)
        except (Refused, DBAPIError) as error:
            return await self._refused(look, what, error)

    async def _act(
        self, session: AsyncSession, look: Look, what: str, act: Act[Row], lock: Lock[Row]
    ) -> Outlook:
        row = await lock(session, look.subject.id)
        before = await self._planned(session, row, look.at)
        if not plan.still_first(before, what, look.at):
            return await self._note(session, before, look)
        await act(session, row, look.at)
        await session.flush()
        row = await self._lock(session, look.subject.id)
        after = await self._planned(session, row, look.at)
        plan.must_have_moved(before, after)
        return await self._note(session, after, look)

    async def _refused(self, look: Look, what: str, error: Exception) -> Outlook:
        """The step's own transaction is gone; the task opens in a new one and the plan goes on.

        Meanwhile the facts may have changed: what is no longer due needs nobody's answer.
        """
        detail = error.detail if isinstance(error, Refused) else _database_words(error)
        try:
            async with self._transaction(look) as session:
                row = await self._lock(session, look.subject.id)
                planned = await self._planned(session, row, look.at)
                if plan.still_first(planned, what, look.at):
                    await open_task(
                        session,
                        kind=planned.kind,
                        subject_id=look.subject.id,
                        what=what,
                        title=f"{what.replace('_', ' ')} was refused",
                        detail=detail,
                        at=look.at,
                    )
                    planned = await self._planned(session, row, look.at)
                return await self._note(session, planned, look)
        except NotFound:
            return await self._gone(look)
        except Refused as again:
            raise Unavailable(f"the subject cannot be planned: {again.detail}") from again

    @asynccontextmanager
    async def _transaction(self, look: Look) -> AsyncGenerator[AsyncSession]:
        """One of the subject's tenant, in which its life acts."""
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            yield session

    async def _note(self, session: AsyncSession, planned: Planned, look: Look) -> Outlook:
        await plan.looked(session, planned, look.at, self._store_id)
        return planned.outlook

    async def _gone(self, look: Look) -> Outlook:
        async with self._transaction(look) as session:
            await plan.forget(session, look.subject.id)
        return GONE


def _database_words(error: Exception) -> str:
    """What the database refused, without the statement and its values: they may be personal."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).split("\n", 1)[0][:300]


def life_of(look: Look) -> Actor:
    """The life that acts, and the step it takes."""
    step = activity.info().activity_type if activity.in_activity() else ""
    return Actor.life(look.subject.workflow_id, step)
