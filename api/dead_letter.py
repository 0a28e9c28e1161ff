"""What could not be done with what somebody told us: it waits here for a person."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select

from api.body import Answer
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.payment_account import Provider
from models import event, provider_event
from models.gateway_log import PROVIDER_EVENT, GatewayLog, LogStatus

router = APIRouter(prefix="/dead-letters", tags=["events"], route_class=TenantRoute)
READ, WRITE = allows(Permission.SETTINGS_READ), allows(Permission.SETTINGS_WRITE)


class DeadLetter(Answer):
    """An event of a provider that could not be settled, and why."""

    id: UUID
    kind: str
    provider: Provider
    event_id: str
    account_id: UUID
    status: LogStatus
    tries: int
    problem: str | None
    happened_at: datetime
    received_at: datetime


@router.get("", **READ)
async def list_dead_letters(here: Here, paging: Paging) -> Page[DeadLetter]:
    """What waits for a person, the newest first."""
    query = select(GatewayLog).where(GatewayLog.status == LogStatus.FAILED)
    rows, cursor = await paged(here.session, query, GatewayLog, paging)
    return page_of(rows, cursor, _shown)


@router.post("/{letter_id}/replay", status_code=202, **WRITE)
async def replay(letter_id: UUID, here: Here) -> DeadLetter:
    """Try it again from the start, now. 409 for one that is not dead."""
    row = await provider_event.replay(here.session, letter_id)
    now = here.parts.clock.now()
    await event.record(here.session, "provider_event.replayed", PROVIDER_EVENT, row.id, now)
    return _shown(row)


def _shown(row: GatewayLog) -> DeadLetter:
    same = set(DeadLetter.model_fields) & set(GatewayLog.__table__.c.keys())
    return DeadLetter(
        **{name: getattr(row, name) for name in same},
        happened_at=row.effective_at,
        received_at=row.recorded_at,
    )
