"""Whether a webhook, or what a browser brings back, was signed by the payment provider.

Rules: stripe.com/docs/webhooks (scheme v1 over "t.body", five minutes) and
razorpay.com/docs/webhooks (over the body, no time in it: only the event's id tells a replay).
Secrets are several while one is being replaced: events signed before still carry the old one.
All compares take the same time whatever they are given.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

TOLERANCE_SECONDS: Final = 300
_SCHEME: Final = "v1"


@dataclass(frozen=True, slots=True)
class LinkReturned:
    """What a browser says of a payment link; one without a reference signs an empty one."""

    link_id: str
    reference_id: str
    status: str
    payment_id: str


def stripe_webhook(
    body: bytes,
    header: str,
    secrets: Sequence[str],
    at: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> bool:
    """Whether Stripe signed the raw body no longer than the tolerance before `at`.

    Exactly the tolerance is in time and so is what is dated later, as the vendor's own verifier
    has it; schemes other than v1 count for nothing.
    """
    parts = [part.split("=", 2) for part in header.split(",")]
    named = [(part[0], part[1]) for part in parts if len(part) > 1]
    times = [value for name, value in named if name == "t"]
    given = [value for name, value in named if name == _SCHEME]
    if not times or not _is_moment(times[0]):
        return False
    signed_at = int(times[0])
    made = (_digest(secret, b"%d.%b" % (signed_at, body)) for secret in secrets if secret.strip())
    genuine = _any_equal(made, given)
    return genuine and signed_at >= at.timestamp() - tolerance_seconds


def razorpay_webhook(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether Razorpay signed the raw body with one of the webhook's secrets."""
    return _any_equal((_digest(secret, body) for secret in secrets if secret), [signature])


def razorpay_checkout(order_id: str, payment_id: str, signature: str, key_secret: str) -> bool:
    """Whether the payment of an order came back from Razorpay's page; key secret, not webhook."""
    return _razorpay_returned((order_id, payment_id), signature, key_secret)


def razorpay_subscription(
    payment_id: str, subscription_id: str, signature: str, key_secret: str
) -> bool:
    """The same for the first payment of a subscription; here the payment stands first."""
    return _razorpay_returned((payment_id, subscription_id), signature, key_secret)


def razorpay_payment_link(returned: LinkReturned, signature: str, key_secret: str) -> bool:
    """The same for a payment link's way back."""
    facts = (returned.link_id, returned.reference_id, returned.status, returned.payment_id)
    return _razorpay_returned(facts, signature, key_secret)


def _razorpay_returned(facts: Sequence[str], signature: str, key_secret: str) -> bool:
    signed = "|".join(facts).encode()
    return bool(key_secret) and _any_equal([_digest(key_secret, signed)], [signature])


def _is_moment(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= len(str(2**63))


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex().encode()


def _any_equal(made: Iterable[bytes], given: Sequence[str]) -> bool:
    """Every pair is compared, so that the time it takes tells nothing of which one matched."""
    tried = [value.encode("utf-8", "surrogatepass") for value in given]
    found = [hmac.compare_digest(one, other) for one in made for other in tried]
    return any(found)
