"""The pay page: what a resident owes and how to pay it, for whoever holds the link.

The token in the path is the only authority, so nothing else is asked and no cookie is set. It
stands in no log, and the page carries no more of a person than the first name.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.body import Answer, MoneyField, money
from api.language import asked_for, chosen
from api.parts import Parts
from api.whence import whence_of
from domain.errors import InvalidInput, NotFound, Unavailable
from domain.money import Money
from domain.pay_page import Account, Received, UnderWay
from domain.payment_attempt import AttemptStatus, PayBy
from models.database import Actor
from models.pay_link import resolve
from models.pay_page import account_of
from templates import page, picture, policy
from templates.facts import Choice, PayLinkUnknown, PayPage, PayPageAway

router = APIRouter(prefix="/pay", include_in_schema=False)
ACTOR: Final = "platform:pay page"
HIDDEN: Final = {"X-Robots-Tag": "noindex, nofollow"}
# Where an answer to the form may send the browser: the providers' own pages.
PROVIDERS_PAGES: Final[dict[PayBy, tuple[str, ...]]] = {
    PayBy.checkout: ("https://checkout.stripe.com",),
    PayBy.link: ("https://rzp.io", "https://razorpay.com", "https://*.razorpay.com"),
}
# Five minutes of ten seconds; by then the provider's word has come, or takes hours.
LOOKS_MAX: Final = 30
DIGITS_MAX: Final = 11
AWAY_HEADERS: Final = {"Retry-After": "60"}


class AttemptAnswer(Answer):
    """A try to pay that is open."""

    by: PayBy
    status: AttemptStatus
    expires_at: datetime


class ReceivedAnswer(Answer):
    """Money that came in."""

    number: str
    amount: MoneyField
    at: datetime


class PayStatus(Answer):
    """What is due now, the try that is open, and the newest money since `?since=`."""

    due: MoneyField
    due_minor: int
    attempt: AttemptAnswer | None
    received: ReceivedAnswer | None


@asynccontextmanager
async def opened(request: Request, token: str) -> AsyncGenerator[Account]:
    """The account a token stands for; NotFound alike for one unknown and one revoked."""
    parts: Parts = request.app.state.parts
    found = await resolve(parts.database, token)
    if found is None:
        raise NotFound("this pay link opens nothing")
    tenant_id, resident_id = found
    structlog.contextvars.bind_contextvars(tenant=str(tenant_id))
    actor = Actor(ACTOR, whence_of(request))
    async with parts.database.tenant(tenant_id, actor) as session:
        yield await account_of(session, resident_id, parts.clock.now())


@router.get("/{token}")
async def pay_page(token: str, request: Request) -> HTMLResponse:
    """What is due and how to pay it; `?received=` thanks or waits, `?again=1` asks how anew.

    `?card=left` thanks for a card that was saved.
    """
    try:
        async with opened(request, token) as account:
            return shown(request, token, account)
    except NotFound:
        return answered(page(PayLinkUnknown(), chosen(request) or asked_for(request)), 404)
    except Unavailable:
        away = page(PayPageAway(), chosen(request) or asked_for(request))
        return answered(away, 503, headers=AWAY_HEADERS)


@router.get("/{token}/status")
async def pay_status(token: str, request: Request, since: datetime | None = None) -> PayStatus:
    """The same in few words, for whoever waits."""
    if since is not None and since.tzinfo is None:
        raise InvalidInput.of("since", "NO_ZONE", "an instant needs its zone, such as Z")
    async with opened(request, token) as account:
        newest = account.received[0] if account.received else None
        is_new = newest is not None and since is not None and newest.at > since
        return PayStatus(
            due=money(account.due.minor, account.due.currency),
            due_minor=account.due.minor,
            attempt=_attempt(account.under_way),
            received=_received(newest) if newest is not None and is_new else None,
        )


@router.get("/{token}/qr.svg")
async def pay_code(token: str, request: Request) -> Response:
    """The code that pays all that is due to the house's own UPI id; 404 when there is none."""
    async with opened(request, token) as account:
        if account.upi is None:
            raise NotFound("nothing is due that a UPI code could pay")
        drawn = picture(account.upi, account.due, chosen(request) or account.language)
        return Response(drawn, media_type="image/svg+xml", headers=HIDDEN)


def shown(
    request: Request,
    token: str,
    account: Account,
    *,
    status: int = 200,
    choice: Choice | None = None,
) -> HTMLResponse:
    """The page in the state its account is in; `choice` shows again what was refused."""
    asked = request.query_params
    path, received = f"/pay/{token}", asked.get("received")
    thanks = account.came_since(_since(asked.get("since", "")))
    if received is not None:
        thanks = account.thanked_for(received)
    returned = received is not None and thanks is None
    leaves_it = choice is not None or received is not None or "again" in asked
    under_way = None if leaves_it else account.open_try
    waits = returned or _waits(under_way)
    told = PayPage(
        path=path,
        account=account,
        chosen=chosen(request),
        thanks=thanks,
        returned=returned,
        look_again=_look_again(request, path, account.at) if waits else None,
        under_way=under_way,
        choice=choice,
        card_left=asked.get("card") == "left",
    )
    form_to = _form_to(account.ways, request.app.state.parts)
    return answered(page(told, told.chosen or account.language), status, form_to=form_to)


def answered(
    html: str, status: int, *, form_to: Sequence[str] = (), headers: dict[str, str] | None = None
) -> HTMLResponse:
    """A page that no cache keeps, no search engine lists and no other site frames."""
    guarded = {"Content-Security-Policy": policy(*form_to), **HIDDEN, **(headers or {})}
    return HTMLResponse(html, status, headers=guarded)


def _waits(under_way: UnderWay | None) -> bool:
    """Whether the payer stays on our page until it is paid, or until there is a page to go to."""
    return under_way is not None and (under_way.url is None or under_way.by is PayBy.upi_qr)


def _look_again(request: Request, path: str, at: datetime) -> str | None:
    """The address the page asks by itself, a limited number of times."""
    asked = request.query_params
    count = _number(asked.get("looks", "0"))
    if count is None or count >= LOOKS_MAX:
        return None
    kept = {name: asked[name] for name in ("lang", "received", "since") if name in asked}
    since = {} if "received" in kept else {"since": int(at.timestamp())}
    return f"{path}?{urlencode({**since, **kept, 'looks': count + 1})}"


def _since(seconds: str) -> datetime | None:
    """The instant our own page put into its address; anything else is nobody's."""
    count = _number(seconds)
    return None if count is None else datetime.fromtimestamp(count, UTC)


def _number(digits: str) -> int | None:
    fits = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX
    return int(digits) if fits else None


def _form_to(ways: Sequence[PayBy], parts: Parts) -> list[str]:
    """The origins a redirect after the form may lead to; our own sandbox among them."""
    listed = [origin for way in ways for origin in PROVIDERS_PAGES.get(way, ())]
    return [*listed, parts.links.sandbox] if listed and parts.links.sandbox else listed


def _attempt(under_way: UnderWay | None) -> AttemptAnswer | None:
    return None if under_way is None else AttemptAnswer.model_validate(under_way)


def _received(paid: Received) -> ReceivedAnswer:
    amount: Money = paid.amount
    return ReceivedAnswer(
        number=paid.number, amount=money(amount.minor, amount.currency), at=paid.at
    )
