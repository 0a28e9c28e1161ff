"""One request to Stripe from the door to the answer: key, version, idempotency, ordered faults."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from sandbox.answering import Wording, answer
from sandbox.payments.bank import Bank
from sandbox.payments.refusal import Refused
from sandbox.stripe import params, wire

KEY = re.compile(r"^(?:sk|rk)_(?:test|live)_\w{1,200}$")
VERSION = re.compile(r"^\d{4}-\d\d-\d\d(?:\.[a-z]+)?$")
# Stripe may forget a key after a day, so here it does: repeating it then is a new request.
KEPT_SECONDS = 24 * 3600
# An ordered refusal of these is a bank's and leaves its trace on the intent or the refund.
BANKS = frozenset({"payment_intents.create", "payment_intents.confirm", "refunds.create"})


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows of its request. `doom` is the refusal ordered for it, if any."""

    account: str
    live: bool
    given: Mapping[str, Any]
    ids: Mapping[str, str]
    base: str
    path: str
    request: str
    key: str | None
    doom: str = ""

    def takes(self, spec: params.Spec) -> dict[str, Any]:
        """The parameters, if the operation knows them all."""
        return params.taken(self.given, spec)


Act = Callable[[Call], dict[str, Any]]


class Door:
    """Lets requests in and answers each as Stripe would."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._in_flight: set[tuple[str, str]] = set()

    async def through(self, request: Request, operation: str, act: Act) -> Response:
        """Carry one request out."""
        request_id = wire.minted("req_", 14)
        try:
            response = await self._answered(request, request_id, operation, act)
        except Refused as refused:
            response = refused.response
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = request.headers.get("stripe-version", wire.VERSION)
        if key := request.headers.get("idempotency-key"):
            response.headers["Idempotency-Key"] = key
        return response

    async def _answered(
        self, request: Request, request_id: str, operation: str, act: Act
    ) -> Response:
        call = await read(request, request_id)
        fault = self._bank.faults.take("stripe", operation)
        if fault is not None and fault.outcome == "decline" and operation in BANKS:
            call = replace(call, doom=fault.code)
            fault = None
        if call.key is None or request.method != "POST":
            return await answer(fault, request, lambda: self._tried(call, act)[0], WORDING)
        slot, mark = (call.account, call.key), fingerprint(request.method, call)
        if (kept := self._kept(slot, mark)) is not None:
            return kept
        if slot in self._in_flight:
            raise Refused(in_progress())

        def apply() -> Response:
            response, executed = self._tried(call, act)
            return self._keep(slot, mark, response) if executed else response

        def failed() -> Response:
            return self._keep(slot, mark, wire.broken())

        lost = fault is not None and fault.outcome == "timeout"
        if not lost:
            self._in_flight.add(slot)
        try:
            words = Wording(declined=wire.declined, busy=wire.busy, broken=failed)
            return await answer(fault, request, apply, words)
        finally:
            self._in_flight.discard(slot)

    def _tried(self, call: Call, act: Act) -> tuple[Response, bool]:
        """The answer, and whether execution began: a refused form is no execution."""
        self._bank.dues.settle()
        with self._bank.state.together():
            try:
                response: Response = JSONResponse(act(call))
            except Refused as refused:
                return refused.response, refused.executed
        self._bank.courier.call()
        return response, True

    def _kept(self, slot: tuple[str, str], mark: str) -> Response | None:
        found = self._bank.state.row(
            "SELECT * FROM payment_answers WHERE account = ? AND key = ? AND at > ?",
            *slot,
            self._bank.now - KEPT_SECONDS,
        )
        if found is None:
            return None
        if found["fingerprint"] != mark:
            raise Refused(mismatch())
        headers = {"Idempotent-Replayed": "true"}
        return Response(found["body"], found["status"], headers, "application/json")

    def _keep(self, slot: tuple[str, str], mark: str, response: Response) -> Response:
        self._bank.state.write(
            "INSERT OR REPLACE INTO payment_answers VALUES (?, ?, ?, ?, ?, ?)",
            *slot,
            mark,
            response.status_code,
            bytes(response.body).decode(),
            self._bank.now,
        )
        return response


async def read(request: Request, request_id: str) -> Call:
    """A request as a call, or its refusal."""
    secret = secret_of(request.headers.get("authorization", ""))
    version = request.headers.get("stripe-version", wire.VERSION)
    if not VERSION.match(version):
        raise wire.invalid(f"Invalid Stripe API version: {version}")
    key = request.headers.get("idempotency-key") or None
    if key is not None and len(key) > wire.TOO_LONG:
        raise wire.invalid(f"Keys for idempotent requests can only be {wire.TOO_LONG} characters.")
    body = (await request.body()).decode() if request.method == "POST" else request.url.query
    return Call(
        account=request.headers.get("stripe-account") or wire.account_of(secret),
        live="_live_" in secret,
        given=wire.decoded(body),
        ids={name: str(value) for name, value in request.path_params.items()},
        base=str(request.base_url).rstrip("/"),
        path=request.url.path.removeprefix("/stripe"),
        request=request_id,
        key=key,
    )


def secret_of(authorization: str) -> str:
    """The secret key of an `Authorization` header, Bearer or Basic."""
    scheme, _, credentials = authorization.partition(" ")
    secret = credentials
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            secret = ""
    if not secret:
        raise wire.unauthorized("You did not provide an API key.")
    if not KEY.match(secret):
        raise wire.unauthorized(f"Invalid API Key provided: {secret[:7]}***")
    return secret


def fingerprint(method: str, call: Call) -> str:
    """What must be the same when a key comes again."""
    told = json.dumps([method, call.path, call.given], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def mismatch() -> Response:
    """The key came before with something else."""
    return wire.error(
        400,
        "idempotency_error",
        "Keys for idempotent requests can only be used with the same parameters they were first"
        " used with. Try using a different key if you meant to execute a different request.",
    )


def in_progress() -> Response:
    """The key came before and is not answered yet."""
    return wire.error(
        409,
        "idempotency_error",
        "There is currently another in-progress request using this key.",
        code="idempotency_key_in_use",
    )


WORDING = Wording(declined=wire.declined, busy=wire.busy, broken=wire.broken)
