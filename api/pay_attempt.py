"""The form of the pay page: to the provider's page, or back to ours with what stood in the way.

Asking twice finds the page that is open. The payer waits five seconds at most; after that our own
page goes on looking by itself.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.language import asked_for, chosen
from api.parts import Parts
from api.pay_page import ACTOR, answered, shown
from api.whence import whence_of
from domain import keys
from domain.errors import InvalidInput, Refused, Unavailable
from domain.lives import Subject
from domain.money import Money
from domain.pay_page import Hindrance, hindrance, not_opened
from domain.payment_attempt import AttemptStatus, PayBy
from models import attempt_asking
from models.attempt_asking import AskedFor, Wanted
from models.database import Actor, one
from models.life import SubjectKind
from models.pay_link import resolve
from models.pay_page import account_of
from models.payment_attempt import PaymentAttempt
from runtime.lives import PATIENCE
from templates import page
from templates.facts import Choice, PayLinkUnknown

router = APIRouter(prefix="/pay", include_in_schema=False)
TURNS: Final = 3
INVOICES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form brought, as it was typed."""

    by: str
    invoices: tuple[str, ...]
    amount: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose token it is, and what that payer sent."""

    parts: Parts
    actor: Actor
    tenant_id: UUID
    resident_id: UUID
    sent: Sent

    async def asked(self, at: datetime) -> AskedFor:
        """The attempt for what was sent, or what is in its way, in one transaction."""
        async with self.parts.database.tenant(self.tenant_id, self.actor) as session:
            account = await account_of(session, self.resident_id, at)
            wanted = _wanted(self.sent, self.resident_id, account.due.currency)
            return await attempt_asking.ask(session, wanted, at)

    async def opened(self) -> PaymentAttempt | None:
        """The attempt once its life has done what is due; None: others close for too long."""
        for _ in range(TURNS):
            asked = await self.asked(self.parts.clock.now())
            for attempt in [asked.attempt] if asked.attempt else asked.in_the_way:
                await self._caught_up(attempt.id)
            if asked.attempt is not None:
                async with self.parts.database.tenant(self.tenant_id, self.actor) as session:
                    return await one(session, PaymentAttempt, asked.attempt.id)
        return None

    async def _caught_up(self, attempt_id: UUID) -> None:
        workflow_id = keys.payment_attempt(self.tenant_id, attempt_id)
        subject = Subject(self.tenant_id, attempt_id, workflow_id)
        await self.parts.lives.catch_up(SubjectKind.PAYMENT_ATTEMPT, subject)


@router.post("/{token}/attempts")
async def pay(token: str, request: Request) -> Response:
    """Open a page for what was chosen and go there; with a refusal back to the form."""
    sent = _sent(await request.body())
    parts: Parts = request.app.state.parts
    found = await resolve(parts.database, token)
    if found is None:
        return answered(page(PayLinkUnknown(), chosen(request) or asked_for(request)), 404)
    payer = Payer(parts, Actor(ACTOR, whence_of(request)), *found, sent)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            attempt = await payer.opened()
    except (Unavailable, TimeoutError):
        return await _form(request, token, payer, 503)
    except Refused as refusal:
        return await _form(request, token, payer, 422, hindrance(refusal))
    if attempt is not None and attempt.status == AttemptStatus.failed:
        return await _form(request, token, payer, 422, not_opened(attempt.failure_code))
    return RedirectResponse(_onward(attempt, f"/pay/{token}"), 303)


def _onward(attempt: PaymentAttempt | None, ours: str) -> str:
    """The provider's page; our own for a code, for what is paid, and while there is none yet."""
    if attempt is None or attempt.status != AttemptStatus.pending:
        return f"{ours}?received={attempt.id}" if attempt and _is_paid(attempt) else ours
    return ours if attempt.by == PayBy.upi_qr else attempt.pay_url or ours


def _is_paid(attempt: PaymentAttempt) -> bool:
    return attempt.status == AttemptStatus.captured


async def _form(
    request: Request, token: str, payer: Payer, status: int, problem: Hindrance | None = None
) -> Response:
    """Our page again, with what was sent and what is wrong with it, or waiting."""
    async with payer.parts.database.tenant(payer.tenant_id, payer.actor) as session:
        account = await account_of(session, payer.resident_id, payer.parts.clock.now())
    choice = None
    if problem is not None:
        sent = payer.sent
        by = PayBy(sent.by) if sent.by in set(PayBy) else None
        choice = Choice(frozenset(sent.invoices), sent.amount, problem, by)
    answer = shown(request, token, account, status=status, choice=choice)
    if problem is None:
        answer.headers["Retry-After"] = "5"
    return answer


def _sent(body: bytes) -> Sent:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=INVOICES_MAX + 10)
    except ValueError:
        raise InvalidInput.of("body", "NOT_A_FORM", "is not the form of the pay page") from None
    first = {name: values[0].strip() for name, values in fields.items()}
    return Sent(first.get("by", ""), tuple(fields.get("invoices", ())), first.get("amount", ""))


def _wanted(sent: Sent, resident_id: UUID, currency: str) -> Wanted:
    if sent.by not in set(PayBy):
        raise InvalidInput.of("by", "UNKNOWN", "choose how you want to pay")
    try:
        invoices = frozenset(UUID(text) for text in sent.invoices)
    except ValueError:
        raise InvalidInput.of("invoices", "NOT_OPEN", "choose from what is due") from None
    minor = Money.parse(sent.amount, currency, "amount").minor if sent.amount else None
    return Wanted(resident_id, invoices, PayBy(sent.by), currency, minor)
