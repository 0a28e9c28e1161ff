"""How an HTTP dialect answers a request when an outcome was ordered for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from sandbox.faults import Fault

GLANCE_SECONDS = 0.05

Apply = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Wording:
    """How a vendor words its refusals; `declined` takes the vendor's own code."""

    declined: Callable[[str], Response]
    busy: Callable[[], Response]
    broken: Callable[[], Response]


async def answer(fault: Fault | None, request: Request, apply: Apply, words: Wording) -> Response:
    """Apply a request and answer it, as far as the ordered outcome allows either."""
    if fault is None:
        return apply()
    if fault.outcome in {"timeout", "applied-then-timeout"}:
        if fault.outcome == "applied-then-timeout":
            apply()
        await silence(request, fault.silence_seconds)
        return Response(status_code=504)
    await asyncio.sleep(fault.delay)
    answers: dict[str, Apply] = {
        "success": apply,
        "decline": lambda: words.declined(fault.code),
        "429": words.busy,
        "500": words.broken,
        "applied-then-500": lambda: apply() and words.broken(),
    }
    return answers[fault.outcome]()


async def silence(request: Request, seconds: float) -> None:
    """Say nothing for a while, or until the caller has gone."""
    with suppress(TimeoutError):
        await asyncio.wait_for(gone(request.is_disconnected), seconds)


async def gone(is_disconnected: Callable[[], Awaitable[bool]]) -> None:
    """Return once the caller has hung up."""
    while not await is_disconnected():  # noqa: ASYNC110 the server offers no event for it
        await asyncio.sleep(GLANCE_SECONDS)
