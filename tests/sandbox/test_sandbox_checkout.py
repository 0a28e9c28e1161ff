"""Hosted pages: paid by a form as a browser or a program sends it, and steered from outside."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from sandbox.main import Running

KEY = {"Authorization": "Bearer sk_test_sunrise"}
AUTH = ("rzp_test_sunrise", "its-secret")
FORM = {
    "mode": "payment",
    "success_url": "https://pay.example/ok?cs={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://pay.example/no",
    "client_reference_id": "attempt-1",
    "line_items[0][price_data][currency]": "inr",
    "line_items[0][price_data][unit_amount]": "950000",
    "line_items[0][price_data][product_data][name]": "Rent <November>",
    "line_items[0][quantity]": "1",
    "payment_method_types[0]": "card",
    "payment_method_types[1]": "upi",
}


async def made(client: httpx2.AsyncClient, **changed: str) -> dict[str, Any]:
    answer = await client.post(
        "/stripe/v1/checkout/sessions", data={**FORM, **changed}, headers=KEY
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(client: httpx2.AsyncClient, session_id: str, query: str = "") -> dict[str, Any]:
    path = f"/stripe/v1/checkout/sessions/{session_id}{query}"
    return (await client.get(path, headers=KEY)).json()


async def link(client: httpx2.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"amount": 950_000, "currency": "INR", "reference_id": "attempt-1", **more}
    return (await client.post("/razorpay/v1/payment_links", json=body, auth=AUTH)).json()


async def ledger(client: httpx2.AsyncClient) -> list[tuple[str, str, int]]:
    items = (await client.get("/control/ledger")).json()["items"]
    return [(item["kind"], item["reference"], item["amount"]) for item in items]


async def test_nothing_on_a_payers_page_comes_from_elsewhere_or_runs(
    client: httpx2.AsyncClient,
) -> None:
    for url in ((await made(client))["url"], (await link(client))["short_url"]):
        page = await client.get(url)
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "<script" not in page.text
        assert re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text) == []
    page = await client.get((await made(client))["url"])
    assert "Rent &lt;November&gt;" in page.text
    assert "form-action 'self' https://pay.example" in page.headers["content-security-policy"]
    assert (await client.get("/checkout/cs_none")).status_code == 404


async def test_a_card_pays_and_the_browser_goes_to_the_shop(client: httpx2.AsyncClient) -> None:
    session = await made(client)
    answer = await client.post(
        session["url"], data={"method": "card", "card": "4242 4242 4242 4242"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://pay.example/ok?cs={session['id']}"
    paid = await read(client, session["id"], "?expand[0]=payment_intent")
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["payment_intent"]["amount_received"] == 950_000
    assert await ledger(client) == [("capture", "attempt-1", 950_000)]
    path = f"/stripe/v1/checkout/sessions?payment_intent={paid['payment_intent']['id']}"
    listed = (await client.get(path, headers=KEY)).json()["data"]
    assert [one["id"] for one in listed] == [session["id"]]
    again = await client.post(f"/checkout/{session['id']}", data={"method": "card"})
    assert again.status_code == 409
    assert len(await ledger(client)) == 1


async def test_a_declined_card_leaves_the_page_open(client: httpx2.AsyncClient) -> None:
    session = await made(client)
    declined = {"method": "card", "card": "4000000000009995"}
    answer = await client.post(session["url"], data=declined)
    assert answer.status_code == 402
    assert 'role="alert"' in answer.text
    tried = await read(client, session["id"], "?expand[0]=payment_intent")
    assert tried["status"] == "open"
    error = tried["payment_intent"]["last_payment_error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")
    assert (await client.post(session["url"], data={"method": "upi"})).status_code == 303
    assert await ledger(client) == [("capture", "attempt-1", 950_000)]


async def test_closing_the_page_takes_nothing(client: httpx2.AsyncClient) -> None:
    session = await made(client)
    answer = await client.post(session["url"], data={"action": "cancel"})
    assert (answer.status_code, answer.headers["location"]) == (303, "https://pay.example/no")
    assert (await read(client, session["id"]))["status"] == "open"
    assert await ledger(client) == []


async def test_a_bank_that_answers_later_pays_later(client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    session = await made(client)
    await client.post(session["url"], data={"action": "later", "method": "upi"})
    waiting = await read(client, session["id"])
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
    await client.post("/control/clock", json={"advance": "PT2H"})
    assert (await read(client, session["id"]))["payment_status"] == "paid"
    other = await made(client)
    await client.post(other["url"], data={"action": "later", "method": "upi"})
    body = {"action": "fail", "target": other["id"], "code": "generic_decline"}
    assert (await client.post("/control/payer", json=body)).status_code == 200
    assert (await read(client, other["id"]))["payment_status"] == "unpaid"
    path = "/stripe/v1/events?types[0]=checkout.session.async_payment_failed"
    assert len((await client.get(path, headers=KEY)).json()["data"]) == 1


async def test_a_card_is_left_for_later_and_charged_without_its_owner(
    client: httpx2.AsyncClient,
) -> None:
    customer = (await client.post("/stripe/v1/customers", headers=KEY)).json()["id"]
    form = {"mode": "setup", "currency": "inr", "customer": customer}
    form |= {"success_url": "https://pay.example/saved", "payment_method_types[0]": "card"}
    answer = await client.post("/stripe/v1/checkout/sessions", data=form, headers=KEY)
    session = answer.json()
    answer = await client.post(session["url"], data={"card": "4000002760003184"})
    assert answer.headers["location"] == "https://pay.example/saved"
    done = await read(client, session["id"], "?expand[0]=setup_intent")
    assert (done["setup_intent"]["status"], done["payment_status"]) == (
        "succeeded",
        "no_payment_required",
    )
    cards = (
        await client.get(f"/stripe/v1/customers/{customer}/payment_methods", headers=KEY)
    ).json()
    assert [one["id"] for one in cards["data"]] == [done["setup_intent"]["payment_method"]]
    charge = {"amount": "5000", "currency": "usd", "customer": customer, "confirm": "true"}
    charge |= {"payment_method": cards["data"][0]["id"], "off_session": "true"}
    answer = await client.post("/stripe/v1/payment_intents", data=charge, headers=KEY)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, "authentication_required")


async def test_a_link_is_paid_on_its_page_and_proves_it(client: httpx2.AsyncClient) -> None:
    terms = {"callback_url": "https://pay.example/back?x=1", "callback_method": "get"}
    found = await link(client, **terms)
    refused = await client.post(
        found["short_url"], data={"vpa": "failure@razorpay", "method": "upi"}
    )
    assert refused.status_code == 402
    answer = await client.post(found["short_url"], data={"method": "upi"})
    assert answer.status_code == 303
    query = httpx2.URL(answer.headers["location"]).params
    assert (query["x"], query["razorpay_payment_link_status"]) == ("1", "paid")
    assert len(query["razorpay_signature"]) == 64
    assert await ledger(client) == [("capture", "attempt-1", 950_000)]


async def test_a_part_is_typed_in_rupees(client: httpx2.AsyncClient) -> None:
    found = await link(client, accept_partial=True)
    assert (await client.post(found["short_url"], data={"amount": "1,000"})).status_code == 422
    assert (await client.post(found["short_url"], data={"amount": "1000.5"})).status_code == 200
    assert await ledger(client) == [("capture", "attempt-1", 100_050)]


async def test_a_code_is_drawn_and_paid_from_its_page(client: httpx2.AsyncClient) -> None:
    body = {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 500}
    answer = await client.post("/razorpay/v1/payments/qr_codes", json=body, auth=AUTH)
    code = answer.json()
    drawn = await client.get(code["image_url"])
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    page = f"/checkout/{code['id']}"
    assert urlsplit(code["image_url"]).path in (await client.get(page)).text
    paid = await client.post(page)
    assert paid.status_code == 200
    assert "Thank you" in paid.text
    assert [amount for _, _, amount in await ledger(client)] == [500]


@pytest.mark.parametrize("outcome", ["applied-then-500", "applied-then-timeout"])
async def test_what_was_taken_before_the_answer_was_lost_is_in_the_ledger(
    client: httpx2.AsyncClient, outcome: str
) -> None:
    session = await made(client)
    order = {"provider": "stripe", "operation": "checkout.pay", "outcome": outcome, "delay": 0.05}
    await client.post("/control/next", json=order)
    answer = await client.post(session["url"], data={"method": "card"})
    assert answer.status_code >= 500
    assert await ledger(client) == [("capture", "attempt-1", 950_000)]
    assert (await read(client, session["id"]))["payment_status"] == "paid"


async def test_a_500_after_the_charge_is_replayed_as_it_was_and_charges_once(
    client: httpx2.AsyncClient,
) -> None:
    form = {
        "amount": "5000",
        "currency": "inr",
        "confirm": "true",
        "payment_method": "pm_card_visa",
    }
    order = {"provider": "stripe", "operation": "payment_intents.create"}
    await client.post("/control/next", json={**order, "outcome": "applied-then-500"})
    headers = {**KEY, "Idempotency-Key": "attempt:1"}
    answers = [
        await client.post("/stripe/v1/payment_intents", data=form, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(await ledger(client)) == 1


async def test_a_lost_answer_is_replayed_and_a_lost_request_is_not(
    client: httpx2.AsyncClient,
) -> None:
    for outcome, sessions in (("applied-then-timeout", 1), ("timeout", 2)):
        order = {"provider": "stripe", "operation": "checkout.sessions.create", "delay": 0.05}
        await client.post("/control/next", json={**order, "outcome": outcome})
        headers = {**KEY, "Idempotency-Key": outcome}
        path = "/stripe/v1/checkout/sessions"
        lost = await client.post(path, data=FORM, headers=headers)
        found = await client.post(path, data=FORM, headers=headers)
        assert (lost.status_code, found.status_code) == (504, 200)
        replayed = found.headers.get("idempotent-replayed")
        assert replayed == ("true" if outcome == "applied-then-timeout" else None)
        assert len((await client.get(path, headers=KEY)).json()["data"]) == sessions


async def test_a_key_of_yesterday_is_a_new_request(client: httpx2.AsyncClient) -> None:
    form = {"amount": "5000", "currency": "inr", "confirm": "true"}
    form["payment_method"] = "pm_card_visa"
    headers = {**KEY, "Idempotency-Key": "attempt:1"}
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    for advance, charges in ((0, 1), (24 * 3600 - 1, 1), (1, 2)):
        await client.post("/control/clock", json={"advance": advance})
        await client.post("/stripe/v1/payment_intents", data=form, headers=headers)
        assert len(await ledger(client)) == charges


async def test_a_bank_has_nothing_to_say_once_the_shop_let_go(client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    session = await made(client)
    await client.post(session["url"], data={"action": "later", "method": "upi"})
    intent = (await read(client, session["id"]))["payment_intent"]
    await client.post(f"/stripe/v1/payment_intents/{intent}/cancel", headers=KEY)
    await client.post("/control/clock", json={"advance": "P1D"})
    assert (await read(client, session["id"]))["payment_status"] == "unpaid"
    assert await ledger(client) == []


async def test_the_same_key_at_the_same_time_is_a_conflict(client: httpx2.AsyncClient) -> None:
    order = {"provider": "stripe", "operation": "checkout.sessions.create", "outcome": "success"}
    await client.post("/control/next", json={**order, "delay": 0.3})
    headers = {**KEY, "Idempotency-Key": "attempt:1"}
    path = "/stripe/v1/checkout/sessions"
    first = asyncio.create_task(client.post(path, data=FORM, headers=headers))
    await asyncio.sleep(0.1)
    second = await client.post(path, data=FORM, headers=headers)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await first).status_code == 200
    third = await client.post(path, data=FORM, headers=headers)
    assert third.json()["id"] == (await first).json()["id"]


@pytest.mark.parametrize(
    ("provider", "operation", "path"),
    [
        ("stripe", "checkout.sessions.create", "/stripe/v1/checkout/sessions"),
        ("razorpay", "orders.create", "/razorpay/v1/orders"),
    ],
)
async def test_a_vendor_is_busy_and_broken_in_its_own_words(
    client: httpx2.AsyncClient, provider: str, operation: str, path: str
) -> None:
    order = {"provider": provider, "operation": operation}
    auth: Any = AUTH if provider == "razorpay" else None
    headers = {} if auth else KEY
    for outcome, status in (("429", 429), ("500", 500), ("decline:insufficient_funds", None)):
        await client.post("/control/next", json={**order, "outcome": outcome})
        answer = await client.post(path, auth=auth, headers=headers)
        assert answer.status_code == (status or {"stripe": 402, "razorpay": 400}[provider])
        assert "error" in answer.json()


async def test_the_page_declines_as_ordered(client: httpx2.AsyncClient) -> None:
    session = await made(client)
    order = {"provider": "stripe", "operation": "checkout.pay", "outcome": "decline:lost_card"}
    await client.post("/control/next", json=order)
    assert (await client.post(session["url"], data={"method": "card"})).status_code == 402
    tried = await read(client, session["id"], "?expand[0]=payment_intent")
    assert tried["payment_intent"]["last_payment_error"]["decline_code"] == "lost_card"
    wrong = {"provider": "twilio", "outcome": "decline:lost_card"}
    assert (await client.post("/control/next", json=wrong)).status_code == 422


async def test_a_refund_that_fails_moves_nothing(client: httpx2.AsyncClient) -> None:
    session = await made(client)
    await client.post(session["url"], data={"method": "card"})
    intent = (await read(client, session["id"]))["payment_intent"]
    order = {"provider": "stripe", "operation": "refunds.create"}
    await client.post(
        "/control/next", json={**order, "outcome": "decline:expired_or_canceled_card"}
    )
    answer = await client.post("/stripe/v1/refunds", data={"payment_intent": intent}, headers=KEY)
    assert (answer.json()["status"], answer.json()["failure_reason"]) == (
        "failed",
        "expired_or_canceled_card",
    )
    assert len(await ledger(client)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "pay", "target": "cs_none"}, 404),
        ({"action": "pause", "target": "cs_none"}, 422),
        ({"action": "dance", "target": "cs_none"}, 422),
    ],
)
async def test_a_payer_cannot_do_what_there_is_not(
    client: httpx2.AsyncClient, body: dict[str, str], status: int
) -> None:
    assert (await client.post("/control/payer", json=body)).status_code == status


async def test_a_reset_forgets_the_money_too(box: Running, client: httpx2.AsyncClient) -> None:
    session = await made(client)
    await client.post(session["url"], data={"method": "card"})
    await client.post("/control/reset")
    assert await ledger(client) == []
    assert (await client.get(f"/checkout/{session['id']}")).status_code == 404
