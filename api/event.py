"""What happened in the house, in the order of its positions: for programs that follow it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic.alias_generators import to_camel

from api.body import Answer, Words
from api.page import BIGGEST_INTEGER, Page
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.event_query import after as events_after
from models.happened import Happened

router = APIRouter(prefix="/events", tags=["events"], route_class=TenantRoute)
READ = allows(Permission.EVENTS_READ)


class EventAnswer(Answer):
    """One thing that happened. `position` only grows; between two of yours lie those of others.

    `data` holds ids, numbers and amounts in minor units of its `currency`, never personal data.
    """

    position: int
    id: UUID
    type: str
    subject_kind: str
    subject_id: UUID
    data: dict[str, Any]
    happened_at: datetime


@router.get("", **READ)
async def list_events(
    here: Here,
    *,
    after: Annotated[int, Query(ge=0, le=BIGGEST_INTEGER)] = 0,
    of_type: Annotated[Words | None, Query(alias="type")] = None,
    subject_id: Annotated[UUID | None, Query(alias="subjectId")] = None,
    cursor: Annotated[int | None, Query(ge=0, le=BIGGEST_INTEGER)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[EventAnswer]:
    """Events after a position, the oldest first; nothing ever appears before one already shown.

    Ask again with `after` the last position you saw. `nextCursor` is that position while more is
    there already, and null when you have seen all there was. An event is here a moment after it
    happened.
    """
    place = after if cursor is None else cursor
    found = await events_after(
        here.session, place, limit + 1, of_type=of_type, subject_id=subject_id
    )
    shown = [_shown(one) for one in found[:limit]]
    more = len(found) > limit
    return Page(items=shown, next_cursor=str(shown[-1].position) if more else None)


def _shown(happened: Happened) -> EventAnswer:
    return EventAnswer(
        position=happened.position,
        id=happened.id,
        type=happened.type,
        subject_kind=happened.subject_kind,
        subject_id=happened.subject_id,
        data={to_camel(name): value for name, value in happened.data.items()},
        happened_at=happened.effective_at,
    )
