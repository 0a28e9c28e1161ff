"""From where a request comes and for what: as its log line and the audit say it."""

import re
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from models.database import Whence

AGENT_CHARACTERS_MAX: Final = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


def route_of(scope: Scope) -> str:
    """The template of the path; a path nobody serves may hold anything, so it is not told."""
    path = getattr(scope.get("route"), "path", None)
    endpoint = scope.get("endpoint")
    if path is None and endpoint is None:
        return "unknown"
    return str(path or getattr(endpoint, "__name__", type(endpoint).__name__))


def whence_of(request: Request) -> Whence:
    """The request's id, address and program, and the command it gives.

    The address is that of whoever connected, or what a proxy we trust says of it.
    """
    agent = _UNPRINTABLE.sub(" ", request.headers.get("User-Agent", ""))
    return Whence(
        request=request.state.request_id,
        ip="" if request.client is None else request.client.host,
        agent=agent[:AGENT_CHARACTERS_MAX],
        why=f"{request.method} {route_of(request.scope)}",
    )
