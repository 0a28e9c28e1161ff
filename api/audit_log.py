"""Who changed what, when, from where and for what: the evidence, as the owner may read it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.body import Answer, Words
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.audit_query import Narrowed, changes
from models.record import AuditRow

router = APIRouter(prefix="/audit-logs", tags=["audit"], route_class=TenantRoute)
READ = allows(Permission.AUDIT_READ)


class ChangeAnswer(Answer):
    """One row that was inserted, updated or deleted. `before` and `after` leave secrets out.

    `actor` is `key:<id>`, `user:<id>`, `life:<its Temporal id>`, `provider:<name>` or
    `platform:<reason>`. `ip` and `agent` are those of the request; `why` is its method and route,
    or the step of the life.
    """

    id: UUID
    at: datetime
    actor: str
    why: str | None
    request_id: str | None
    ip: str | None
    agent: str | None
    table_name: str
    operation: str
    row_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@router.get("", **READ)
async def list_changes(
    here: Here,
    paging: Paging,
    *,
    table_name: Annotated[Words | None, Query(alias="tableName")] = None,
    row_id: Annotated[UUID | None, Query(alias="rowId")] = None,
    actor: Annotated[Words | None, Query()] = None,
    request_id: Annotated[Words | None, Query(alias="requestId")] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> Page[ChangeAnswer]:
    """Changes, the newest first. `since` and `until` (left out) are instants with their zone."""
    wanted = Narrowed(
        table_name=table_name,
        row_id=row_id,
        actor=actor,
        request_id=request_id,
        since=since,
        until=until,
    )
    sorts = {"createdAt": AuditRow.id}
    rows, cursor = await paged(here.session, changes(wanted), AuditRow, paging, sorts)
    return page_of(rows, cursor, _shown)


def _shown(row: AuditRow) -> ChangeAnswer:
    return ChangeAnswer(
        id=row.id,
        at=row.recorded_at,
        actor=row.actor,
        why=row.why,
        request_id=row.request_id,
        ip=row.ip,
        agent=row.agent,
        table_name=row.table_name,
        operation=row.operation,
        row_id=row.row_id,
        before=row.before,
        after=row.after,
    )
