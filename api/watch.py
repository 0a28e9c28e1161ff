"""Every request has an id and one line in the log, and is answered even when its handler breaks.

The line names method, route, status, time, tenant and request; no query and no personal data.
"""

import asyncio
import re
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.problem import problem
from api.whence import route_of
from runtime.metrics import Metrics

log = structlog.get_logger()

CALLERS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
BOUND = ("request", "tenant")
BROKEN, AWAY = 500, 503
# Asked every few seconds by whoever watches over us: their line is for those who debug.
CHATTY = ("/health", "/metrics")


class Watch:
    """Gives the id, logs the line, turns what nobody caught into a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and stay until it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told(scope, send)
        structlog.contextvars.bind_contextvars(request=told.request_id)
        try:
            await self._answered(told, receive)
        finally:
            told.log()
            structlog.contextvars.unbind_contextvars(*BOUND)

    async def _answered(self, told: "_Told", receive: Receive) -> None:
        try:
            await self._app(told.scope, receive, told.send)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if told.status is not None:
                raise
            words = "this server is going down; ask again, with the same Idempotency-Key"
            answer = problem(Request(told.scope), AWAY, words, headers={"Retry-After": "1"})
            await answer(told.scope, receive, told.send)
        except Exception:
            log.exception("a handler broke", method=told.scope["method"], route=told.route)
            if told.status is not None:
                raise
            words = "something broke on our side; it has been logged"
            answer = problem(Request(told.scope), BROKEN, words)
            await answer(told.scope, receive, told.send)


class _Told:
    """One request: its id, its status once there is one, its line."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status: int | None = None
        self._send = send
        self._began = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if CALLERS_ID.fullmatch(given) else str(uuid7())
        scope.setdefault("state", {})["request_id"] = self.request_id

    @property
    def route(self) -> str:
        """The template of its path."""
        return route_of(self.scope)

    async def send(self, message: Message) -> None:
        """Send on, with the request's id in the head of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self.request_id
        await self._send(message)

    def log(self) -> None:
        """The line, and the count."""
        facts: dict[str, Any] = {
            "method": self.scope["method"],
            "route": self.route,
            "status": self.status,
            "ms": round((time.perf_counter() - self._began) * 1000, 1),
        }
        level = log.debug if self.route.startswith(CHATTY) else log.info
        metrics: Metrics = self.scope["app"].state.metrics
        took = time.perf_counter() - self._began
        metrics.answered(self.scope["method"], self.route, self.status, took)
        level("request", **facts)
