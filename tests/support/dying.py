"""A messenger whose process dies with a call: before it, or after the carrier took the message."""

from dataclasses import dataclass
from datetime import datetime

from providers.messages import Messenger, Outgoing, Receipt


class DiedError(BaseException):
    """The process is gone: nothing after this line was done."""


@dataclass(frozen=True, slots=True)
class Dying:
    """Carries as the real one does, or not, and is gone then."""

    real: Messenger
    after_the_call: bool

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Die."""
        if self.after_the_call:
            await self.real.send(outgoing)
        raise DiedError

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """Ask."""
        return await self.real.look_up(outgoing, sent_after)

    async def close(self) -> None:
        """Hang up."""
        await self.real.close()
