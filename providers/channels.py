"""One messenger made of several: each message goes by the carrier of its channel."""

from collections.abc import Mapping
from datetime import datetime

from domain.errors import Refused
from providers.messages import Channel, Messenger, Outgoing, Receipt


class ByChannel:
    """A messenger that asks the one of the message's channel.

    A channel without a carrier refuses its messages with code CHANNEL_NOT_SET_UP.
    """

    def __init__(self, carriers: Mapping[Channel, Messenger]) -> None:
        self._carriers = dict(carriers)

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Hand the message to its carrier."""
        return await self._carrier(outgoing.channel).send(outgoing)

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """Ask its carrier what became of it."""
        return await self._carrier(outgoing.channel).look_up(outgoing, sent_after)

    async def close(self) -> None:
        """Close every carrier."""
        for carrier in self._carriers.values():
            await carrier.close()

    def _carrier(self, channel: Channel) -> Messenger:
        carrier = self._carriers.get(channel)
        if carrier is None:
            raise Refused(f"no carrier is set up for {channel}", code="CHANNEL_NOT_SET_UP")
        return carrier
