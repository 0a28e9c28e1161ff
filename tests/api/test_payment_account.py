"""Merchant accounts over HTTP: secrets go in and never come out, events of old ones still count."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from models.database import one
from models.payment_account import (
    CHECK_CREDENTIALS,
    PaymentAccount,
    credentials_of,
    webhook_secrets_of,
)
from models.task import open_task, open_whats
from models.tenant_setup import key_hash
from runtime.clock import SetClock
from runtime.gateways import ProviderGateways
from sandbox.main import Running, running
from tests.support.database import DatabaseUrls
from tests.support.house import House
from tests.support.shop import at_sandbox
from tests.support.web import NOON, a_client, a_vault
from tests.support.written import everything

KEY_ID, KEY_SECRET, SIGNS = "rzp_test_Abc123Def456", "s3cret-of-the-merchant", "whsec-first-one"
RAZORPAY: dict[str, Any] = {
    "provider": "razorpay",
    "name": "Rents",
    "credentials": {"keyId": KEY_ID, "keySecret": KEY_SECRET},
    "webhookSecret": SIGNS,
}
STRIPE: dict[str, Any] = {
    "provider": "stripe",
    "name": "Cards",
    "credentials": {"secretKey": "sk_live_0123456789abcdef"},
}


async def opened(client: httpx2.AsyncClient, body: dict[str, Any] = RAZORPAY) -> dict[str, Any]:
    answer = await client.post("/payment-accounts", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_an_account_is_shown_without_its_secrets(client: httpx2.AsyncClient) -> None:
    shown = await opened(client)
    assert (shown["provider"], shown["mode"], shown["status"]) == ("razorpay", "own_keys", "active")
    assert (shown["isTest"], shown["keyHint"], shown["hasWebhookSecret"]) == (True, "…f456", True)
    assert "/api/v1/payments/webhooks/razorpay?k=" in shown["webhookUrl"]
    assert (await client.get(f"/payment-accounts/{shown['id']}")).json() == shown
    cards = await opened(client, STRIPE)
    assert (cards["isTest"], cards["hasWebhookSecret"]) == (False, False)
    listed = (await client.get("/payment-accounts")).json()["items"]
    assert [row["id"] for row in listed] == [cards["id"], shown["id"]]


async def test_no_secret_stands_readable_anywhere(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Rows, audit, events and stored answers are searched for each secret's very letters."""
    async with a_client(house) as client:
        answer = await client.post(
            "/payment-accounts", json=RAZORPAY, headers={"Idempotency-Key": "rents"}
        )
        account = answer.json()["id"]
        changed = {"credentials": {"keyId": KEY_ID, "keySecret": "another-secret-of-it"}}
        answers = [
            answer,
            await client.patch(f"/payment-accounts/{account}", json=changed),
            await client.patch(f"/payment-accounts/{account}", json={"webhookSecret": "whsec-two"}),
        ]
    secrets = (KEY_SECRET, "another-secret-of-it", SIGNS, "whsec-two")
    for text in [said.text for said in answers] + await everything(database_urls):
        assert not [secret for secret in secrets if secret in text]


async def test_an_adapter_gets_the_keys_and_whoever_verifies_the_secrets(house: House) -> None:
    """During a rotation two secrets are good, the newest first; three days later one."""
    vault, clock = a_vault(), SetClock(datetime(2026, 10, 20, tzinfo=UTC))
    async with a_client(house, vault=vault, clock=clock) as client:
        account_id = (await opened(client))["id"]
        path = f"/payment-accounts/{account_id}"
        changed = (await client.patch(path, json={"webhookSecret": "whsec-two"})).json()
    until = clock.now() + timedelta(days=3)
    assert datetime.fromisoformat(changed["previousSecretUntil"]) == until
    async with house.session() as session:
        account = await one(session, PaymentAccount, account_id)
        keys = credentials_of(vault, account)
        during = webhook_secrets_of(vault, account, until - timedelta(seconds=1))
        after = webhook_secrets_of(vault, account, until)
    assert keys == {"keyId": KEY_ID, "keySecret": KEY_SECRET}
    assert (during, after) == (["whsec-two", SIGNS], ["whsec-two"])


async def test_a_webhook_address_finds_its_account_and_nothing_else(
    house: House, database_urls: DatabaseUrls
) -> None:
    async with a_client(house) as client:
        shown = await opened(client)
    token = shown["webhookUrl"].partition("?k=")[2]
    app = await asyncpg.connect(database_urls.app)
    try:
        ask = "select tenant_id, account_id from find_payment_account($1)"
        found = await app.fetchrow(ask, key_hash(token))
        assert tuple(str(part) for part in found) == (str(house.tenant_id), shown["id"])
        assert await app.fetchrow(ask, key_hash(token + "x")) is None
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch("select * from payment_account_tokens")
    finally:
        await app.close()


