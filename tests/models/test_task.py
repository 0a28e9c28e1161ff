"""Tasks: one open task on a subject and step, however often and through whatever plan."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from domain.errors import IllegalTransition, NotFound
from models.record import Task, TaskStatus
from models.task import close_tasks, open_task, open_whats
from models.task_answer import resolve
from tests.support.database import DatabaseUrls
from tests.support.house import a_database, a_tenant
from tests.support.web import NOON

WORDS = {"kind": "invoice", "title": "remind was refused", "detail": "no address"}
# After five runs of one statement PostgreSQL may plan it for any value of its parameters.
OFTEN = 12


async def test_a_task_is_opened_once_and_again_after_it_was_done(
    database_urls: DatabaseUrls,
) -> None:
    subject = uuid7()
    async with a_database(database_urls) as database:
        house = await a_tenant(database)
        async with house.session() as session:
            for _ in range(OFTEN):
                await open_task(session, subject_id=subject, what="remind", at=NOON, **WORDS)
            assert await open_whats(session, subject) == {"remind"}
            task = (await session.scalars(select(Task))).one()
            assert (task.status, task.due_at) == (TaskStatus.OPEN, NOON + timedelta(days=2))
            await resolve(session, task.id, "called them", "user:owner", NOON)
            assert await open_whats(session, subject) == frozenset()
            await open_task(session, subject_id=subject, what="remind", at=NOON, **WORDS)
            assert len((await session.scalars(select(Task))).all()) == 2


async def test_every_subject_and_step_has_a_task_of_its_own(database_urls: DatabaseUrls) -> None:
    async with a_database(database_urls) as database:
        house = await a_tenant(database)
        async with house.session() as session:
            subjects = [uuid7() for _ in range(OFTEN)]
            for subject in subjects:
                for what in ("remind", "charge_late_fee"):
                    await open_task(session, subject_id=subject, what=what, at=NOON, **WORDS)
            assert len((await session.scalars(select(Task))).all()) == 2 * OFTEN
            await close_tasks(session, subjects[0], "the invoice is paid", NOON)
            assert await open_whats(session, subjects[0]) == frozenset()
            assert await open_whats(session, subjects[1]) == {"remind", "charge_late_fee"}


async def test_a_task_is_answered_once_and_only_by_its_tenant(database_urls: DatabaseUrls) -> None:
    subject = uuid7()
    async with a_database(database_urls) as database:
        house, stranger = await a_tenant(database), await a_tenant(database)
        async with house.session() as session:
            await open_task(
                session, subject_id=subject, what="billing", at=NOON, **{**WORDS, "kind": "run"}
            )
            task = (await session.scalars(select(Task))).one()
        async with stranger.session() as session:
            with pytest.raises(NotFound):
                await resolve(session, task.id, "not mine", "user:other", NOON)
        async with house.session() as session:
            await resolve(session, task.id, "billed by hand", "user:owner", NOON)
            with pytest.raises(IllegalTransition, match="done already"):
                await resolve(session, task.id, "again", "user:owner", NOON)
