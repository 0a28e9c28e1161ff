"""The language a page is shown in."""

from fastapi import Request

from templates.wording import NAMES


def asked_for(request: Request) -> str:
    """What the browser asks for first."""
    return request.headers.get("Accept-Language", "en")[:2]


def chosen(request: Request) -> str | None:
    """What was chosen on the page itself, if we have it."""
    wanted = request.query_params.get("lang", "")
    return wanted if wanted in NAMES else None
