"""Status callbacks: signed as Twilio signs them, tried a few times, spoiled on request."""

import asyncio
import base64
import hashlib
import hmac
import http.client
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox.state import State

SETTING = "webhooks"
MISCHIEF = ("duplicate", "reorder", "drop", "tamper")
PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
PATIENCE_SECONDS = 5.0
LONGEST_SECONDS = 3600.0

log = logging.getLogger("sandbox.callbacks")


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: base64 of HMAC-SHA1 over the address and the sorted form."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Callbacks:
    """Posts callbacks and plays the tricks ordered through `POST /control/webhooks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def order(self, tricks: Mapping[str, object]) -> None:
        """Set the tricks: True means always, a number means the next so many, 0 or False none."""
        self._state.remember(SETTING, {**self.ordered(), **tricks})

    def ordered(self) -> dict[str, Any]:
        """The tricks as they stand."""
        kept: dict[str, Any] = self._state.setting(SETTING) or {}
        return {**dict.fromkeys(MISCHIEF, 0), "delay": 0.0, "provider": None, **kept}

    def plays(self, trick: str, provider: str = "twilio") -> bool:
        """Whether a trick is due now for a provider's webhooks; a counted one is used up."""
        ordered = self.ordered()
        left = ordered[trick] if ordered["provider"] in {None, provider} else 0
        if left and left is not True:
            self.order({trick: left - 1})
        return bool(left)

    def delay(self, provider: str) -> float:
        """How long a provider's webhooks wait, in seconds."""
        ordered = self.ordered()
        return float(ordered["delay"]) if ordered["provider"] in {None, provider} else 0.0

    async def post(self, url: str, token: str, form: Mapping[str, str]) -> bool:
        """Post one callback until it is answered with 2xx, at most five times.

        Answers whether it was. A dropped one counts as posted: the sender believes it was.
        """
        await asyncio.sleep(min(self.delay("twilio"), LONGEST_SECONDS))
        if self.plays("drop"):
            return True
        signed = signature(token, url, form)
        if self.plays("tamper"):
            form = {**form, "MessageStatus": "delivered", "To": "+10000000000"}
        copies = 2 if self.plays("duplicate") else 1
        return all([await self._insist(url, signed, form) for _ in range(copies)])

    async def _insist(self, url: str, signed: str, form: Mapping[str, str]) -> bool:
        for pause in PAUSES_SECONDS:
            await asyncio.sleep(pause)
            status = await asyncio.to_thread(send, url, signed, form)
            if status is not None and status // 100 == 2:  # noqa: PLR2004 the 2 of 2xx
                return True
            log.info("callback to %s answered %s", urlsplit(url).netloc, status)
        return False


def send(url: str, signed: str, form: Mapping[str, str]) -> int | None:
    """One POST; answers the status, or None when nobody answered."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "X-Twilio-Signature": signed,
        "User-Agent": "TwilioProxy/1.1",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, urlencode(form), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
