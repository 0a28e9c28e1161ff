"""Answers to tasks: a task is done once, and its subject's life hears of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import keys
from domain.errors import IllegalTransition, InvalidInput, NotFound
from models import billing_run, collection, payment_attempt, payment_method, plan
from models.database import one, tenant_of
from models.event import record
from models.life import SubjectKind
from models.record import Task, TaskStatus
from models.statement import STATEMENT_LINE, StatementLine
from models.statement_answer import Choice, answer
from models.suspension import SETTLE_DISPUTE, settle_dispute

Tell = Callable[[AsyncSession, UUID, datetime], Awaitable[object]]
Lock = Callable[[AsyncSession, UUID], Awaitable[object]]


async def resolve(
    session: AsyncSession,
    task_id: UUID,
    resolution: str,
    by: str,
    at: datetime,
    *,
    choice: Choice | None = None,
) -> Task:
    """Say what was done; the step that waited for it is planned again.

    `choice` is what becomes of a statement's line, and of nothing else. IllegalTransition when
    somebody answered before.
    """
    waiting = await one(session, Task, task_id)
    # The subject's row before the task's, as the steps take them; it may be gone by now.
    if waiting.subject_kind in _LOCKED:
        with suppress(NotFound):
            await _LOCKED[waiting.subject_kind](session, waiting.subject_id)
    elif waiting.subject_kind == SubjectKind.BILLING_RUN:
        await billing_run.in_turn(session)
        await billing_run.locked(session, waiting.subject_id)
    elif waiting.subject_kind == STATEMENT_LINE:
        await one(session, StatementLine, waiting.subject_id, lock=True)
    task = await one(session, Task, task_id, lock=True)
    if task.status != TaskStatus.OPEN:
        raise IllegalTransition(f"the task is {task.status} already")
    task.status = TaskStatus.DONE
    task.resolved_at = at
    task.resolved_by = by
    task.resolution = resolution
    await _chosen(session, task, choice or Choice(), at)
    await record(session, "task.resolved", task.subject_kind, task.subject_id, at, what=task.what)
    if task.subject_kind in _NEWS:
        with suppress(NotFound):
            await _NEWS[task.subject_kind](session, task.subject_id, at)
    return task


async def _chosen(session: AsyncSession, task: Task, choice: Choice, at: datetime) -> None:
    if task.subject_kind == STATEMENT_LINE:
        await answer(session, task.subject_id, choice, str(task.resolution), at)
    elif task.what == SETTLE_DISPUTE:
        await settle_dispute(session, task.subject_id, at)
    elif choice.is_made:
        message = f"is asked of a statement's line; this task is about one {task.subject_kind}"
        raise InvalidInput.of("residentId", "NOT_ASKED", message)


async def _message(session: AsyncSession, message_id: UUID, _at: datetime) -> None:
    workflow_id = keys.message_delivery(tenant_of(session), message_id)
    await plan.wake(session, SubjectKind.MESSAGE, message_id, workflow_id)


_LOCKED: dict[str, Lock] = {
    SubjectKind.INVOICE: collection.locked,
    SubjectKind.PAYMENT_ATTEMPT: payment_attempt.locked,
    SubjectKind.PAYMENT_METHOD: payment_method.locked,
}
# How each kind of life hears that a task of it was resolved.
_NEWS: dict[str, Tell] = {
    SubjectKind.INVOICE: collection.replan,
    SubjectKind.MESSAGE: _message,
    SubjectKind.BILLING_RUN: billing_run.open_again,
    SubjectKind.PAYMENT_ATTEMPT: payment_attempt.replan,
    SubjectKind.PAYMENT_METHOD: payment_method.replan,
}
