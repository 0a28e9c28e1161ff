"""Webhooks as each vendor signs them, over the raw body."""

import hashlib
import hmac
from collections.abc import Callable, Sequence

Headers = dict[str, str]
Sign = Callable[[Sequence[str], str, str, int], Headers]


def digest(secret: str, signed: str) -> str:
    """HMAC-SHA256 in lower-case hexadecimal."""
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def stripe(secrets: Sequence[str], body: str, _event: str, at: int) -> Headers:
    """`t` and one `v1` for every secret that is good now; `at` is the moment of sending."""
    marks = [f"t={at}", *(f"v1={digest(secret, f'{at}.{body}')}" for secret in secrets)]
    return {
        "Stripe-Signature": ",".join(marks),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }


def razorpay(secrets: Sequence[str], body: str, event: str, _at: int) -> Headers:
    """One signature with one secret, no time in it; the event's id stands in a header alone."""
    return {
        "X-Razorpay-Signature": digest(secrets[0], body),
        "x-razorpay-event-id": event,
        "User-Agent": "Razorpay-Webhook/v1",
    }


SIGN: dict[str, Sign] = {"stripe": stripe, "razorpay": razorpay}
