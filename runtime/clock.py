"""Business time for those who are not inside a life: the API's commands and the relay."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is by the house's calendar."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The wall clock: business time in production is real time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class SetClock:
    """A clock that stands where the driver of a simulation or a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it was put at."""
        return self.at
