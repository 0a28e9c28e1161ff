"""Text messages by Twilio's SDK: one try a call, answers turned into our states and errors."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from domain.errors import InnkeeperError, Refused, Unavailable, UnknownOutcome
from domain.message_delivery import DeliveryState
from providers.messages import Outgoing, Receipt

PROVIDER = "twilio"
HOME = "https://api.twilio.com"
BODY_MAX = 1600
# How many of a recipient's latest messages are compared when an answer never came.
LOOK_BACK_MAX = 50
GRAIN = timedelta(seconds=1)  # Twilio dates messages to the second
BUSY_SECONDS = 5
SET_UP_SECONDS = 300
UNAUTHORISED, TOO_MANY, OWN_FAULT = 401, 429, 500

# Its log would write recipients and texts.
SILENT = logging.getLogger("providers.twilio.sdk")
SILENT.disabled = True

# Twilio's codes that stay a no, by what they mean to us; any other 4xx is MESSAGE_REFUSED.
REFUSALS = {
    21211: "INVALID_RECIPIENT",
    21604: "INVALID_RECIPIENT",
    21614: "INVALID_RECIPIENT",
    21635: "INVALID_RECIPIENT",
    21612: "RECIPIENT_UNREACHABLE",
    30004: "RECIPIENT_UNREACHABLE",
    30005: "RECIPIENT_UNREACHABLE",
    30006: "RECIPIENT_UNREACHABLE",
    63024: "INVALID_RECIPIENT",
    21610: "OPTED_OUT",
    21408: "REGION_NOT_ENABLED",
    21603: "SENDER_REFUSED",
    21212: "SENDER_REFUSED",
    21606: "SENDER_REFUSED",
    21617: "MESSAGE_TOO_LONG",
    30007: "CONTENT_REFUSED",
}
# Codes that pass: a busy queue, a phone switched off, an unknown fault of the network.
TEMPORARY = frozenset({20429, 30001, 30003, 30008})
# All the SDK may raise; ValueError stands for an answer that is not JSON.
TROUBLE = (TwilioException, aiohttp.ClientError, OSError, TimeoutError, ValueError)
STATES = {
    "sent": DeliveryState.sent,
    "partially_delivered": DeliveryState.sent,
    "delivered": DeliveryState.delivered,
    "read": DeliveryState.read,
    "undelivered": DeliveryState.failed,
    "failed": DeliveryState.failed,
    "canceled": DeliveryState.cancelled,
}


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """One Twilio account. `sender` is a number, an alphanumeric name or a service (MG…).

    `base_url` stands in for https://api.twilio.com; `status_callback` is our public address.
    """

    account_sid: str
    auth_token: str
    sender: str
    base_url: str = HOME
    status_callback: str | None = None
    timeout_seconds: float = 15.0


class Wire(AsyncTwilioHttpClient):
    """The SDK's HTTP client, with a time-out, no retries, no log and another address."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        super().__init__(timeout=timeout_seconds, logger=SILENT)  # pyright: ignore[reportUnknownMemberType]
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    async def request(  # noqa: PLR0917 the SDK's own signature
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 the same
        allow_redirects: bool = False,
    ) -> Response:
        """Carry out one request of the SDK against our address."""
        headers = dict(headers or {})
        if auth is not None:
            # Written here: the SDK's way of passing it on is deprecated by its HTTP library.
            headers["Authorization"] = aiohttp.encode_basic_auth(*auth)
        return await super().request(
            method,
            self._base_url + url.removeprefix(HOME),
            params,
            data,
            headers,
            None,
            timeout or self._timeout_seconds,
            allow_redirects,
        )


class TwilioMessenger:
    """Sends text messages.

    Refused codes: those of REFUSALS, else MESSAGE_REFUSED. Too many requests, refused credentials
    and an unreachable server are Unavailable. A time-out, a lost connection or a 5xx after the
    message went out is UnknownOutcome: Twilio has no idempotency key, so look it up first.
    """

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Have Twilio take one message."""
        if len(outgoing.text) > BODY_MAX:
            raise Refused(f"a text has at most {BODY_MAX} characters", code="MESSAGE_TOO_LONG")
        settings = self._settings
        options: dict[str, Any] = (
            {"messaging_service_sid": settings.sender}
            if settings.sender.startswith("MG")
            else {"from_": settings.sender}
        )
        if settings.status_callback:
            options["status_callback"] = settings.status_callback
        try:
            taken = await self._sdk().messages.create_async(
                to=outgoing.to, body=outgoing.text, **options
            )
        except TROUBLE as error:
            raise _trouble(error, asked_only=False) from error
        return _receipt(taken)

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """Find the message among the recipient's latest by its text and the time it was made.

        Twilio's filter by day sent would miss a message that is still queued, so the time is
        compared here.
        """
        try:
            latest = await self._sdk().messages.list_async(to=outgoing.to, limit=LOOK_BACK_MAX)
        except TROUBLE as error:
            raise _trouble(error, asked_only=True) from error
        for message in latest:
            made = message.date_created
            if made is None or message.body != outgoing.text:
                continue
            aware = made if made.tzinfo else made.replace(tzinfo=UTC)
            if aware >= sent_after - GRAIN:
                return _receipt(message)
        return None

    async def close(self) -> None:
        """Close the HTTP session."""
        if self._client is not None:
            wire = self._client.http_client
            self._client = None
            if isinstance(wire, Wire):
                await wire.close()

    def _sdk(self) -> Client:
        """The SDK's client; made on first use, because its session belongs to a running loop."""
        if self._client is None:
            settings = self._settings
            wire = Wire(settings.base_url, settings.timeout_seconds)
            self._client = Client(settings.account_sid, settings.auth_token, http_client=wire)
        return self._client


def _receipt(message: MessageInstance) -> Receipt:
    if not message.sid:
        raise UnknownOutcome("Twilio's answer names no message")
    return Receipt(
        PROVIDER,
        message.sid,
        STATES.get(str(message.status), DeliveryState.processing),
        None if message.error_code is None else str(message.error_code),
    )


def _trouble(error: Exception, *, asked_only: bool) -> InnkeeperError:
    """The SDK's error as ours. `asked_only`: nothing could have been changed by the request."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        return _answered(error.status, error.code or 0, asked_only=asked_only)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unavailable("Twilio cannot be reached")
    detail = "Twilio gave no answer that could be read"
    return Unavailable(detail) if asked_only else UnknownOutcome(detail)


def _answered(status: int, code: int, *, asked_only: bool) -> InnkeeperError:
    detail = f"Twilio answered {status}, code {code}"
    if status == TOO_MANY or code in TEMPORARY:
        return Unavailable(detail, retry_after_seconds=BUSY_SECONDS)
    if status == UNAUTHORISED:
        return Unavailable(detail, retry_after_seconds=SET_UP_SECONDS)
    if status >= OWN_FAULT:
        return Unavailable(detail) if asked_only else UnknownOutcome(detail)
    return Refused(detail, code=REFUSALS.get(code, "MESSAGE_REFUSED"))
