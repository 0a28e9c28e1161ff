"""Plans as rows, the lives that wait for them, and the wake-ups between the two.

Whoever writes a plan has locked the subject's row first and read the facts after that, so two
writers never interleave. A plan is replaced whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused
from domain.next_action import NextAction, Outlook, outlook
from models.bulk import Row, insert_all
from models.database import tenant_of
from models.life import LifeRow, PlannedAction, SubjectKind, Wake

NORMAL, LOW = 3, 5


@dataclass(frozen=True, slots=True)
class Planned:
    """A subject's plan at an instant: who it is about, where it stands, what comes next."""

    kind: SubjectKind
    subject_id: UUID
    workflow_id: str
    property_id: UUID | None
    stage: str
    actions: Sequence[NextAction]

    @property
    def outlook(self) -> Outlook:
        """The first action of the plan, as a life wants to know it."""
        return outlook(self.stage, self.actions, self.property_id)


async def write_plan(session: AsyncSession, planned: Planned) -> None:
    """Replace the subject's plan; its row is locked by the caller. The same plan is left alone."""
    await _write_all(session, [planned])


async def _write_all(session: AsyncSession, plans: Sequence[Planned]) -> None:
    ids = [planned.subject_id for planned in plans]
    found = await session.execute(
        select(*(getattr(PlannedAction, name) for name in _COLUMNS))
        .where(PlannedAction.subject_id.in_(ids))
        .order_by(PlannedAction.subject_id, PlannedAction.ordinal)
    )
    standing: dict[UUID, list[dict[str, object]]] = {}
    for row in found.mappings():
        standing.setdefault(row["subject_id"], []).append(dict(row))
    rows = {planned.subject_id: _rows(planned) for planned in plans}
    other = [subject for subject in rows if standing.get(subject, []) != rows[subject]]
    if gone := [subject for subject in other if subject in standing]:
        await session.execute(delete(PlannedAction).where(PlannedAction.subject_id.in_(gone)))
    await insert_all(session, PlannedAction, [row for subject in other for row in rows[subject]])


_COLUMNS = (
    "subject_kind",
    "subject_id",
    "property_id",
    "ordinal",
    "at",
    "what",
    "why",
    "changeable_by",
)


def _rows(planned: Planned) -> list[dict[str, object]]:
    return [
        {
            "subject_kind": planned.kind,
            "subject_id": planned.subject_id,
            "property_id": planned.property_id,
            "ordinal": ordinal,
            "at": action.at,
            "what": action.what,
            "why": action.why,
            "changeable_by": list(action.changeable_by),
        }
        for ordinal, action in enumerate(planned.actions)
    ]


async def looked(session: AsyncSession, planned: Planned, at: datetime, store_id: str) -> None:
    """Note, from inside the life, the plan and until when it will wait; nothing left: it ends."""
    if not planned.actions:
        await forget(session, planned.subject_id)
        return
    await write_plan(session, planned)
    seen = {
        "workflow_id": planned.workflow_id,
        "stage": planned.stage,
        "awaits_at": planned.actions[0].at,
        "looked_at": at,
        "store_id": store_id,
    }
    row = {
        "tenant_id": tenant_of(session),
        "subject_kind": planned.kind,
        "subject_id": planned.subject_id,
        **seen,
    }
    await session.execute(
        upsert(LifeRow)
        .values(row)
        .on_conflict_do_update(index_elements=["tenant_id", "subject_id"], set_=seen)
    )


async def forget(session: AsyncSession, subject_id: UUID) -> None:
    """The life ends: nothing is planned for the subject and nobody waits for it."""
    await session.execute(delete(PlannedAction).where(PlannedAction.subject_id == subject_id))
    await session.execute(delete(LifeRow).where(LifeRow.subject_id == subject_id))


async def changed(session: AsyncSession, planned: Planned) -> None:
    """Write the plan after facts changed, from outside the life, and wake it when that matters.

    It matters when the first action is earlier than the life waits for, when there is no life,
    or (with low priority) when nothing is left and a life still waits.
    """
    await change_all(session, [planned])


async def change_all(session: AsyncSession, plans: Sequence[Planned]) -> None:
    """The same for many subjects, each once."""
    await _write_all(session, plans)
    ids = [planned.subject_id for planned in plans]
    found = await session.execute(
        select(LifeRow.subject_id, LifeRow.awaits_at).where(LifeRow.subject_id.in_(ids))
    )
    lives: dict[UUID, datetime | None] = dict(found.all())
    rows: list[Row] = []
    for planned in plans:
        waits = planned.subject_id in lives
        until = lives.get(planned.subject_id)
        if planned.actions:
            if until is None or until > planned.actions[0].at:
                rows.append(_wake_of(planned, NORMAL))
        elif waits:
            rows.append(_wake_of(planned, LOW))
    await insert_all(session, Wake, rows)


async def wake(
    session: AsyncSession,
    kind: SubjectKind,
    subject_id: UUID,
    workflow_id: str,
    priority: int = NORMAL,
) -> None:
    """Ask the relay to wake (or start) the life of this subject after commit."""
    row = {"subject_kind": kind, "subject_id": subject_id, "workflow_id": workflow_id}
    await insert_all(session, Wake, [row | {"priority": priority}])


def _wake_of(planned: Planned, priority: int) -> Row:
    return {
        "subject_kind": planned.kind,
        "subject_id": planned.subject_id,
        "workflow_id": planned.workflow_id,
        "priority": priority,
    }


def still_first(planned: Planned, what: str, at: datetime) -> bool:
    """The step is the plan's first action and due: only then may it act."""
    return bool(planned.actions) and planned.actions[0].what == what and planned.actions[0].at <= at


def must_have_moved(before: Planned, after: Planned) -> None:
    """A step that leaves the same thing due again would run hot for ever: refuse it instead."""
    was, now = before.outlook, after.outlook
    if (was.step, was.at) == (now.step, now.at):
        raise Refused(f"{was.step} left itself due again", code="STEP_DID_NOT_MOVE")
