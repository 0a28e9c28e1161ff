"""A thin client of Razorpay's API: one request, its answer read, its errors as ours.

The vendor's SDK waits without end, keeps only the description of an error, and is not async.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from domain.errors import InnkeeperError, InvalidInput, Refused, Unavailable
from providers.payments import Refusal
from providers.told import Told
from providers.wire import Wire, lost, patience, spoken, unreadable

PROVIDER: Final = "Razorpay"
VERSION: Final = "/v1"
DONE_BELOW, UNAUTHORISED, FORBIDDEN, MISSING = 300, 401, 403, 404
REFUSED_FROM, TOO_MANY, OWN_FAULT = 400, 429, 500
_FIELDS = {
    "amount": Refusal.amount,
    "payment_amount": Refusal.amount,
    "currency": Refusal.currency,
    "expire_by": Refusal.too_late,
    "close_by": Refusal.too_late,
}


class RazorpayClient:
    """One account at Razorpay, over connections it shares with others."""

    def __init__(self, wire: Wire, url: str, key_id: str, key_secret: str) -> None:
        self._wire = wire
        self._url = url + VERSION
        self._auth = (key_id, key_secret)

    async def get(self, path: str, **query: str) -> Told:
        """Ask; no answer is Unavailable."""
        return await self._answer("GET", path, query, None, changes=False)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Told:
        """Have something done; no answer is UnknownOutcome."""
        return await self._answer("POST", path, {}, body or {}, changes=True)

    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        *,
        changes: bool,
    ) -> Told:
        try:
            answer = await self._wire.request(
                method,
                self._url + path,
                headers={"Content-Type": "application/json"} if body is not None else None,
                content=json.dumps(body) if body is not None else None,
                params=query or None,
                auth=self._auth,
            )
        except httpx2.TransportError as error:
            raise lost(PROVIDER, error, changes=changes) from error
        if answer.status_code < DONE_BELOW:
            try:
                return Told.parse(answer.content)
            except InvalidInput as problem:
                detail = f"{PROVIDER}'s answer {problem.detail}"
                raise unreadable(detail, changes=changes) from problem
        raise _refused(answer, changes=changes)


def _refused(answer: httpx2.Response, *, changes: bool) -> InnkeeperError:
    status = answer.status_code
    try:
        error = Told.parse(answer.content).inner("error")
    except InvalidInput:
        error = Told({})
    detail = _detail(status, error)
    if status == TOO_MANY:
        return Unavailable(detail, retry_after_seconds=patience(answer.headers))
    if not REFUSED_FROM <= status < OWN_FAULT:
        return unreadable(detail, changes=changes)
    field = error.word_or_none("field") or ""
    by_status = {
        UNAUTHORISED: Refusal.credentials,
        FORBIDDEN: Refusal.not_permitted,
        MISSING: Refusal.no_such_page,
    }
    if status == UNAUTHORISED:
        detail = "Razorpay does not know these keys"
    return Refused(detail, code=by_status.get(status) or _FIELDS.get(field, Refusal.other))


def _detail(status: int, error: Told) -> str:
    """What a person needs to understand it or to ask Razorpay."""
    told = [f"{PROVIDER} answered {status}"]
    for name in ("code", "reason", "field"):
        word = error.word_or_none(name)
        if word and word != "NA":
            told.append(f"{name} {word}")
    words = spoken(error.word_or_none("description"))
    return ", ".join(told) + (f": {words}" if words else "")
