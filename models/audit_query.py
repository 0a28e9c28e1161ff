"""The audit as it is read: narrowed to a row, a table, somebody, a request, a time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from models.record import AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What is looked for; None: whatever it is. `until` is the first instant left out."""

    table_name: str | None = None
    row_id: UUID | None = None
    actor: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def changes(wanted: Narrowed) -> Select[AuditRow]:
    """The changes looked for, in no order."""
    query = select(AuditRow)
    for column, value in (
        (AuditRow.table_name, wanted.table_name),
        (AuditRow.row_id, wanted.row_id),
        (AuditRow.actor, wanted.actor),
        (AuditRow.request_id, wanted.request_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditRow.id >= first_id_at(wanted.since))
    if wanted.until is not None:
        query = query.where(AuditRow.id < first_id_at(wanted.until))
    return query


def first_id_at(at: datetime) -> UUID:
    """The smallest id the database makes at that instant, to the millisecond (RFC 9562, UUIDv7)."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=(milliseconds << 80) | (7 << 76))
