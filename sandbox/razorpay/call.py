"""One request to Razorpay from the door to the answer."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from sandbox.answering import Wording, answer
from sandbox.payments.bank import Bank
from sandbox.payments.records import Asked, Record
from sandbox.payments.refusal import Refused
from sandbox.razorpay import wire

KEY = re.compile(r"^rzp_(?:test|live)_\w{1,100}$")
COUNT, COUNT_MAX = 10, 100


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows of its request. `doom` is the refusal ordered for it, if any."""

    account: str
    given: Mapping[str, Any]
    query: Mapping[str, str]
    ids: Mapping[str, str]
    base: str
    once: str | None
    doom: str = ""

    def asked(self, **more: Any) -> Asked:
        """Which part of a list is wanted."""
        numbers = {name: self.number(name) for name in ("from", "to", "count", "skip")}
        return Asked(
            since=numbers["from"],
            until=numbers["to"],
            limit=min(numbers["count"] or COUNT, COUNT_MAX),
            skip=numbers["skip"] or 0,
            **more,
        )

    def number(self, name: str) -> int | None:
        """A whole number of the query."""
        word = self.query.get(name)
        if word is None:
            return None
        if not word.isdigit():
            raise wire.invalid(f"The {name} must be an integer.", name)
        return int(word)


Act = Callable[[Call], Any]


class Door:
    """Lets requests in and answers each as Razorpay would. No key makes a request safe twice."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    async def through(self, request: Request, operation: str, act: Act) -> Response:
        """Carry one request out."""
        try:
            call = await self._read(request)
        except Refused as refused:
            return refused.response
        fault = self._bank.faults.take("razorpay", operation)
        if fault is not None and fault.outcome == "decline" and operation == "payments.refund":
            call, fault = replace(call, doom=fault.code), None
        words = Wording(declined=wire.declined, busy=wire.busy, broken=wire.broken)
        return await answer(fault, request, lambda: self._tried(call, act), words)

    def _tried(self, call: Call, act: Act) -> Response:
        self._bank.dues.settle()
        with self._bank.state.together():
            try:
                response = JSONResponse(act(call))
            except Refused as refused:
                return refused.response
        self._bank.courier.call()
        return response

    async def _read(self, request: Request) -> Call:
        account = self._admitted(request.headers.get("authorization", ""))
        text = await request.body()
        try:
            body: Any = json.loads(text) if text.strip() else {}
        except ValueError:
            raise wire.invalid("The request body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise wire.invalid("The request body must be an object.")
        return Call(
            account=account,
            given=cast("dict[str, Any]", body),
            query=dict(request.query_params),
            ids={name: str(value) for name, value in request.path_params.items()},
            base=str(request.base_url).rstrip("/"),
            once=request.headers.get("x-refund-idempotency"),
        )

    def _admitted(self, authorization: str) -> str:
        """The account of a key, whose secret is the first one it came with."""
        key, secret = credentials(authorization)
        if not KEY.match(key) or not secret:
            raise wire.unauthorized()
        account = wire.account_of(key)
        known = self._bank.state.row("SELECT * FROM payment_keys WHERE account = ?", account)
        if known is None:
            self._bank.state.write(
                "INSERT INTO payment_keys VALUES (?, 'razorpay', ?, ?)", account, key, secret
            )
        elif not hmac.compare_digest(known["secret"].encode(), secret.encode()):
            raise wire.unauthorized()
        return account


def credentials(authorization: str) -> tuple[str, str]:
    """Key id and secret of a Basic `Authorization` header, or nothing."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def owned(bank: Bank, call: Call, kind: str, record_id: str) -> Record:
    """One object of the account."""
    found = bank.records.owned(call.account, record_id, kind)
    if found is None:
        raise wire.unknown()
    return found
