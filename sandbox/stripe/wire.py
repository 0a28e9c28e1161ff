"""Stripe's words: brackets in forms, errors with type, code and param, ids."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from fastapi.responses import JSONResponse

from sandbox.payments.records import minted
from sandbox.payments.refusal import Refused

VERSION = "2026-10-28.endive"
TOO_LONG = 255

# Decline code → what the payer's bank says, in neutral words, and Stripe's advice.
DECLINES: Mapping[str, tuple[str, str | None]] = {
    "generic_decline": ("Your card was declined.", "try_again_later"),
    "insufficient_funds": ("Your card has insufficient funds.", "try_again_later"),
    "lost_card": ("Your card was declined.", "do_not_try_again"),
    "stolen_card": ("Your card was declined.", "do_not_try_again"),
    "fraudulent": ("Your card was declined.", "do_not_try_again"),
    "do_not_honor": ("Your card was declined.", "try_again_later"),
    "authentication_required": ("Your card was declined. It requires authentication.", None),
}
# These are codes of their own; every other reason is a decline code of `card_declined`.
OWN_CODES: Mapping[str, str] = {
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. It requires authentication.",
}
# Stripe's own test numbers.
CARDS: Mapping[str, str] = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "lost_card",
    "4000000000009979": "stolen_card",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000000000000119": "processing_error",
}
ASKS_EVERY_TIME = frozenset({"4000002760003184", "4000002500003155"})


def decoded(text: str) -> dict[str, Any]:
    """A form or query with brackets as nested objects and lists."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *way, last = name.replace("]", "").split("[")
        place = root
        for step in way:
            inner = place.setdefault(step or str(len(place)), {})
            if not isinstance(inner, dict):
                raise invalid(f"Invalid object: {step}", param=name)
            place = cast("dict[str, Any]", inner)
        place[last or str(len(place))] = value
    return {name: listed(value) for name, value in root.items()}


def listed(value: Any) -> Any:
    """Objects whose names are all numbers are lists."""
    if not isinstance(value, dict):
        return value
    inner = cast("dict[str, Any]", value)
    if inner and all(name.isdigit() for name in inner):
        return [listed(inner[name]) for name in sorted(inner, key=int)]
    return {name: listed(deep) for name, deep in inner.items()}


def error(status: int, kind: str, message: str, **more: object) -> JSONResponse:
    """An error as Stripe writes it; empty facts are left out."""
    said: dict[str, object] = {"message": message, "type": kind, **more}
    if code := more.get("code"):
        said["doc_url"] = f"https://stripe.com/docs/error-codes/{str(code).replace('_', '-')}"
    kept = {name: value for name, value in sorted(said.items()) if value is not None}
    return JSONResponse({"error": kept}, status)


def invalid(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> Refused:
    """The request cannot be carried out as it stands."""
    return Refused(error(status, "invalid_request_error", message, param=param, code=code))


def missing(kind: str, record_id: str, param: str, *, status: int = 404) -> Refused:
    """There is no such object."""
    words = {"checkout_session": "checkout.session"}.get(kind, kind)
    return invalid(
        f"No such {words}: '{record_id}'", param=param, code="resource_missing", status=status
    )


def decline(code: str) -> dict[str, object]:
    """The reason of a refused charge, as the object of the intent and the error both carry it."""
    if code in OWN_CODES:
        words, own, reason = OWN_CODES[code], code, code
        advice = None
    else:
        words, advice = DECLINES.get(code, DECLINES["generic_decline"])
        own, reason = "card_declined", code
    facts: dict[str, object] = {
        "code": own,
        "decline_code": reason,
        "doc_url": f"https://stripe.com/docs/error-codes/{own.replace('_', '-')}",
        "message": words,
        "type": "card_error",
    }
    return {**facts, "advice_code": advice} if advice else facts


def declined(code: str, **more: object) -> JSONResponse:
    """402 with the reason, and with the intent where there is one."""
    return JSONResponse({"error": {**decline(code), **more}}, 402)


def busy() -> JSONResponse:
    """429: too many at once."""
    words = "Request rate limit exceeded. Learn more about rate limits in the API documentation."
    return error(429, "invalid_request_error", words, code="rate_limit")


def broken() -> JSONResponse:
    """500: something went wrong at Stripe's end."""
    return error(500, "api_error", "An unknown error occurred. Your request was not completed.")


def unauthorized(message: str) -> Refused:
    """401: no key, or one Stripe never made."""
    answer = error(401, "invalid_request_error", message)
    answer.headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return Refused(answer)


def account_of(key: str) -> str:
    """The account a secret key belongs to."""
    return "acct_" + hashlib.sha256(key.encode()).hexdigest()[:16]


def new(prefix: str) -> str:
    """A new id with Stripe's usual length."""
    return minted(prefix, 24)


def page(url: str, found: Iterable[object], *, more: bool) -> dict[str, Any]:
    """A list as Stripe writes it."""
    return {"object": "list", "url": url, "has_more": more, "data": list(found)}
