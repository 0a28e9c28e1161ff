"""What could not be done with what somebody told us, or with what happened: it waits here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from api.body import Answer
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.payment_account import Provider
from models import dead_letter, event
from models.dead_letter import Letter, Origin
from models.gateway_log import PROVIDER_EVENT, LogStatus

router = APIRouter(prefix="/dead-letters", tags=["events"], route_class=TenantRoute)
READ, WRITE = allows(Permission.SETTINGS_READ), allows(Permission.SETTINGS_WRITE)
EVENT = "event"


class DeadLetter(Answer):
    """An event that nothing could be made of, and why.

    Of origin `provider`: a provider told it and it could not be settled; `provider` and `accountId`
    say who. Of origin `house`: it happened here and `consumer`, who follows the events, could not
    take it; `eventId` is then its id in the list of events.
    """

    id: UUID
    origin: Origin
    kind: str
    event_id: str
    provider: Provider | None
    account_id: UUID | None
    consumer: str | None
    status: LogStatus
    tries: int
    problem: str | None
    happened_at: datetime
    received_at: datetime


@router.get("", **READ)
async def list_dead_letters(here: Here, paging: Paging) -> Page[DeadLetter]:
    """What waits for a person, the newest first."""
    query = select(Letter).where(Letter.status == LogStatus.FAILED)
    rows, cursor = await paged(here.session, query, Letter, paging)
    return page_of(rows, cursor, _shown)


@router.post("/{letter_id}/replay", status_code=202, **WRITE)
async def replay(letter_id: UUID, here: Here) -> DeadLetter:
    """Try it again from the start, now. 409 for one that is not dead."""
    letter = await dead_letter.replay(here.session, letter_id)
    now = here.parts.clock.now()
    if letter.origin == Origin.PROVIDER:
        await event.record(here.session, "provider_event.replayed", PROVIDER_EVENT, letter.id, now)
    else:
        said: dict[str, Any] = {"consumer": letter.consumer}
        about = UUID(letter.event_id)
        await event.record(here.session, "event.replayed", EVENT, about, now, **said)
    return _shown(letter)


def _shown(row: Letter) -> DeadLetter:
    same = set(DeadLetter.model_fields) - {"happened_at", "received_at"}
    return DeadLetter(
        **{name: getattr(row, name) for name in same},
        happened_at=row.effective_at,
        received_at=row.recorded_at,
    )
