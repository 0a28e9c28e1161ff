"""Providers tell what happened: only what they signed is heard, once, and nothing heard is lost."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx2
import pytest
from uuid_utils.compat import uuid7

from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.gateway_log import GatewayLog
from models.payment import Payment
from models.payment_account import PaymentAccount, rotate_webhook_secret
from models.payment_attempt import PaymentAttempt, locked
from models.vault import Vault
from runtime.clock import SetClock
from tests.support.attempt import an_account, an_attempt, opened
from tests.support.books import breaches, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt, ten
from tests.support.house import House
from tests.support.web import a_client, a_vault
from workers.provider_relay import ProviderRelay

NOW = ten(date(2026, 10, 10))
SECRET = "whsec_stripe_1234"


@dataclass(frozen=True, slots=True)
class Desk:
    """A house whose debts are paid at Stripe, and the door at which Stripe knocks."""

    debt: Debt
    account: PaymentAccount
    attempt: PaymentAttempt
    vault: Vault
    client: httpx2.AsyncClient
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))

    @property
    def house(self) -> House:
        return self.debt.house

    def paid(self, event: str = "evt_1", kind: str = "checkout.session.completed") -> bytes:
        """What Stripe says when the page was paid."""
        seconds = int(NOW.timestamp())
        session: dict[str, Any] = {
            "id": self.attempt.page_id,
            "object": "checkout.session",
            "mode": "payment",
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": "pi_1",
            "amount_total": RENT_MINOR,
            "currency": "inr",
            "client_reference_id": str(self.attempt.id),
            "metadata": {"attempt": str(self.attempt.id)},
            "created": seconds,
            "expires_at": seconds + 3600,
        }
        told = {
            "id": event,
            "object": "event",
            "type": kind,
            "created": seconds,
            "data": {"object": session},
        }
        return json.dumps(told).encode()

    async def tell(
        self,
        body: bytes,
        *,
        secret: str = SECRET,
        age: int = 0,
        address: str | None = None,
        provider: str = "stripe",
    ) -> httpx2.Response:
        """Stripe knocks, having signed the body so many seconds ago."""
        signed_at = int(NOW.timestamp()) - age
        made = hmac.new(secret.encode(), b"%d.%b" % (signed_at, body), hashlib.sha256)
        return await self.client.post(
            f"/payments/webhooks/{provider}?k={address or self.account.webhook_token}",
            content=body,
            headers={"Stripe-Signature": f"t={signed_at},v1={made.hexdigest()}"},
        )

    async def relayed(self) -> None:
        """Everything that was kept and is due is settled."""
        relay = ProviderRelay(self.house.database, self.clock)
        while await relay.turn():
            pass


@pytest.fixture
async def desk(house: House) -> AsyncGenerator[Desk]:
    vault = a_vault()
    account = await an_account(house, vault, Provider.stripe)
    debt = await a_debt(house, date(2026, 10, 20))
    attempt = await opened(house, await an_attempt(debt, PayBy.checkout, NOW), NOW)
    async with a_client(house, clock=SetClock(NOW), vault=vault) as client:
        yield Desk(debt, account, attempt, vault, client)


async def test_what_was_signed_is_kept_and_booked_once(desk: Desk) -> None:
    answers = [(await desk.tell(desk.paid())).json() for _ in range(3)]
    assert [answer["known"] for answer in answers] == [False, True, True]
    await desk.relayed()
    await desk.tell(desk.paid("evt_2"))
    await desk.relayed()
    logs = await rows(desk.house, GatewayLog)
    assert [(log.status, log.outcome) for log in logs] == [("done", "booked"), ("done", "known")]
    assert logs[0].body == desk.paid()
    (payment,) = await rows(desk.house, Payment)
    assert (payment.provider_payment_id, payment.amount_minor) == ("pi_1", RENT_MINOR)
    assert await breaches(desk.house.database) == {}


@pytest.mark.parametrize(("age", "status"), [(0, 200), (300, 200), (301, 400), (-60, 200)])
async def test_what_is_older_than_five_minutes_is_not_heard(
    desk: Desk, age: int, status: int
) -> None:
    answer = await desk.tell(desk.paid(), age=age)
    assert answer.status_code == status, answer.text
    assert len(await rows(desk.house, GatewayLog)) == (status == 200)


async def test_what_was_tampered_with_is_not_heard(desk: Desk) -> None:
    signed_at = int(NOW.timestamp())
    body = desk.paid()
    made = hmac.new(SECRET.encode(), b"%d.%b" % (signed_at, body), hashlib.sha256).hexdigest()
    answer = await desk.client.post(
        f"/payments/webhooks/stripe?k={desk.account.webhook_token}",
        content=body.replace(str(RENT_MINOR).encode(), b"100"),
        headers={"Stripe-Signature": f"t={signed_at},v1={made}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_SIGNATURE")
    assert (await desk.tell(body, secret="whsec_of_somebody_else")).status_code == 400
    assert await rows(desk.house, GatewayLog) == []


async def test_an_address_nobody_has_opens_nothing(desk: Desk) -> None:
    assert (await desk.tell(desk.paid(), address="x" * 32)).status_code == 404
    assert (await desk.tell(desk.paid(), provider="razorpay")).status_code == 404
    assert (await desk.client.post("/payments/webhooks/stripe", content=b"{}")).status_code == 422


async def test_while_a_secret_is_replaced_both_are_good(desk: Desk) -> None:
    async with desk.house.session() as session:
        account = await session.get(PaymentAccount, (desk.house.tenant_id, desk.account.id))
        assert account is not None
        rotate_webhook_secret(session, desk.vault, account, "whsec_the_newer_one", NOW)
    assert (await desk.tell(desk.paid("evt_a"))).status_code == 200
    newer = await desk.tell(desk.paid("evt_b"), secret="whsec_the_newer_one")
    assert newer.status_code == 200


async def test_it_may_be_told_before_our_own_record_is_written(desk: Desk) -> None:
    """The provider knows of the page and we do not yet: the attempt's own id finds it."""
    body = desk.paid()
    async with desk.house.session() as session:
        attempt = await locked(session, desk.attempt.id)
        attempt.page_id, attempt.status, attempt.unknown_since = None, "unknown", NOW
    await desk.tell(body)
    await desk.relayed()
    assert (await desk.debt.row()).status == "paid"


