"""Stripe's events, verified before, as what they say of payments and pages.

Delivered at least once and in no order; one payment makes several. The kinds that say something:
docs.stripe.com/checkout/fulfillment and docs.stripe.com/payments/payment-intents/verifying-status.
"""

from dataclasses import replace
from datetime import datetime

from domain.movement import MovementState
from providers import stripe_objects
from providers.payments import Movement, PageNews, PageState, ProviderEvent
from providers.told import Told

_SESSION = "checkout.session."
# On a page with a late bank: its no. The session itself stays `complete` and `unpaid`.
_BANK_SAID_NO = "checkout.session.async_payment_failed"
_INTENT = frozenset(
    f"payment_intent.{word}"
    for word in (
        *("succeeded", "payment_failed", "processing", "requires_action", "canceled"),
        "amount_capturable_updated",
    )
)
_CHARGE = frozenset(f"charge.{word}" for word in ("succeeded", "failed", "captured", "pending"))


def read(body: bytes) -> ProviderEvent:
    """One verified raw body; InvalidInput names what is missing in one that cannot be read."""
    event = Told.parse(body)
    kind, at = event.text("type"), event.moment("created")
    subject = event.inner("data").inner("object")
    page = _page(kind, subject)
    movement = _movement(kind, subject, at)
    return ProviderEvent(
        event_id=event.text("id"),
        kind=kind,
        at=at,
        movements=() if movement is None else (movement,),
        page=page,
        account=event.text_or_none("account"),
    )


def _page(kind: str, subject: Told) -> PageNews | None:
    """News of a page that is there to be paid on; others save a card or begin a subscription."""
    if not kind.startswith(_SESSION) or subject.text("mode") != "payment":
        return None
    state = stripe_objects.page_state(subject)
    if kind == _BANK_SAID_NO:
        state = PageState.closed
    return PageNews(subject.text("id"), state, stripe_objects.session_attempt(subject))


def _movement(kind: str, subject: Told, at: datetime) -> Movement | None:
    if kind.startswith(_SESSION):
        if subject.text("mode") != "payment":
            return None
        movement = stripe_objects.session_movement(subject, at)
        if movement is None or kind != _BANK_SAID_NO:
            return movement
        return replace(movement, state=MovementState.failed)
    if kind in _INTENT:
        return stripe_objects.intent_movement(subject, at)
    return stripe_objects.charge_movement(subject, at) if kind in _CHARGE else None
