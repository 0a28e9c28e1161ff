"""Webhooks of the payment providers: signed, repeated, unordered, late, and tried until taken."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import razorpay
import stripe
from razorpay.errors import SignatureVerificationError

from sandbox.main import Running, running
from tests.support.razorpay_contract import SAMPLES, RazorpayContract
from tests.support.receiver import Receiver, receiving
from tests.support.stripe_contract import SCHEMA, StripeContract

STRIPE_KEY, RAZORPAY_AUTH = "sk_test_sunrise", ("rzp_test_sunrise", "its-secret")
FIRST = "whsec_first"
FORM = {
    "mode": "payment",
    "success_url": "https://pay.example/ok?cs={CHECKOUT_SESSION_ID}",
    "client_reference_id": "attempt-1",
    "line_items[0][price_data][currency]": "inr",
    "line_items[0][price_data][unit_amount]": "950000",
    "line_items[0][price_data][product_data][name]": "Rent",
    "line_items[0][quantity]": "1",
    "payment_method_types[0]": "card",
    "payment_method_types[1]": "upi",
}


@pytest.fixture
async def hook() -> AsyncGenerator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def session(client: httpx2.AsyncClient, **changed: str) -> str:
    headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
    form = {**FORM, **changed}
    answer = await client.post("/stripe/v1/checkout/sessions", data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def link(client: httpx2.AsyncClient, reference: str = "attempt-1", **more: Any) -> str:
    body = {"amount": 950_000, "currency": "INR", "reference_id": reference, **more}
    answer = await client.post("/razorpay/v1/payment_links", json=body, auth=RAZORPAY_AUTH)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def register(
    client: httpx2.AsyncClient, provider: str, url: str, secret: str = FIRST, **more: str
) -> None:
    body = {"provider": provider, "url": url, "secret": secret, **more}
    (await client.post("/control/webhook-endpoints", json=body)).raise_for_status()


async def act(client: httpx2.AsyncClient, action: str, target: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/control/payer", json={"action": action, "target": target, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def types(hook: Receiver) -> list[str]:
    return [taken.event.get("type") or taken.event["event"] for taken in hook.taken]


async def test_stripes_events_pass_the_sdks_own_verifier_and_the_schema(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "stripe", hook.url)
    await act(client, "pay", await session(client))
    await box.sandbox.bank.courier.settled()
    assert types(hook) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    for taken in hook.taken:
        signature = taken.headers["stripe-signature"]
        event = stripe.Webhook.construct_event(taken.raw, signature, "whsec_first")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(taken.raw + " ", signature, "whsec_first")
        assert event.api_version == "2026-10-28.endive"
        if SCHEMA.exists():
            body = taken.event
            StripeContract().judge("GET", f"/v1/events/{event.id}", 200, body)
            StripeContract().holds(body["data"]["object"])


async def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    await register(client, "stripe", hook.url, "whsec_first")
    await register(client, "stripe", hook.url, "whsec_second")
    await act(client, "pay", await session(client))
    await box.sandbox.bank.courier.settled()
    taken = hook.taken[-1]
    assert taken.headers["stripe-signature"].count("v1=") == 2
    for secret in ("whsec_first", "whsec_second"):
        stripe.Webhook.construct_event(taken.raw, taken.headers["stripe-signature"], secret)
    await client.post("/control/clock", json={"advance": "P1D"})
    await act(client, "pay", await session(client))
    await box.sandbox.bank.courier.settled()
    assert hook.taken[-1].headers["stripe-signature"].count("v1=") == 1


async def test_one_payment_on_a_link_fires_four_events_with_four_ids(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url, "hook-secret")
    paid = await act(client, "pay", await link(client))
    await box.sandbox.bank.courier.settled()
    assert types(hook) == [
        "payment.authorized",
        "payment.captured",
        "order.paid",
        "payment_link.paid",
    ]
    assert len({taken.headers["x-razorpay-event-id"] for taken in hook.taken}) == 4
    seen = {taken.event["payload"]["payment"]["entity"]["id"] for taken in hook.taken}
    assert seen == {paid["payment"]}, "one payment all the same"
    sdk: Any = razorpay.Client(auth=RAZORPAY_AUTH)
    for taken in hook.taken:
        signature = taken.headers["x-razorpay-signature"]
        assert sdk.utility.verify_webhook_signature(taken.raw, signature, "hook-secret")
        if SAMPLES.exists():
            RazorpayContract().event(taken.event)


async def test_a_links_webhook_names_its_order_without_the_prefix_and_has_null_for_no_notes(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url)
    await act(client, "pay", await link(client))
    await box.sandbox.bank.courier.settled()
    payload = hook.taken[-1].event["payload"]
    with_prefix = payload["payment_link"]["entity"]["order_id"]
    assert with_prefix.startswith("order_")
    assert payload["order"]["entity"]["id"] == with_prefix.removeprefix("order_")
    assert payload["payment_link"]["entity"]["notes"] is None
    assert payload["payment"]["entity"]["notes"] == []
    await act(client, "pay", await link(client, "attempt-2", notes={"room": "12"}))
    await box.sandbox.bank.courier.settled()
    payload = hook.taken[-1].event["payload"]
    assert payload["payment_link"]["entity"]["notes"] == {"room": "12"}


async def test_every_event_of_razorpay_has_the_shape_of_its_sample(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url)
    first = await link(client, accept_partial=True)
    await act(client, "fail", first)
    await act(client, "approve", first)
    paid = await act(client, "pay", first, amount=100_000)
    path = f"/razorpay/v1/payments/{paid['payment']}/refund"
    await client.post(path, json={}, auth=RAZORPAY_AUTH)
    second = await link(client, "attempt-2")
    await client.post(f"/razorpay/v1/payment_links/{second}/cancel", auth=RAZORPAY_AUTH)
    body = {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 500}
    answer = await client.post("/razorpay/v1/payments/qr_codes", json=body, auth=RAZORPAY_AUTH)
    await act(client, "pay", answer.json()["id"])
    await box.sandbox.bank.courier.settled()
    if SAMPLES.exists():
        contract = RazorpayContract()
        for taken in hook.taken:
            contract.event(taken.event)
    assert {
        *("payment.failed", "payment_link.partially_paid", "refund.processed"),
        *("payment_link.cancelled", "qr_code.created", "qr_code.credited", "qr_code.closed"),
    } <= set(types(hook))


async def test_an_answer_that_is_not_2xx_brings_the_event_again(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url)
    hook.answers = [500, 302]
    await client.post(f"/razorpay/v1/payment_links/{await link(client)}/cancel", auth=RAZORPAY_AUTH)
    await box.sandbox.bank.courier.settled()
    assert types(hook) == ["payment_link.cancelled"] * 3
    assert len({taken.headers["x-razorpay-event-id"] for taken in hook.taken}) == 1
    [told] = (await client.get("/control/webhook-deliveries")).json()["items"]
    assert (told["state"], told["tries"], told["answered"]) == ("delivered", 3, 200)


async def test_tricks_are_played_on_one_providers_events(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url, "hook-secret")
    tricks = {"reorder": 1, "duplicate": 1, "drop": 0, "provider": "razorpay"}
    await client.post("/control/webhooks", json=tricks)
    await act(client, "pay", await link(client))
    await box.sandbox.bank.courier.settled()
    assert types(hook) == [
        *("payment_link.paid", "payment_link.paid"),
        *("order.paid", "payment.captured", "payment.authorized"),
    ]
    hook.taken.clear()
    await client.post("/control/webhooks", json={"drop": 2, "tamper": 1})
    await act(client, "pay", await link(client, "attempt-2"))
    await box.sandbox.bank.courier.settled()
    assert types(hook) == ["order.paid", "payment_link.paid"]
    sdk: Any = razorpay.Client(auth=RAZORPAY_AUTH)
    signature = hook.taken[0].headers["x-razorpay-signature"]
    with pytest.raises(SignatureVerificationError):
        sdk.utility.verify_webhook_signature(hook.taken[0].raw, signature, "hook-secret")


async def test_events_wait_by_the_clock_of_the_sandbox_and_over_a_restart(
    tmp_path: Path, hook: Receiver
) -> None:
    async with (
        running(state_dir=tmp_path) as box,
        httpx2.AsyncClient(base_url=box.url, trust_env=False) as client,
    ):
        await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
        await register(client, "razorpay", hook.url)
        await client.post("/control/webhooks", json={"delay": 3 * 24 * 3600})
        await act(client, "pay", await link(client))
        late = await act(client, "pay", await link(client, "attempt-2"), later="P2D")
        await box.sandbox.bank.courier.settled()
        assert hook.taken == []
    async with (
        running(state_dir=tmp_path) as box,
        httpx2.AsyncClient(base_url=box.url, trust_env=False) as client,
    ):
        await client.post("/control/clock", json={"advance": "P3D"})
        await box.sandbox.bank.courier.settled()
        heard = {"payment.authorized", "payment.captured", "payment.failed", "payment_link.paid"}
        assert heard <= set(types(hook))
        path = f"/razorpay/v1/payments/{late['payment']}"
        found = (await client.get(path, auth=RAZORPAY_AUTH)).json()
        assert found["status"] == "authorized"


async def test_an_endpoint_hears_the_events_of_its_own_account_alone(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await register(client, "razorpay", hook.url, key="rzp_test_other")
    await act(client, "pay", await link(client))
    await box.sandbox.bank.courier.settled()
    assert hook.taken == []
    await register(client, "razorpay", hook.url, key=RAZORPAY_AUTH[0])
    await act(client, "pay", await link(client, "attempt-2"))
    await box.sandbox.bank.courier.settled()
    assert len(hook.taken) == 4
    shown = (await client.get("/control/webhook-endpoints")).json()["items"]
    assert "secret" not in shown[0]
    for endpoint in shown:
        answer = await client.delete(f"/control/webhook-endpoints/{endpoint['id']}")
        assert answer.status_code == 204
    assert (await client.delete("/control/webhook-endpoints/we_none")).status_code == 404


async def test_who_never_answers_is_told_for_a_day_and_then_no_more(
    box: Running, client: httpx2.AsyncClient, hook: Receiver
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    await register(client, "razorpay", hook.url)
    hook.answers = [500] * 100
    await client.post(f"/razorpay/v1/payment_links/{await link(client)}/cancel", auth=RAZORPAY_AUTH)
    await box.sandbox.bank.courier.settled()
    assert len(hook.taken) == 5, "the tries that do not wait for the clock"
    for hours in (1, 2, 4, 8, 8):
        await client.post("/control/clock", json={"advance": 3600 * hours})
        await box.sandbox.bank.courier.settled()
    assert len(hook.taken) == 10
    [endpoint] = (await client.get("/control/webhook-endpoints")).json()["items"]
    assert endpoint["disabled"]
    await act(client, "pay", await link(client, "attempt-2"))
    await box.sandbox.bank.courier.settled()
    assert len(hook.taken) == 10
    hook.answers = []
    await register(client, "razorpay", hook.url)
    await act(client, "pay", await link(client, "attempt-3"))
    await box.sandbox.bank.courier.settled()
    assert len(hook.taken) == 14
