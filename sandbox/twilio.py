"""Twilio's Messages API as it goes over the wire: form in, JSON out, its ids, states and errors."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from sandbox import twilio_wire as wire
from sandbox.answering import Wording, answer
from sandbox.carrier import Carrier
from sandbox.faults import Faults
from sandbox.inbox import Inbox
from sandbox.state import State

PREFIX = "/twilio/2010-04-01/Accounts/{account}"
PAGE_SIZE, PAGE_SIZE_MAX = 50, 1000


class Dialect:
    """Answers for Twilio, from the shared inbox."""

    def __init__(self, state: State, inbox: Inbox, faults: Faults, carrier: Carrier) -> None:
        self._state = state
        self._inbox = inbox
        self._faults = faults
        self._carrier = carrier

    async def create(self, request: Request, account: str) -> Response:
        """Take a message, refuse it, or let the ordered fault have its way."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        fault = self._faults.take("twilio", "messages.create")
        doomed_by = fault.number if fault and wire.ends_later(fault.number) else None

        def apply() -> Response:
            problem = wire.problem_with(form)
            if problem is not None:
                return refusal(*problem)
            message_id = self._inbox.keep(wire.arrived(account, form, doomed_by))
            self._carrier.take(message_id)
            kept = self._inbox.find(message_id)
            return JSONResponse(wire.shown(kept), 201)

        return await answer(None if doomed_by else fault, request, apply, WORDING)

    async def fetch(self, request: Request, account: str, sid: str) -> Response:
        """One message by its SID."""

        def apply() -> Response:
            found = self._state.row(
                "SELECT * FROM messages WHERE account = ? AND provider_id = ?", account, sid
            )
            if found is None:
                return refusal(20404, request.url.path)
            return JSONResponse(wire.shown(found))

        fault = self._faults.take("twilio", "messages.fetch")
        return await answer(fault, request, apply, WORDING)

    async def index(self, request: Request, account: str) -> Response:
        """A page of messages, newest first, by recipient, sender and day or moment sent."""
        fault = self._faults.take("twilio", "messages.list")
        return await answer(fault, request, lambda: self._page(request, account), WORDING)

    def _page(self, request: Request, account: str) -> Response:
        query = dict(request.query_params)
        size = min(int(query.get("PageSize", PAGE_SIZE)), PAGE_SIZE_MAX)
        page = int(query.get("Page", 0))
        where, values = selection(account, query)
        found = self._state.rows(
            f"SELECT * FROM messages WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?",  # noqa: S608
            *values,
            size + 1,
            page * size,
        )
        base = f"/2010-04-01/Accounts/{account}/Messages.json"

        def uri(number: int) -> str:
            return f"{base}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

        shown = found[:size]
        return JSONResponse(
            {
                "messages": [wire.shown(row) for row in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "next_page_uri": uri(page + 1) if len(found) > size else None,
                "previous_page_uri": uri(page - 1) if page else None,
            }
        )


def selection(account: str, query: dict[str, str]) -> tuple[str, list[object]]:
    """The filters of a list in SQL. Twilio's before and after include the moment itself."""
    parts: list[tuple[str, object]] = [("account = ?", account)]
    if "To" in query:
        parts.append(("recipient = ?", query["To"]))
    if "From" in query:
        parts.append(("sender = ?", query["From"]))
    if "DateSent" in query:
        day = moment(query["DateSent"]).replace(hour=0, minute=0, second=0)
        parts.append(("sent_at >= ?", day.isoformat()))
        parts.append(("sent_at < ?", (day + timedelta(days=1)).isoformat()))
    if "DateSent>" in query:
        parts.append(("sent_at >= ?", moment(query["DateSent>"]).isoformat()))
    if "DateSent<" in query:
        # Seconds are Twilio's finest grain: the whole second named is within.
        until = moment(query["DateSent<"]) + timedelta(seconds=1)
        parts.append(("sent_at < ?", until.isoformat()))
    return " AND ".join(sql for sql, _ in parts), [value for _, value in parts]


def moment(text: str) -> datetime:
    """A day or an instant as Twilio writes it, in GMT."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def refusal(code: int, about: str = "") -> JSONResponse:
    """An error as Twilio words it: code, message, address of the explanation, status."""
    status, message = wire.ERRORS.get(code, (400, "The request was refused"))
    body = {
        "code": code,
        "message": message.format(about=about),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {401: {"WWW-Authenticate": 'Basic realm="Twilio API"'}, 429: {"Retry-After": "1"}}
    return JSONResponse(body, status, headers.get(status))


WORDING = Wording(
    declined=lambda code: refusal(int(code)),
    busy=lambda: refusal(20429),
    broken=lambda: refusal(20500),
)


def routes(state: State, dialect: Dialect) -> APIRouter:
    """The paths of the Messages API, behind Basic credentials."""

    def admitted(request: Request, account: str) -> None:
        """Any Basic credentials do; their password signs the callbacks of the account."""
        if not wire.ACCOUNT.match(account):
            raise Rejected(refusal(20404, request.url.path))
        token = password(request.headers.get("Authorization", ""))
        if not token:
            raise Rejected(refusal(20003))
        state.write("INSERT OR REPLACE INTO accounts VALUES (?, ?)", account, token)

    router = APIRouter(prefix=PREFIX, tags=["twilio"], dependencies=[Depends(admitted)])
    router.post("/Messages.json")(dialect.create)
    router.get("/Messages.json")(dialect.index)
    router.get("/Messages/{sid}.json")(dialect.fetch)
    return router


class Rejected(HTTPException):
    """A request that does not get past the door; carries the whole answer."""

    def __init__(self, response: JSONResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def password(authorization: str) -> str | None:
    """The password of a Basic `Authorization` header, if it is one."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
