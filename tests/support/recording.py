"""A carrier that takes every message and remembers it: the port of providers/messages.py."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import Unavailable
from domain.message_delivery import DeliveryState
from providers.messages import Channel, Outgoing, Receipt
from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Carried:
    """A message that left, and the business time at which it did."""

    outgoing: Outgoing
    at: datetime


class Recording:
    """Takes every message it is handed. The same one by the same way is the same message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.carried: list[Carried] = []
        self.away_at_first = False
        self._tried: set[tuple[UUID, Channel]] = set()

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Take it; while `away_at_first`, only the second try of each."""
        if self.away_at_first and _key(outgoing) not in self._tried:
            self._tried.add(_key(outgoing))
            raise Unavailable("the carrier is away")
        self.carried.append(Carried(outgoing, self._clock.now()))
        return _receipt(outgoing)

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """What became of it."""
        known = (_key(carried.outgoing) for carried in self.carried)
        return _receipt(outgoing) if _key(outgoing) in known else None

    async def close(self) -> None:
        """Nothing is open."""

    def to(self, address: str) -> list[Carried]:
        """What one mail address or phone was sent."""
        return [carried for carried in self.carried if carried.outgoing.to == address]

    def none_twice(self) -> bool:
        """No message left twice by the same way."""
        keys = [_key(carried.outgoing) for carried in self.carried]
        return len(keys) == len(set(keys))


def _key(outgoing: Outgoing) -> tuple[UUID, Channel]:
    return outgoing.id, outgoing.channel


def _receipt(outgoing: Outgoing) -> Receipt:
    return Receipt("recording", f"r-{outgoing.id}", DeliveryState.delivered)
