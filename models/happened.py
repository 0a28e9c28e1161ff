"""An event as those who follow the events read it: what happened, in its place among all."""

from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

Subject: TypeAlias = tuple[UUID, UUID]


class Happened(NamedTuple):
    """One event at its position. What it says never changes."""

    position: int
    tenant_id: UUID
    id: UUID
    type: str
    subject_kind: str
    subject_id: UUID
    data: dict[str, Any]
    effective_at: datetime

    @property
    def subject(self) -> Subject:
        """What it is about; events of one subject are taken in their order."""
        return self.tenant_id, self.subject_id
