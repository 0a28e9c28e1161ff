"""Stripe's events, verified before, as what they say of payments and pages.

Delivered at least once and in no order; one payment makes several. The kinds that say something:
docs.stripe.com/checkout/fulfillment and docs.stripe.com/payments/payment-intents/verifying-status.
"""

from dataclasses import replace
from datetime import datetime

from domain.movement import MovementState
from providers import stripe_objects
from providers.payments import MethodNews, Movement, PageNews, PageState, ProviderEvent
from providers.told import Told

_SESSION = "checkout.session."
# What settles a page that ended `complete` and `unpaid`: its bank took its time.
LATE = ("checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed")
_BANK_SAID_NO = LATE[1]
_INTENT = frozenset(
    f"payment_intent.{word}"
    for word in (
        *("succeeded", "payment_failed", "processing", "requires_action", "canceled"),
        "amount_capturable_updated",
    )
)
_CARD = frozenset(
    f"payment_method.{word}" for word in ("detached", "updated", "automatically_updated")
)
_CHARGE = frozenset(f"charge.{word}" for word in ("succeeded", "failed", "captured", "pending"))


def read(body: bytes) -> ProviderEvent:
    """One verified raw body; InvalidInput names what is missing in one that cannot be read."""
    event = Told.parse(body)
    event_id, kind, at = event.text("id"), event.text("type"), event.moment("created")
    account = event.text_or_none("account")
    if not kind.startswith(_SESSION) and kind not in _INTENT | _CHARGE | _CARD:
        return ProviderEvent(event_id, kind, at, account=account)
    subject = event.inner("data").inner("object")
    if (method := _method(kind, subject)) is not None:
        return ProviderEvent(event_id, kind, at, account=account, method=method)
    movement = _movement(kind, subject, at)
    movements = () if movement is None else (movement,)
    return ProviderEvent(event_id, kind, at, movements, _page(kind, subject), account)


def _method(kind: str, subject: Told) -> MethodNews | None:
    """News of a card, or of a page that is there to leave one on."""
    if kind in _CARD:
        return MethodNews(subject.text("id"))
    if kind.startswith(_SESSION) and subject.text("mode") == "setup":
        named = stripe_objects.attempt_of(subject.text_or_none("client_reference_id"))
        return MethodNews(subject.text("id"), named)
    return None


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
    return stripe_objects.charge_movement(subject, at)
