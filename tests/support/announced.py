"""What plans announced, held against what then happened: the same steps, at the same times."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select

from models.life import PlannedAction
from models.record import DomainEvent
from tests.support.house import House

# What each step of a collection leaves in the events.
TRACES = {
    "invoice.reminded": "remind",
    "late_fee.charged": "charge_late_fee",
    "daily_fee.charged": "charge_daily_fee",
    "promise.broken": "break_promise",
    "instalments.broken": "break_instalments",
    "invoice.handed_over": "hand_to_operator",
}
# A step is taken in the instant it is due; the server's clock runs on while we work.
WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was taken."""

    subject_id: UUID
    what: str
    at: datetime


@dataclass
class Announcements:
    """Remembers, at every quiet instant, what each plan says comes first."""

    house: House | None = None
    said: list[tuple[datetime, list[Done]]] = field(
        default_factory=list[tuple[datetime, list[Done]]]
    )

    async def watch(self, now: datetime) -> None:
        """Read the plans; given to the driver."""
        if self.house is None:
            return
        async with self.house.session() as session:
            rows = await session.execute(
                select(PlannedAction.subject_id, PlannedAction.what, PlannedAction.at).where(
                    PlannedAction.ordinal == 0
                )
            )
            self.said.append((now, [Done(*row) for row in rows]))

    async def done(self) -> list[Done]:
        """The steps of collections that were taken, in their order."""
        assert self.house is not None
        async with self.house.session() as session:
            rows = await session.scalars(
                select(DomainEvent)
                .where(DomainEvent.type.in_(TRACES), DomainEvent.actor.like("life:%"))
                .order_by(DomainEvent.effective_at, DomainEvent.id)
            )
            return [Done(row.subject_id, TRACES[row.type], row.effective_at) for row in rows]

    async def missed(self) -> list[Done]:
        """What was announced for the next instant and then not done at it."""
        taken = await self.done()
        due = [
            step
            for (_, steps), (later, _) in pairwise(self.said)
            for step in steps
            if step.at <= later
        ]
        assert due, "nothing was ever announced"
        return [step for step in due if not any(_is(step, done) for done in taken)]


def _is(step: Done, done: Done) -> bool:
    same = (step.subject_id, step.what) == (done.subject_id, done.what)
    return same and timedelta() <= done.at - step.at <= WITHIN