async def test_what_cannot_be_read_is_a_dead_letter_until_somebody_tries_it_again(
    desk: Desk,
) -> None:
    body = b'{"id": "evt_odd", "type": "checkout.session.completed", "data": {}}'
    assert (await desk.tell(body)).status_code == 200
    for _ in range(4):
        await desk.relayed()
        (log,) = await rows(desk.house, GatewayLog)
        if log.status == "failed":
            break
        await asyncio.sleep(4.1 if log.tries == 3 else log.tries + 0.1)
    (letter,) = (await desk.client.get("/dead-letters")).json()["items"]
    assert (letter["eventId"], letter["tries"], letter["status"]) == ("evt_odd", 4, "failed")
    assert "created" in letter["problem"] or "data" in letter["problem"]
    again = await desk.client.post(f"/dead-letters/{letter['id']}/replay")
    assert (again.status_code, again.json()["status"]) == (202, "received")
    await desk.relayed()
    (log,) = await rows(desk.house, GatewayLog)
    assert (log.status, log.tries) == ("received", 1)
    assert (await desk.client.post(f"/dead-letters/{letter['id']}/replay")).status_code == 409
    assert (await desk.client.post(f"/dead-letters/{uuid7()}/replay")).status_code == 404


async def test_two_relays_share_what_came(desk: Desk) -> None:
    for number in range(40):
        await desk.tell(desk.paid(f"evt_{number}"))
    relays = [ProviderRelay(desk.house.database, desk.clock) for _ in range(2)]
    while sum(await asyncio.gather(*(relay.turn() for relay in relays))):
        pass
    logs = await rows(desk.house, GatewayLog)
    assert {log.status for log in logs} == {"done"}
    assert sorted(log.outcome for log in logs) == ["booked", *["known"] * 39]
    assert len(await rows(desk.house, Payment)) == 1
