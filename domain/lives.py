"""Who a life is about, and what it is told when it looks: ids and an instant, nothing else."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Subject:
    """The row a life is about. Ids only: texts and names stay in the rows."""

    tenant_id: UUID
    id: UUID
    workflow_id: str


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a subject at a business instant."""

    subject: Subject
    at: datetime