async def test_one_account_is_active_at_a_provider_and_a_closed_one_stays(
    client: httpx2.AsyncClient,
) -> None:
    first = await opened(client)
    again = await client.post("/payment-accounts", json=RAZORPAY)
    assert (again.status_code, again.json()["code"]) == (409, "ACCOUNT_ACTIVE")
    path = f"/payment-accounts/{first['id']}"
    closed = await client.delete(path)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert (await client.delete(path)).json()["code"] == "ILLEGAL_TRANSITION"
    late = await client.patch(path, json={"credentials": RAZORPAY["credentials"]})
    assert late.json()["code"] == "ILLEGAL_TRANSITION"
    assert (await opened(client))["id"] != first["id"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"credentials": {"keyId": KEY_ID}}, "credentials.keySecret", "REQUIRED"),
        ({"credentials": {"keyId": "rzp", "keySecret": KEY_SECRET}}, "credentials.keyId", "SHAPE"),
        (
            {"credentials": {"keyId": KEY_ID, "keySecret": KEY_SECRET, "pin": "1"}},
            "credentials.pin",
            "UNKNOWN",
        ),
        ({"mode": "connected"}, "mode", "UNSUPPORTED"),
        ({"webhookSecret": "short"}, "webhookSecret", "SHAPE"),
    ],
)
async def test_what_the_provider_never_made_is_refused_by_name_without_its_value(
    client: httpx2.AsyncClient, changes: dict[str, Any], field: str, code: str
) -> None:
    answer = await client.post("/payment-accounts", json={**RAZORPAY, **changes})
    assert answer.status_code == 422, answer.text
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    assert KEY_SECRET not in answer.text
    assert "short" not in answer.text


@asynccontextmanager
async def at_the_sandbox(
    house: House, timeout_seconds: float = 1
) -> AsyncGenerator[tuple[httpx2.AsyncClient, Running]]:
    """The house's program, and providers that answer."""
    async with running() as box:
        gateways = ProviderGateways(at_sandbox(box, timeout_seconds))
        async with a_client(house, gateways=gateways) as client:
            yield client, box
        await gateways.close()


async def asked(client: httpx2.AsyncClient, account_id: str, key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await client.post(f"/payment-accounts/{account_id}/test", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("body", [RAZORPAY, STRIPE], ids=["razorpay", "stripe"])
async def test_good_keys_are_said_to_work_and_it_is_kept(
    house: House, body: dict[str, Any]
) -> None:
    async with at_the_sandbox(house) as (client, _):
        account_id = (await opened(client, body))["id"]
        told = await asked(client, account_id)
        kept = (await client.get(f"/payment-accounts/{account_id}")).json()
    assert (told["result"], told["code"], told["said"]) == ("works", None, None)
    assert (kept["testResult"], kept["testedAt"]) == ("works", told["testedAt"])


async def test_keys_the_provider_does_not_know_are_refused_with_the_reason(house: House) -> None:
    """The answer of before is never given again: keys that were made good are good at once."""
    async with at_the_sandbox(house) as (client, _):
        first = (await opened(client))["id"]
        await asked(client, first)  # the sandbox knows the secret of this key from now on
        path = f"/payment-accounts/{first}"
        wrong = {"keyId": KEY_ID, "keySecret": "not-the-secret-of-it"}
        await client.patch(path, json={"credentials": wrong})
        told = await asked(client, first, "same-key")
        kept = (await client.get(path)).json()
        await client.patch(path, json={"credentials": RAZORPAY["credentials"]})
        again = await asked(client, first, "same-key")
    assert (told["result"], told["code"]) == ("refused", "CREDENTIALS")
    assert "copy them again" in told["detail"]
    assert "not-the-secret" not in str(told)
    assert kept["testResult"] == "CREDENTIALS"
    assert again["result"] == "works"


async def test_keys_that_work_answer_the_task_that_asked_for_them(house: House) -> None:
    async with at_the_sandbox(house) as (client, _):
        account_id = UUID((await opened(client))["id"])
        async with house.session() as session:
            await open_task(
                session,
                kind="payment_account",
                subject_id=account_id,
                what=CHECK_CREDENTIALS,
                title="the keys are refused",
                detail="replace them",
                at=NOON,
            )
        await asked(client, str(account_id))
    async with house.session() as session:
        assert await open_whats(session, account_id) == frozenset()


@pytest.mark.parametrize("outcome", ["500", "429", "timeout"])
async def test_a_provider_that_is_away_says_nothing_of_the_keys(house: House, outcome: str) -> None:
    async with at_the_sandbox(house) as (client, box):
        account_id = (await opened(client, STRIPE))["id"]
        fault = {"provider": "stripe", "operation": "checkout.sessions.list", "outcome": outcome}
        async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as steering:
            await steering.post("/control/next", json={**fault, "delay": 3})
        answer = await client.post(f"/payment-accounts/{account_id}/test")
        kept = (await client.get(f"/payment-accounts/{account_id}")).json()
    assert (answer.status_code, answer.headers["content-type"]) == (
        503,
        "application/problem+json",
    )
    assert int(answer.headers["Retry-After"]) > 0
    assert (kept["testedAt"], kept["testResult"]) == (None, None)


async def test_an_account_is_tested_by_its_own_house_alone(
    house: House, stranger: httpx2.AsyncClient
) -> None:
    async with at_the_sandbox(house) as (client, _):
        account_id = (await opened(client))["id"]
        answer = await stranger.post(f"/payment-accounts/{account_id}/test")
    assert answer.status_code == 404


async def test_an_account_of_a_platform_we_do_not_have_says_so(house: House) -> None:
    connected = {"mode": "connected", "credentials": {"accountId": "acct_sunrise1"}}
    async with at_the_sandbox(house) as (client, _):
        account_id = (await opened(client, {**STRIPE, **connected}))["id"]
        told = await asked(client, account_id)
    assert (told["result"], told["code"]) == ("refused", "CREDENTIALS")
    assert "INNKEEPER_STRIPE_PLATFORM_KEY" in told["said"]
