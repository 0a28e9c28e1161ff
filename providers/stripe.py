"""Payments by Stripe: a Checkout Session for every attempt, by the vendor's SDK.

Rules of the pages: docs.stripe.com/payments/checkout, API version 2026-10-28.endive.
"""

from functools import partial
from typing import TYPE_CHECKING, Final

import stripe

from domain import keys
from domain.errors import Refused
from domain.money import Money
from domain.payment_attempt import PayBy
from providers import stripe_objects
from providers.payments import (
    Asked,
    Movement,
    MovementState,
    Opened,
    Refusal,
    Standing,
)
from providers.stripe_sessions import LONGEST, SHORTEST, Sessions
from providers.stripe_wire import PROVIDER, answered
from providers.told import Told, reading

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

NAME_MAX: Final = 250
EXPANDED: Final = ["payment_intent.latest_charge"]


class StripeGateway:
    """One account's Checkout Sessions.

    The client holds the key, the account, and no retries.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1
        self._sessions = Sessions(client, EXPANDED)

    async def open(self, asked: Asked) -> Opened:
        """Open the page, or find the one an earlier call opened."""
        if asked.by is not PayBy.checkout:
            raise Refused(f"Stripe opens no {asked.by} page here", code=Refusal.no_such_way)
        session = await self._sessions.open(
            asked, _form(asked), partial(keys.opening, asked.attempt_id), partial(_is_ours, asked)
        )
        with reading(PROVIDER, changes=True):
            return stripe_objects.opened(session)

    async def look_up(self, asked: Asked, provider_id: str | None) -> Standing | None:
        """What became of the page."""
        if provider_id is None:
            session = await self._sessions.found(asked, partial(_is_ours, asked))
        else:
            session = await self._sessions.read(provider_id)
        with reading(PROVIDER, changes=False):
            return None if session is None else stripe_objects.standing(session)

    async def close(self, asked: Asked, provider_id: str) -> Standing:
        """Expire the page; where Stripe will not, tell why by what it has become."""
        del asked
        session = await self._sessions.close(provider_id)
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

    async def _payment(self, provider_payment_id: str) -> Movement:
        asking = self._v1.payment_intents.retrieve_async(
            provider_payment_id, {"expand": ["latest_charge"]}
        )
        return _movement(await answered(asking, changes=False), changes=False)


def _is_ours(asked: Asked, session: Told) -> bool:
    return stripe_objects.session_attempt(session) == asked.attempt_id


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
