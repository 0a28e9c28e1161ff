"""Payments by Stripe: a Checkout Session for every attempt, by the vendor's SDK.

Rules of the pages: docs.stripe.com/payments/checkout, API version 2026-10-28.endive.
"""

from collections.abc import AsyncGenerator, Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import stripe

from domain import keys
from domain.errors import Refused, UnknownOutcome
from domain.money import Money
from domain.payment_attempt import PayBy
from providers import stripe_objects
from providers.payments import (
    Asked,
    Movement,
    MovementState,
    Opened,
    PageState,
    Refusal,
    Standing,
)
from providers.stripe_wire import PAGE_SIZE, PROVIDER, answered, listed, once
from providers.told import Told, reading

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams, SessionListParams

# Stripe counts half an hour to a day from the creation; the margins are for clocks that differ.
SHORTEST: Final = timedelta(minutes=40)
LONGEST: Final = timedelta(hours=23, minutes=50)
MARGIN: Final = timedelta(minutes=10)
# How often a fault saved under a key is answered with a new key.
TURNS_MAX: Final = 3
NAME_MAX: Final = 250
EXPANDED: Final = ["payment_intent.latest_charge"]


class StripeGateway:
    """One account's Checkout Sessions.

    The client holds the key, the account, and no retries.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    async def open(self, asked: Asked) -> Opened:
        """Open the page, or find the one an earlier call opened."""
        if asked.by is not PayBy.checkout:
            raise Refused(f"Stripe opens no {asked.by} page here", code=Refusal.no_such_way)
        for turn in range(1, TURNS_MAX + 1):
            opened = await self._opened(asked, keys.opening(asked.attempt_id, turn))
            if opened is not None:
                return opened
            found = await self._found(asked)
            if found is not None:
                return found.opened
        raise UnknownOutcome("Stripe repeats a fault of its own under every key")

    async def look_up(self, asked: Asked, provider_id: str | None) -> Standing | None:
        """What became of the page."""
        if provider_id is None:
            return await self._found(asked)
        return await self._standing(provider_id)

    async def close(self, asked: Asked, provider_id: str) -> Standing:
        """Expire the page; where Stripe will not, tell why by what it has become."""
        del asked
        expiring = self._v1.checkout.sessions.expire_async(provider_id, {"expand": EXPANDED})
        try:
            session = await answered(expiring, changes=True)
        except Refused:
            found = await self._standing(provider_id)
            if found is None or found.state is PageState.open:
                raise
            return found
        with reading(PROVIDER, changes=True):
            return stripe_objects.standing(session)

    async def capture(self, provider_payment_id: str, amount: Money) -> Movement:
        """Take what a card's bank reserved."""
        minor = stripe_objects.minor(amount)
        taking = self._v1.payment_intents.capture_async(
            provider_payment_id, {"amount_to_capture": minor, "expand": ["latest_charge"]}
        )
        try:
            return _movement(await answered(taking, changes=True), changes=True)
        except Refused:
            found = await self._payment(provider_payment_id)
            if found.state is not MovementState.captured:
                raise
            return found

    async def check(self) -> None:
        """Ask for one session: the very thing the key must be allowed to see."""
        await answered(self._v1.checkout.sessions.list_async({"limit": 1}), changes=False)

    async def _opened(self, asked: Asked, key: str) -> Opened | None:
        """The page under a key; None when the key was used up by something that must be found."""
        session = await once(self._created(asked, key))
        if session is None:
            return None
        with reading(PROVIDER, changes=True):
            return stripe_objects.opened(session)

    async def _created(self, asked: Asked, key: str) -> stripe.checkout.Session:
        return await self._v1.checkout.sessions.create_async(_form(asked), {"idempotency_key": key})

    async def _found(self, asked: Asked) -> Standing | None:
        """The page by our own reference; of two, the one that is done."""
        found: list[Told] = [
            session
            async for session in self._around(asked)
            if stripe_objects.session_attempt(session) == asked.attempt_id
        ]
        with reading(PROVIDER, changes=False):
            done = [one for one in found if one.text("status") == "complete"]
            return await self._standing((done or found)[0].text("id")) if found else None

    async def _around(self, asked: Asked) -> AsyncGenerator[Told]:
        """Every session that was created while this one could have been."""
        latest = max(asked.ends(SHORTEST, LONGEST), asked.asked_at + LONGEST)
        form: SessionListParams = {
            "limit": PAGE_SIZE,
            "created": {
                "gte": int((asked.asked_at - MARGIN).timestamp()),
                "lte": int((latest + MARGIN).timestamp()),
            },
        }

        def listing(after: str | None) -> Awaitable[stripe.StripeObject]:
            asking: SessionListParams = {**form, "starting_after": after} if after else form
            return self._v1.checkout.sessions.list_async(asking)

        async for session in listed(listing, "sessions of that day"):
            yield session

    async def _standing(self, provider_id: str) -> Standing | None:
        asking = self._v1.checkout.sessions.retrieve_async(provider_id, {"expand": EXPANDED})
        try:
            session = await answered(asking, changes=False)
        except Refused as refused:
            if refused.code == Refusal.no_such_page:
                return None
            raise
        with reading(PROVIDER, changes=False):
            return stripe_objects.standing(session)

    async def _payment(self, provider_payment_id: str) -> Movement:
        asking = self._v1.payment_intents.retrieve_async(
            provider_payment_id, {"expand": ["latest_charge"]}
        )
        return _movement(await answered(asking, changes=False), changes=False)


def _movement(intent: Told, *, changes: bool) -> Movement:
    with reading(PROVIDER, changes=changes):
        charge = intent.inner_or_none("latest_charge")
        movement = stripe_objects.intent_movement(intent, (charge or intent).moment("created"))
    if movement is None:
        raise Refused("nobody has paid this yet", code=Refusal.other)
    return movement


def _form(asked: Asked) -> "SessionCreateParams":
    """A page. The attempt stands on the session and on the payment made there.

    The ways to pay are a filter: of them Stripe offers those the account has switched on.
    """
    attempt = str(asked.attempt_id)
    named = {stripe_objects.ATTEMPT: attempt}
    form: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": attempt,
        "metadata": named,
        "payment_intent_data": {"metadata": named, "description": asked.description[:NAME_MAX]},
        "allowed_payment_method_types": ["card", "upi"]
        if asked.amount.currency == "INR"
        else ["card"],
        "line_items": [
            {
                "price_data": {
                    "currency": asked.amount.currency.lower(),
                    "unit_amount": stripe_objects.minor(asked.amount),
                    "product_data": {"name": asked.description[:NAME_MAX]},
                },
                "quantity": 1,
            }
        ],
        "success_url": asked.return_url,
        "cancel_url": asked.return_url,
        "expires_at": int(asked.ends(SHORTEST, LONGEST).timestamp()),
    }
    if asked.payer.email:
        form["customer_email"] = asked.payer.email
    return form
