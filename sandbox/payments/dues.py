"""What a provider does by itself once its time has come: expiry, late authorisation, refunds."""

from collections.abc import Callable, Mapping

from sandbox.clock import Clock
from sandbox.state import State

Act = Callable[[str, int], None]


class Dues:
    """Things to do at a moment of the sandbox's clock. They survive a restart.

    A jump of the clock carries out everything that fell due on the way, in order, each dated by
    its own moment.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._acts: dict[str, Act] = {}

    def know(self, acts: Mapping[str, Act]) -> None:
        """Say what is done for a name: it takes the subject's id and the moment."""
        self._acts.update(acts)

    def note(self, at: int, what: str, subject: str) -> None:
        """Have something done at a moment, in Unix seconds."""
        self._state.write(
            "INSERT INTO payment_dues (at, what, subject) VALUES (?, ?, ?)", at, what, subject
        )

    def forget(self, what: str, subject: str) -> None:
        """Have it not done after all."""
        self._state.write("DELETE FROM payment_dues WHERE what = ? AND subject = ?", what, subject)

    def settle(self) -> None:
        """Do everything whose moment has come."""
        now = int(self._clock.now().timestamp())
        while True:
            due = self._state.row(
                "SELECT * FROM payment_dues WHERE at <= ? ORDER BY at, seq LIMIT 1", now
            )
            if due is None:
                return
            with self._state.together():
                self._state.write("DELETE FROM payment_dues WHERE seq = ?", due["seq"])
                self._acts[due["what"]](due["subject"], due["at"])
