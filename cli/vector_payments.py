"""What the product answers to vectors about payment providers: signatures, notes, order of events.

Functions as in cli/vector_rules.py.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from domain import provider_signatures as signatures
from domain.movement import MovementState, furthest
from domain.provider_signatures import LinkReturned
from providers import razorpay_entities, stripe_events
from providers.payments import PageState
from sandbox.payments.refusal import Refused
from sandbox.razorpay import codes

Values = dict[str, Any]
_OF_PAYMENT = "payment."


def _stripe_signature(_: str, given: Values) -> Values:
    valid = signatures.stripe_webhook(
        given["payload"].encode(),
        given.get("header") or "",
        [given["secret"]],
        datetime.fromtimestamp(given["now"], UTC),
        given.get("tolerance", signatures.TOLERANCE_SECONDS),
    )
    return {"valid": valid}


def _webhook(given: Values) -> bool:
    body = given["body"].encode()
    return signatures.razorpay_webhook(body, given["signature"], [given["secret"]])


def _checkout(given: Values) -> bool:
    facts = (given["order_id"], given["payment_id"], given["signature"], given["secret"])
    return signatures.razorpay_checkout(*facts)


def _subscription(given: Values) -> bool:
    facts = (given["payment_id"], given["subscription_id"], given["signature"], given["secret"])
    return signatures.razorpay_subscription(*facts)


def _payment_link(given: Values) -> bool:
    names = ("payment_link_id", "reference_id", "status", "payment_id")
    returned = LinkReturned(*(given[name] for name in names))
    return signatures.razorpay_payment_link(returned, given["signature"], given["secret"])


_SIGNED: dict[str, Callable[[Values], bool]] = {
    "webhook": _webhook,
    "checkout": _checkout,
    "subscription": _subscription,
    "payment_link_callback": _payment_link,
}


def _razorpay_signature(_: str, given: Values) -> Values | None:
    """A field that is missing was not signed."""
    judge = _SIGNED.get(given["type"])
    if judge is None:
        return None
    try:
        return {"valid": judge(given)}
    except KeyError:
        return {"valid": False}


def _final_status(given: Values) -> Values | None:
    """How far one payment has come by the names of its events."""
    named = [event.removeprefix(_OF_PAYMENT) for event in given["events"] if isinstance(event, str)]
    if len(named) != len(given["events"]) or not set(named) <= set(MovementState):
        return None
    return {"final_status": furthest(MovementState(name) for name in named).value}


def _checkout_completed(given: Values) -> Values:
    """The event as Stripe would send it, read: only a page that is paid fulfils."""
    session = {
        "id": "cs_test_1",
        "mode": "payment",
        "status": "complete",
        "payment_status": given["payment_status"],
        "payment_intent": "pi_1",
        "amount_total": 100,
        "currency": "inr",
    }
    body = {"id": "evt_1", "type": given["event"], "created": 1, "data": {"object": session}}
    page = stripe_events.read(json.dumps(body).encode()).page
    paid = page is not None and page.state is PageState.paid
    return {"fulfil": paid, "wait_for": [] if paid else list(stripe_events.LATE)}


def _code_closes(given: Values) -> Values:
    """What the sandbox, in Razorpay's place, makes of the end asked for a code; in minutes."""
    minutes = given.get("close_by_minutes")
    try:
        closes = codes.closing(given["usage"], None if minutes is None else minutes * 60, 0)
    except Refused as refused:
        return {"error": json.loads(bytes(refused.response.body))["error"]["description"]}
    return {"close_by_minutes": None if closes is None else closes // 60}


def _semantics(kind: str, given: Values) -> Values | None:
    if kind == "razorpay-notes":
        return {"notes": dict(razorpay_entities.notes(given["notes"]))}
    if kind in {"razorpay-out-of-order", "razorpay-late-auth"}:
        return _final_status(given)
    if kind.startswith("stripe-checkout-completed"):
        return _checkout_completed(given)
    return _code_closes(given) if kind == "razorpay-qr-close_by" else None


RULES: dict[str, Callable[[str, Values], Values | None]] = {
    "stripe-sig": _stripe_signature,
    "razorpay-sig": _razorpay_signature,
    "semantics": _semantics,
}
