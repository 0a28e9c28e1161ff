"""Things only a person can settle: opened once per subject and step, resolved as news."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
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
    rows = await session.scalars(
        select(Task.what).where(Task.subject_id == subject_id, Task.status == TaskStatus.OPEN)
    )
    return frozenset(rows)


async def close_tasks(
    session: AsyncSession, subject_id: UUID, resolution: str, at: datetime, what: str | None = None
) -> None:
    """Nobody needs to look at this subject any more: its open tasks, or one of them, are done."""
    query = update(Task).where(Task.subject_id == subject_id, Task.status == TaskStatus.OPEN)
    if what is not None:
        query = query.where(Task.what == what)
    await session.execute(
        query.values(
            status=TaskStatus.DONE, resolved_at=at, resolved_by="the house", resolution=resolution
        )
    )
