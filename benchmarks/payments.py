"""Payments through a provider: webhooks acknowledged and booked, and the page they begin on.

Every server of the house runs beside it: PostgreSQL, Temporal with a life for each invoice and each
attempt, the API, the worker with its relays, a mail server that takes the receipts.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.figure import Figure
from benchmarks.house import ACTOR, BilledHouse, a_billed_house
from benchmarks.knocking import Request, knock
from benchmarks.part import a_process
from benchmarks.server import analyse
from benchmarks.settings import INDEX_KEY, settings_of
from domain.message_delivery import DeliveryState
from domain.payment_account import AccountMode, Provider
from domain.payment_attempt import AttemptStatus, PayBy
from models import attempt_asking, plan
from models.attempt_asking import Wanted
from models.gateway_log import Told, keep
from models.invoice import Invoice
from models.life import LifeRow, Wake
from models.message import Delivery, Message, Purpose
from models.pay_link import link_of
from models.payment import Payment
from models.payment_account import NewAccount, PaymentAccount, open_account
from models.payment_attempt import PaymentAttempt, moved, planned
from models.vault import Vault, new_keyset
from runtime.embedded.ports import any_free_port
from runtime.embedded.temporal import EmbeddedTemporal

# Told of over HTTP, and kept all at once.
TOLD, KEPT = 500, 1_000
PAYMENTS = TOLD + KEPT
IN_FLIGHT = 8
PAGES = 300
PAGES_IN_FLIGHT = 4
SECRET = "whsec_of_the_benchmark"  # noqa: S105 (of a house that is gone afterwards)
PATIENCE_SECONDS = 300


async def measure() -> dict[str, Figure]:
    """The figures of `webhooks`, `payments` and `pay_page`."""
    async with a_billed_house(PAYMENTS) as house, _a_stack(house) as stack:
        tills = await _tills(stack)
        pages = await _pages(stack)
        began = time.perf_counter()
        acknowledged = await _told(stack, tills[:TOLD])
        told_in = time.perf_counter() - began
        await _until(lambda: _booked(house), TOLD)
        through_in = time.perf_counter() - began
        await _until(lambda: _at_rest(house), 1)
        booked_in = await _kept(stack, tills[TOLD:])
    return {
        "webhooks.per_second": Figure(
            TOLD / told_in,
            "a second",
            200,
            f"{TOLD:,} signed events of as many payments, {IN_FLIGHT} in flight, each verified"
            " and kept before its 200, while they are booked",
        ),
        "webhooks.p95_ms": Figure(
            _p95_ms(acknowledged), "ms", 100, "of the same", more_is_better=False
        ),
        "payments.per_second": Figure(
            KEPT / booked_in,
            "a second",
            300,
            f"{KEPT:,} webhooks that were kept at once, to the last payment booked with its receipt"
            " queued, every server running; Tryton posts 30",
        ),
        "payments.end_to_end_per_second": Figure(
            TOLD / through_in,
            "a second",
            150,
            "from the first knock to the last payment booked, at the pace of those who knock",
        ),
        "pay_page.p95_ms": Figure(
            _p95_ms(pages),
            "ms",
            100,
            f"{PAGES:,} openings of pay pages, {PAGES_IN_FLIGHT} in flight",
            more_is_better=False,
        ),
    }


@dataclass(frozen=True, slots=True)
class _Stack:
    """The house with its servers."""

    house: BilledHouse
    vault: Vault
    api: str

    @property
    def tenant_id(self) -> UUID:
        return self.house.tenant.tenant_id


@dataclass(frozen=True, slots=True)
class _Till:
    """An open page of a provider, and what is paid there."""

    attempt_id: UUID
    page_id: str
    minor: int


@asynccontextmanager
async def _a_stack(house: BilledHouse) -> AsyncGenerator[_Stack]:
    keyset, port, box, smtp = new_keyset(), any_free_port(), any_free_port(), any_free_port()
    async with AsyncExitStack() as stack:
        temporal = EmbeddedTemporal(house.server.folder.parent / "temporal")
        await temporal.start()
        stack.push_async_callback(temporal.stop)
        settings = settings_of(house, port, keyset) | {
            "INNKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "INNKEEPER_TEMPORAL_NAMESPACE": temporal.namespace,
            "INNKEEPER_SMTP_PORT": str(smtp),
            "INNKEEPER_SMTP_SECURITY": "none",
            "INNKEEPER_PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
            "INNKEEPER_SANDBOX_PORT": str(box),
            "INNKEEPER_SANDBOX_SMTP_PORT": str(smtp),
            "INNKEEPER_TWILIO_BASE_URL": f"http://127.0.0.1:{box}/twilio",
            "INNKEEPER_STRIPE_URL": f"http://127.0.0.1:{box}/stripe",
            "INNKEEPER_RAZORPAY_URL": f"http://127.0.0.1:{box}/razorpay",
            "INNKEEPER_WORKER_PORT": str(watch := any_free_port()),
        }
        folder = stack.enter_context(TemporaryDirectory())
        api = f"http://127.0.0.1:{port}"
        for words, health in (
            (("cli.main", "sandbox", "--state", folder), f"http://127.0.0.1:{box}/control/clock"),
            (("cli.main", "api"), f"{api}/health/live"),
            (("cli.main", "worker"), f"http://127.0.0.1:{watch}/health/live"),
        ):
            await stack.enter_async_context(a_process(words, settings, health))
        await _until(lambda: _lives(house), PAYMENTS)
        yield _Stack(house, Vault(keyset, INDEX_KEY), api)


async def _tills(stack: _Stack) -> Sequence[_Till]:
    """An open page for every invoice, each with the life that waits for its end."""
    now = datetime.now(UTC)
    tills: list[_Till] = []
    async with stack.house.database.tenant(stack.tenant_id, ACTOR) as session:
        keys = {"secretKey": "sk_test_of_the_benchmark"}
        new = NewAccount(Provider.stripe, AccountMode.own_keys, "Stripe", keys, SECRET)
        await open_account(session, stack.vault, new)
        for invoice in (await session.scalars(select(Invoice).order_by(Invoice.id))).all():
            chosen = frozenset({invoice.id})
            wanted = Wanted(invoice.resident_id, chosen, PayBy.checkout, invoice.currency)
            asked = await attempt_asking.ask(session, wanted, now)
            attempt = asked.attempt
            assert attempt is not None, "nobody else asked"
            page_id = f"cs_test_{attempt.id.hex}"
            attempt.page_id, attempt.opened_at = page_id, now
            await moved(session, attempt, AttemptStatus.pending, now)
            await plan.changed(session, await planned(session, attempt))
            tills.append(_Till(attempt.id, page_id, attempt.amount_minor))
    await _until(lambda: _lives(stack.house), 2 * PAYMENTS)
    await analyse(stack.house.dsn("inn_owner"))
    return tills


async def _pages(stack: _Stack) -> Sequence[float]:
    """Seconds of every opening of a pay page."""
    async with stack.house.database.tenant(stack.tenant_id, ACTOR) as session:
        payers = await session.scalars(
            select(PaymentAttempt.resident_id).order_by(PaymentAttempt.id).limit(PAGES)
        )
        links = [await link_of(session, stack.vault, payer) for payer in payers.all()]

    asks = [Request(f"{stack.api}/pay/{link}") for link in links]
    await knock(asks[:20], PAGES_IN_FLIGHT)
    return await knock(asks, PAGES_IN_FLIGHT)


async def _told(stack: _Stack, tills: Sequence[_Till]) -> Sequence[float]:
    """Seconds of every webhook until its 200."""
    async with stack.house.database.tenant(stack.tenant_id, ACTOR) as session:
        token = (await session.scalars(select(PaymentAccount.webhook_token))).one()
    address = f"{stack.api}/api/v1/payments/webhooks/stripe?k={token}"

    return await knock([_signed(address, _event(till)) for till in tills], IN_FLIGHT)


async def _kept(stack: _Stack, tills: Sequence[_Till]) -> float:
    """Seconds from their commit to the last of them in the books."""
    async with stack.house.database.tenant(stack.tenant_id, ACTOR) as session:
        account = (await session.scalars(select(PaymentAccount))).one()
        for till in tills:
            name, now = f"evt_{till.attempt_id.hex}", datetime.now(UTC)
            kind = "checkout.session.completed"
            await keep(session, Told(Provider.stripe, account.id, name, kind, _event(till), now))
    began = time.perf_counter()
    await _until(lambda: _booked(stack.house), PAYMENTS)
    return time.perf_counter() - began


def _signed(address: str, body: bytes) -> Request:
    seconds = int(time.time())
    made = hmac.new(SECRET.encode(), b"%d.%b" % (seconds, body), hashlib.sha256).hexdigest()
    return Request(address, body, {"Stripe-Signature": f"t={seconds},v1={made}"})


def _event(till: _Till) -> bytes:
    """What Stripe says of a page that was paid."""
    seconds = int(time.time())
    session = {
        "id": till.page_id,
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": f"pi_{till.attempt_id.hex}",
        "amount_total": till.minor,
        "currency": "inr",
        "client_reference_id": str(till.attempt_id),
        "metadata": {"attempt": str(till.attempt_id)},
        "created": seconds,
        "expires_at": seconds + 3600,
    }
    event = {
        "id": f"evt_{till.attempt_id.hex}",
        "object": "event",
        "type": "checkout.session.completed",
        "created": seconds,
        "data": {"object": session},
    }
    return json.dumps(event).encode()


def _p95_ms(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[-1] * 1000


async def _until(count: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await count() < wanted:  # noqa: ASYNC110 (rows of another process)
            await asyncio.sleep(0.05)


async def _lives(house: BilledHouse) -> int:
    async with house.database.platform("benchmark") as session:
        return await session.scalar(select(func.count()).select_from(LifeRow)) or 0


async def _at_rest(house: BilledHouse) -> int:
    """1 once what was paid is done with: lives ended, nobody to be woken, every letter out."""
    living = select(func.count()).select_from(LifeRow).scalar_subquery()
    woken = select(func.count()).select_from(Wake).scalar_subquery()
    waiting = DeliveryState.pending, DeliveryState.processing
    letters = (
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.state.in_(waiting))
        .scalar_subquery()
    )
    async with house.database.platform("benchmark") as session:
        left = (await session.execute(select(living, woken, letters))).one()
    return 1 if tuple(left) == (2 * KEPT, 0, 0) else 0


async def _booked(house: BilledHouse) -> int:
    """Payments in the books whose receipt is queued, which is one transaction."""
    receipts = select(Message.about_id).where(Message.purpose == Purpose.RECEIPT)
    query = select(func.count()).select_from(Payment).where(Payment.id.in_(receipts))
    async with house.database.platform("benchmark") as session:
        return await session.scalar(query) or 0
