"""The Stripe SDK's door to the network, and its errors as ours."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import httpx2
import stripe

from domain.errors import InnkeeperError, Refused, Unavailable, UnknownOutcome
from providers.payments import Refusal
from providers.told import Told, reading
from providers.wire import Wire, lost, patience, spoken, unreadable

# One account's request ids would ride on the next account's requests.
stripe.enable_telemetry = False

PROVIDER = "Stripe"
StripeClient = stripe.StripeClient
BAD_REQUEST, OWN_FAULT = 400, 500
PAGE_SIZE, PAGES_MAX = 100, 100
Listing = Callable[[str | None], Awaitable[stripe.StripeObject]]
# All the SDK may raise, and what our own door raises through it.
TROUBLE = (stripe.StripeError, httpx2.TransportError)

# Stripe's codes and parameters that say why; any other 4xx is Refusal.other.
_CODES = {
    "amount_too_small": Refusal.amount,
    "amount_too_large": Refusal.amount,
    "invalid_charge_amount": Refusal.amount,
    "charge_exceeds_source_limit": Refusal.amount,
    "resource_missing": Refusal.no_such_page,
    "account_invalid": Refusal.credentials,
    "platform_api_key_expired": Refusal.credentials,
}
_PARAMETERS = {
    "expires_at": Refusal.too_late,
    "allowed_payment_method_types": Refusal.no_such_way,
    "currency": Refusal.currency,
    "unit_amount": Refusal.amount,
}


class Door(stripe.HTTPClient):
    """Carries the SDK's requests over connections of ours: httpx2, one time-out, no retry."""

    name = "httpx2"

    def __init__(self, wire: Wire) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._wire = wire

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Carry out one request of the SDK."""
        answer = await self._wire.request(method, url, headers=headers, content=post_data)
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """Hang up."""
        await self._wire.close()


def client(wire: Wire, url: str, key: str, account: str | None) -> StripeClient:
    """The SDK for one account; `account` is one that is connected to the key's platform."""
    return stripe.StripeClient(
        key,
        stripe_account=account,
        base_addresses={"api": url, "files": url, "connect": url, "meter_events": url},
        max_network_retries=0,
        http_client=Door(wire),
    )


async def answered(asking: Awaitable[stripe.StripeObject], *, changes: bool) -> Told:
    """What the SDK answers, as plain facts; its errors as ours."""
    try:
        return Told((await asking).to_dict())
    except TROUBLE as error:
        raise trouble(error, changes=changes) from error


async def once(making: Awaitable[stripe.StripeObject]) -> Told | None:
    """What is made under a key; None when the key was used up by something that must be found."""
    try:
        return Told((await making).to_dict())
    except stripe.IdempotencyError as used:
        if used.http_status != BAD_REQUEST:
            raise trouble(used, changes=True) from used
        return None
    except TROUBLE as error:
        if isinstance(error, stripe.StripeError) and is_saved_fault(error):
            return None
        raise trouble(error, changes=True) from error


async def listed(listing: Listing, what: str) -> AsyncGenerator[Told]:
    """Everything of a list, the newest first; `listing` asks for what comes after an id."""
    after = None
    for _ in range(PAGES_MAX):
        page = await answered(listing(after), changes=False)
        with reading(PROVIDER, changes=False):
            found = page.many("data")
        for one in found:
            yield one
        if not page.flag("has_more") or not found:
            return
        after = found[-1].text("id")
    raise UnknownOutcome(f"Stripe has more {what} than can be looked through")


def trouble(error: Exception, *, changes: bool) -> InnkeeperError:
    """The SDK's error as ours. `changes`: the request would have changed something."""
    if not isinstance(error, stripe.StripeError):
        return lost(PROVIDER, error, changes=changes)
    detail = _detail(error)
    if isinstance(error, stripe.RateLimitError):
        return Unavailable(detail, retry_after_seconds=patience(error.headers or {}))
    refusal = _refusal(error)
    if refusal is None:
        return unreadable(detail, changes=changes)
    if isinstance(error, stripe.AuthenticationError):
        detail = "Stripe does not know this key"  # its own words would show part of one
    return Refused(detail, code=refusal)


def _refusal(error: stripe.StripeError) -> Refusal | None:
    match error:
        case stripe.AuthenticationError():
            return Refusal.credentials
        case stripe.PermissionError():
            return _CODES.get(error.code or "", Refusal.not_permitted)
        case stripe.CardError():
            return Refusal.declined
        case stripe.InvalidRequestError():
            return _why(error)
        case _:
            return None


def is_saved_fault(error: stripe.StripeError) -> bool:
    """Whether Stripe repeats a fault of its own that it saved under the key.

    It does so for a day, so the key is used up: docs.stripe.com/api/idempotent_requests.
    """
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    return replayed and (error.http_status or 0) >= OWN_FAULT


def _why(error: stripe.InvalidRequestError) -> Refusal:
    named = _CODES.get(error.code or "")
    parameter: object = error.param  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    for word, refusal in _PARAMETERS.items():
        if named is None and word in str(parameter):
            named = refusal
    return named or Refusal.other


def _detail(error: stripe.StripeError) -> str:
    """What a person needs to find it again at Stripe."""
    told = [f"Stripe answered {error.http_status}"]
    if error.code:
        told.append(f"code {error.code}")
    if error.request_id:
        told.append(f"request {error.request_id}")
    words = spoken(error.error.message if error.error else None)
    return ", ".join(told) + (f": {words}" if words else "")
