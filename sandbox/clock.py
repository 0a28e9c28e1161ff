"""The sandbox's own time: real time, moved by an offset, or standing where it was set."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.state import State

SETTING = "clock"


class Clock:
    """Tells the time every stored instant is written in. Survives a restart."""

    def __init__(self, state: State) -> None:
        self._state = state

    def now(self) -> datetime:
        """The sandbox's present moment, in UTC."""
        kept = self._kept
        if "standing" in kept:
            return datetime.fromisoformat(kept["standing"])
        return datetime.now(UTC) + timedelta(seconds=kept.get("offset", 0))

    @property
    def stands(self) -> bool:
        """Whether the clock was set and waits to be moved."""
        return "standing" in self._kept

    def stand_at(self, moment: datetime) -> None:
        """Set the clock; it stands there until it is set or advanced again."""
        self._state.remember(SETTING, {"standing": moment.astimezone(UTC).isoformat()})

    def advance(self, by: timedelta) -> None:
        """Move forward; a running clock goes on running, a standing one stands."""
        if self.stands:
            self.stand_at(self.now() + by)
        else:
            ahead = self._kept.get("offset", 0) + by.total_seconds()
            self._state.remember(SETTING, {"offset": ahead})

    def follow_real_time(self) -> None:
        """Forget every setting and run with the world again."""
        self._state.remember(SETTING, {})

    @property
    def _kept(self) -> dict[str, Any]:
        return self._state.setting(SETTING) or {}
