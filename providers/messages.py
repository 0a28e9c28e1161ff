"""The port to everything that carries words to people, and the values that pass through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.message_delivery import DeliveryState


class Channel(StrEnum):
    """By what way a message goes."""

    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person by one way.

    `id` is the id of a committed row: the same message sent again carries the same identity.
    `to` is a mail address or a phone number in E.164. `stop_url` is given only where the reader
    may stop such messages.
    """

    id: UUID
    tenant_id: UUID
    channel: Channel
    to: str
    subject: str
    text: str
    html: str | None = None
    sender_name: str = ""
    reply_to: str | None = None
    stop_url: str | None = None
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the carrier answered. `reason` is its own code when the message failed."""

    provider: str
    provider_message_id: str
    state: DeliveryState
    reason: str | None = None


class Messenger(Protocol):
    """Carries messages of one way or several."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Hand one message over, once.

        Refused: the carrier will never take it (`code` says why, see each adapter). Unavailable:
        try again later. UnknownOutcome: it may have been taken; `look_up` before sending again.
        """
        ...

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """What became of a message whose answer never came; None: the carrier never took it.

        `sent_after` is a moment before the first try, on the carrier's clock.
        """
        ...

    async def close(self) -> None:
        """Hang up all connections; the next message opens new ones."""
        ...
