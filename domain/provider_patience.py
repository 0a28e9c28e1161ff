"""How long a provider is waited for: after "not now", after a lost answer, after a page's end."""

from datetime import datetime, timedelta
from typing import Final, Protocol

# After a clear "not now": somebody waits for a page, so soon at first.
TRY_AGAIN: Final = (
    timedelta(seconds=2),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
)
# After an answer that was lost; then a person looks.
LOOK_UP_AFTER: Final = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
# A provider's clock and its last event may be behind ours.
GRACE: Final = timedelta(minutes=10)


class Tried(Protocol):
    """What was put off `tries` times, the last time at `tried_at`."""

    @property
    def tries(self) -> int:
        """How often it was put off."""
        ...

    @property
    def tried_at(self) -> datetime | None:
        """When it was put off last."""
        ...


def again(of: Tried, first: datetime) -> datetime:
    """When a step is due that was put off: later each time, then every 5 minutes."""
    if of.tries == 0 or of.tried_at is None:
        return first
    return max(first, of.tried_at + TRY_AGAIN[min(of.tries, len(TRY_AGAIN)) - 1])


def look_up_at(unknown_since: datetime, look_ups: int) -> datetime:
    """When an answer that was lost is asked after next."""
    return unknown_since + LOOK_UP_AFTER[min(look_ups, len(LOOK_UP_AFTER) - 1)]


def handed_over(unknown_since: datetime | None, look_ups: int) -> bool:
    """Every look-up found nobody to answer: a person has to find out."""
    return unknown_since is not None and look_ups >= len(LOOK_UP_AFTER)
