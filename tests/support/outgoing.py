"""Messages ready to go out, for the tests of those who carry them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from providers.messages import Channel, Outgoing

ACCOUNT = "AC" + "a" * 32

Order = Callable[..., Awaitable[None]]
Inbox = Callable[[], Awaitable[list[dict[str, Any]]]]


def letter(number: int = 1, **changed: object) -> Outgoing:
    facts: dict[str, object] = {
        "id": UUID(int=number),
        "tenant_id": UUID(int=99),
        "channel": Channel.EMAIL,
        "to": "asha@mail.example",
        "subject": "₹9,500.00 is due on 5 October 2026",
        "text": "नमस्ते Asha,\nRs. 9,500.00 is due.\n",
        "html": "<p>₹9,500.00 is due.</p>",
        "sender_name": "Sunrise PG",
        "reply_to": "desk@sunrise.example",
    }
    return Outgoing(**{**facts, **changed})  # pyright: ignore[reportArgumentType]


def text(number: int = 1, **changed: object) -> Outgoing:
    facts: dict[str, object] = {
        "channel": Channel.SMS,
        "to": "+919876543210",
        "subject": "",
        "text": "Sunrise PG: Rs. 9,500.00 is due on 5 Oct 2026. http://127.0.0.1/pay/tok",
        "html": None,
    }
    return letter(number, **{**facts, **changed})
