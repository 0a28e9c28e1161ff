"""Where providers tell of payments: verified on the raw body, kept, and only then acknowledged.

The opaque part of the address names the account, and the account the secret that must have signed.
What an event comes to is worked out afterwards: a provider waits a few seconds at most.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request

from api.body import Answer
from api.parts import Parts
from api.problem import BadSignature
from api.whence import whence_of
from domain import provider_signatures
from domain.errors import NotFound
from domain.payment_account import Provider
from models.database import Actor, one
from models.gateway_log import Told, keep
from models.payment_account import PaymentAccount, webhook_secrets_of
from models.tenant_setup import key_hash

router = APIRouter(prefix="/payments/webhooks", tags=["payments"])
Opaque = Annotated[str, Query(max_length=100)]


class Kept(Answer):
    """The event is kept. `known`: it was kept before."""

    received: bool = True
    known: bool


@router.post("/stripe")
async def take_stripe_event(request: Request, k: Opaque) -> Kept:
    """Stripe tells what happened to a payment or a page. Signed, at most five minutes old."""
    return await _take(request, Provider.stripe, k)


@router.post("/razorpay")
async def take_razorpay_event(request: Request, k: Opaque) -> Kept:
    """Razorpay tells what happened to a payment, a link or a code. Signed."""
    return await _take(request, Provider.razorpay, k)


async def _take(request: Request, provider: Provider, opaque: str) -> Kept:
    body = await request.body()  # before any transaction
    parts: Parts = request.app.state.parts
    actor = Actor(f"provider:{provider}", whence_of(request))
    async with parts.database.addressed(key_hash(opaque), actor) as opened:
        if opened is None:
            raise NotFound("there is no such webhook address")
        session = opened.session
        account = await one(session, PaymentAccount, opened.by)
        if account.provider != provider:
            raise NotFound("there is no such webhook address")
        now = parts.clock.now()
        secrets = webhook_secrets_of(parts.vault, account, now)
        if not _is_signed(request, provider, body, secrets, now):
            raise BadSignature("the signature does not fit the body, the secret and the time")
        told = _told(request, account, body, now)
        return Kept(known=not await keep(session, told))


def _is_signed(
    request: Request, provider: Provider, body: bytes, secrets: list[str], now: datetime
) -> bool:
    if provider is Provider.stripe:
        header = request.headers.get("Stripe-Signature", "")
        return provider_signatures.stripe_webhook(body, header, secrets, now)
    header = request.headers.get("X-Razorpay-Signature", "")
    return provider_signatures.razorpay_webhook(body, header, secrets)


def _told(request: Request, account: PaymentAccount, body: bytes, now: datetime) -> Told:
    """What is needed to keep it; one that cannot be read is kept too, and is a dead letter soon."""
    facts = _facts(body)
    provider = Provider(account.provider)
    if provider is Provider.stripe:
        name, kind, created = facts.get("id"), facts.get("type"), facts.get("created")
    else:
        name = request.headers.get("x-razorpay-event-id")
        kind, created = facts.get("event"), facts.get("created_at")
    return Told(
        provider=provider,
        account_id=account.id,
        event_id=str(name or hashlib.sha256(body).hexdigest()),
        kind=str(kind or "unreadable"),
        body=body,
        at=_instant(created) or now,
    )


def _facts(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def _instant(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (OverflowError, OSError, ValueError):
        return None
