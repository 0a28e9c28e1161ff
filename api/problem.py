"""Every refusal as application/problem+json (RFC 9457): which field, which value, which rule."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from domain.errors import (
    BookingConflict,
    Conflict,
    Forbidden,
    InnkeeperError,
    InvalidInput,
    NotFound,
    Refused,
    Unavailable,
)
from models.database import cause_of, is_bad_value

MEDIA_TYPE = "application/problem+json"
VALUE_SHOWN_MAX = 80
# An answer is stored and may be shown to others than who sent it: these values are not repeated.
_SECRET_FIELD = re.compile(r"pan|aadhaar|account|ifsc|password|secret|token|key", re.IGNORECASE)

_PAY_TOKEN = re.compile(r"^(/pay/)[^/]+")
TITLES = {
    400: "Malformed request",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    422: "A field breaks a rule",
    429: "Too many requests",
    500: "Our mistake",
    503: "Not now",
}
CODES = {
    400: "MALFORMED",
    401: "AUTH_REQUIRED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "TOO_LARGE",
    500: "INTERNAL",
}


class Unauthenticated(InnkeeperError):
    """No credential, or one nobody knows. Never stored as an idempotent answer."""

    code = "AUTH_REQUIRED"


class BadSignature(InnkeeperError):
    """Nobody who knows the secret sent this, or not now."""

    code = "INVALID_SIGNATURE"


# Most specific first: the first class that fits names the status.
STATUS: tuple[tuple[type[InnkeeperError], int], ...] = (
    (BadSignature, 400),
    (InvalidInput, 422),
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Refused, 422),
    (Unavailable, 503),
)


class Problem(JSONResponse):
    """A problem document; half a character that a body smuggled in is written escaped."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Valid JSON whatever text is in it."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    code: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: dict[str, str] | None = None,
    **more: object,
) -> JSONResponse:
    """One problem document; `code` is stable, `detail` is for people."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code or CODES.get(status, "ERROR"),
        "instance": told_path(request),
        "requestId": getattr(request.state, "request_id", ""),
        "errors": list(errors),
        **more,
    }
    return Problem(body, status, headers=headers)


def told_path(request: Request) -> str:
    """The path as it may be told: the token of a pay link is as good as a password."""
    return _PAY_TOKEN.sub(r"\1…", request.url.path)


def answer_to(request: Request, error: Exception) -> Response:
    """The problem document of an error that is an answer; anything else is raised again."""
    match error:
        case Unauthenticated():
            return problem(
                request, 401, error.detail, code=error.code, headers={"WWW-Authenticate": "Bearer"}
            )
        case InnkeeperError():
            return _domain(request, error)
        case RequestValidationError():
            return _validation(request, error)
        case HTTPException():
            headers = dict(error.headers) if error.headers else None
            return problem(request, error.status_code, str(error.detail), headers=headers)
        case DBAPIError():
            return _database(request, error)
        case _:
            raise error


def _database(request: Request, error: DBAPIError) -> Response:
    """What the database refused because of what was sent; its own words stay out."""
    cause = cause_of(error)
    if is_bad_value(cause):
        words = "a value is too large, or holds characters that no text can hold"
        return problem(request, 422, words, code="INVALID_VALUE")
    if isinstance(cause, asyncpg.UniqueViolationError | asyncpg.ExclusionViolationError):
        words = "somebody else did the same a moment ago; read it again"
        return problem(request, 409, words, code="CONFLICT")
    raise error


def _domain(request: Request, error: InnkeeperError) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    fields = [
        {"field": p.field, "code": p.code, "message": p.message}
        for p in getattr(error, "problems", ())
    ]
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    more: dict[str, object] = {}
    if isinstance(error, BookingConflict):
        more["alternatives"] = error.alternatives
    return problem(
        request, status, error.detail, code=error.code, errors=fields, headers=headers, **more
    )


def _validation(request: Request, error: RequestValidationError) -> Response:
    fields = [_field(item) for item in error.errors()]
    malformed = any(item["type"] == "json_invalid" for item in error.errors())
    status = 400 if malformed else 422
    detail = "; ".join(f"{f['field']}: {f['message']}" for f in fields)
    return problem(
        request, status, detail, code=None if malformed else "INVALID_INPUT", errors=fields
    )


def _field(item: Mapping[str, Any]) -> dict[str, str]:
    """One broken rule: the field, the rule, and the value where it is short and nobody's secret."""
    field = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    message, given = str(item["msg"]), item.get("input")
    if isinstance(given, str | int | float) and not _SECRET_FIELD.search(field):
        shown = repr(given)
        message += f" (got {shown})" if len(shown) <= VALUE_SHOWN_MAX else ""
    return {"field": field, "code": str(item["type"]).upper(), "message": message}


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer_to(request, error)

    for kind in (InnkeeperError, RequestValidationError, HTTPException, DBAPIError):
        app.add_exception_handler(kind, handle)
