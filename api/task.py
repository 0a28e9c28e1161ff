"""Tasks: what only a person can settle. Resolving one is news to the life it is about."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.record import Task, TaskStatus
from models.statement_answer import Choice
from models.task_answer import resolve

router = APIRouter(prefix="/tasks", tags=["operator"], route_class=TenantRoute)
SORTS = {"dueAt": Task.due_at, "openedAt": Task.opened_at}


class TaskState(StrEnum):
    """What is stored, and `overdue`: open, and its time to answer has passed."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"
    EXPIRED = "expired"


class TaskAnswer(Answer):
    """A task, the step it is about, and what was answered."""

    id: UUID
    subject_kind: str
    subject_id: UUID
    what: str
    title: str
    detail: str
    status: TaskState
    opened_at: datetime
    due_at: datetime
    assignee_id: UUID | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


class Resolution(Body):
    """What was done about it; of a line of a bank statement also what becomes of the money.

    `residentId` or `invoiceId` books it, `paymentId` says that it is this payment, which was
    booked by hand, and `dismiss` that it is no resident's money.
    """

    resolution: Annotated[str, Field(min_length=1, max_length=500)]
    resident_id: UUID | None = None
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    dismiss: bool = False


@router.get("", **allows(Permission.TASKS_READ))
async def list_tasks(
    here: Here,
    paging: Paging,
    status: TaskState | None = None,
    subject_id: Annotated[UUID | None, Query(alias="subjectId")] = None,
) -> Page[TaskAnswer]:
    """The tenant's tasks; `status=open` lists those that are overdue too."""
    now = here.parts.clock.now()
    query = select(Task)
    if status is TaskState.OVERDUE:
        query = query.where(Task.status == TaskStatus.OPEN, Task.due_at < now)
    elif status is not None:
        query = query.where(Task.status == status.value)
    if subject_id is not None:
        query = query.where(Task.subject_id == subject_id)
    rows, cursor = await paged(here.session, query, Task, paging, SORTS)
    return page_of(rows, cursor, lambda row: _shown(row, now))


@router.post("/{task_id}/resolve", **allows(Permission.TASKS_WRITE))
async def resolve_task(task_id: UUID, body: Resolution, here: Here) -> TaskAnswer:
    """Say what was done: the step is planned again, or goes on waiting for its time.

    A line of a bank statement is booked, linked or dismissed in the same transaction.
    """
    now = here.parts.clock.now()
    choice = Choice(body.resident_id, body.invoice_id, body.payment_id, body.dismiss)
    task = await resolve(
        here.session, task_id, body.resolution, here.actor.name, now, choice=choice
    )
    return _shown(task, now)


def _shown(row: Task, now: datetime) -> TaskAnswer:
    answer = TaskAnswer.model_validate(row)
    late = answer.status is TaskState.OPEN and row.due_at < now
    return answer.model_copy(update={"status": TaskState.OVERDUE}) if late else answer
