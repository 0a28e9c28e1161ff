"""Things only a person can settle: opened once per subject and step, resolved as news."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import tenant_of
from models.record import Task, TaskStatus

ANSWER_WITHIN = timedelta(days=2)


async def open_task(
    session: AsyncSession,
    *,
    kind: str,
    subject_id: UUID,
    what: str,
    title: str,
    detail: str,
    at: datetime,
) -> None:
    """Open a task on (subject, what), or leave the open one alone."""
    await session.execute(
        insert(Task)
        .values(
            tenant_id=tenant_of(session),
            subject_kind=kind,
            subject_id=subject_id,
            what=what,
            title=title,
            detail=detail,
            opened_at=at,
            due_at=at + ANSWER_WITHIN,
        )
        .on_conflict_do_nothing(
            index_elements=["tenant_id", "subject_id", "what"],
            # A literal: a parameter would not name the index in a plan made for any value.
            index_where=text("status = 'open'"),
        )
    )


async def open_whats(session: AsyncSession, subject_id: UUID) -> frozenset[str]:
    """The steps of a subject that wait for a person."""
    return (await open_whats_of(session, [subject_id])).get(subject_id, frozenset())


async def open_whats_of(
    session: AsyncSession, subject_ids: Collection[UUID]
) -> dict[UUID, frozenset[str]]:
    """The same of many; a subject that waits for nobody is left out."""
    rows = await session.execute(
        select(Task.subject_id, func.array_agg(Task.what))
        .where(Task.subject_id.in_(subject_ids), Task.status == TaskStatus.OPEN)
        .group_by(Task.subject_id)
    )
    return {subject_id: frozenset(whats) for subject_id, whats in rows}


async def close_tasks(
    session: AsyncSession, subject_id: UUID, resolution: str, at: datetime, what: str | None = None
) -> None:
    """Nobody needs to look at this subject any more: its open tasks, or one of them, are done."""
    await close_tasks_of(session, [subject_id], resolution, at, what)


async def close_tasks_of(
    session: AsyncSession,
    subject_ids: Collection[UUID],
    resolution: str,
    at: datetime,
    what: str | None = None,
) -> None:
    """The same for many subjects."""
    query = update(Task).where(Task.subject_id.in_(subject_ids), Task.status == TaskStatus.OPEN)
    if what is not None:
        query = query.where(Task.what == what)
    await session.execute(
        query.values(
            status=TaskStatus.DONE, resolved_at=at, resolved_by="the house", resolution=resolution
        )
    )
