"""Razorpay's words: its error body, its ids, its quirky notes, what a field may hold."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.responses import JSONResponse

from sandbox.payments.records import minted
from sandbox.payments.refusal import Refused

NOTES_MAX, NOTE_MAX = 15, 256
AMOUNT_MIN = 100
KINDS: Mapping[str, type] = {"integer": int, "string": str, "boolean": bool, "object": dict}


def error(
    status: int,
    description: str,
    *,
    code: str = "BAD_REQUEST_ERROR",
    field: str | None = None,
    reason: str = "input_validation_failed",
    source: str = "business",
    step: str = "payment_initiation",
) -> JSONResponse:
    """An error as Razorpay writes it."""
    said: dict[str, object] = {
        "code": code,
        "description": description,
        "source": source,
        "step": step,
        "reason": reason,
        "metadata": {},
    }
    if field is not None:
        said["field"] = field
    return JSONResponse({"error": said}, status)


def invalid(description: str, field: str | None = None) -> Refused:
    """The request cannot be carried out as it stands."""
    return Refused(error(400, description, field=field))


def unknown() -> Refused:
    """There is no such object for this account; Razorpay says 400, not 404."""
    return invalid("The id provided does not exist")


def unauthorized() -> Refused:
    """401: no key, or not this one's secret."""
    answer = error(401, "Authentication failed", source="NA", step="NA", reason="NA")
    answer.headers["WWW-Authenticate"] = 'Basic realm="Razorpay"'
    return Refused(answer)


def busy() -> JSONResponse:
    """429."""
    return error(429, "Too many requests", source="NA", step="NA", reason="NA")


def broken() -> JSONResponse:
    """500."""
    words = "We are facing some trouble completing your request at the moment."
    return error(500, words, code="SERVER_ERROR", source="NA", step="NA", reason="NA")


def declined(code: str) -> JSONResponse:
    """400 for the reason named."""
    words = "The request was declined."
    return error(400, words, reason=code, source="gateway", step="payment_authorization")


def new(prefix: str) -> str:
    """A new id: the prefix and fourteen letters and digits."""
    return minted(prefix, 14)


def account_of(key: str) -> str:
    """The account of a key id."""
    return "acc_" + hashlib.sha256(key.encode()).hexdigest()[:14]


def collection(found: Iterable[Any]) -> dict[str, Any]:
    """A list as Razorpay writes it."""
    items = list(found)
    return {"entity": "collection", "count": len(items), "items": items}


def checked(given: Mapping[str, Any], fields: Mapping[str, str], *needed: str) -> dict[str, Any]:
    """The fields a route takes, each of its kind; any other is refused."""
    strange = [name for name in given if name not in fields]
    if strange:
        words = f"{', '.join(strange)} is/are not required and should not be sent"
        raise invalid(words, strange[0])
    for name in needed:
        if given.get(name) in {None, ""}:
            raise invalid(f"The {name.replace('_', ' ')} field is required.", name)
    for name, value in given.items():
        if not fits(value, fields[name]):
            article = "an" if fields[name] in {"integer", "object"} else "a"
            words = f"The {name.replace('_', ' ')} must be {article} {fields[name]}."
            raise invalid(words, name)
    return dict(given)


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a kind; nothing given fits any."""
    if value is None or kind == "any":
        return True
    if kind == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, KINDS[kind])


def amount(value: int, field: str = "amount", least: int = AMOUNT_MIN) -> int:
    """An amount in paise that is not too small."""
    if value < least:
        raise invalid(f"The amount must be at least INR {least / 100:.2f}", field)
    return value


def notes(given: Any) -> Any:
    """Notes as they are given back: an object when filled, an empty list when not."""
    if not given:
        return []
    if not isinstance(given, dict):
        raise invalid("The notes must be an object.", "notes")
    kept: dict[str, Any] = {str(name): word for name, word in given.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if len(kept) > NOTES_MAX:
        raise invalid(
            f"Number of fields in notes should be less than or equal to {NOTES_MAX}", "notes"
        )
    if any(len(str(word)) > NOTE_MAX for word in kept.values()):
        raise invalid(f"The notes may not be longer than {NOTE_MAX} characters.", "notes")
    return kept
