"""What a life does next: when, what, why, and who may change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NextAction:
    """One entry of a plan; `what` names a step, `why` is one plain sentence."""

    at: datetime
    what: str
    why: str
    changeable_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a life needs to wait rightly: its stage and, if there is one, its first action."""

    stage: str
    step: str | None
    at: datetime | None
    why: str
    property_id: UUID | None = None


def outlook(stage: str, plan: Sequence[NextAction], property_id: UUID | None = None) -> Outlook:
    """The first action of an ordered plan; without one, no step."""
    if not plan:
        return Outlook(stage, None, None, "nothing is left to do", property_id)
    first = plan[0]
    return Outlook(stage, first.what, first.at, first.why, property_id)
