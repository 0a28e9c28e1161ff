"""The sandbox speaks Razorpay: the real SDK drives every route, the vendor's samples judge all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
import razorpay
from razorpay.errors import BadRequestError

from sandbox.main import Running
from tests.support.razorpay_contract import SAMPLES, RazorpayContract

AUTH = ("rzp_test_sunrise", "its-secret")
LINK: dict[str, Any] = {
    "amount": 950_000,
    "currency": "INR",
    "reference_id": "attempt-1",
    "description": "Rent November 2026",
    "customer": {"name": "Asha", "contact": "+919812345678", "email": "asha@mail.example"},
    "notify": {"sms": False, "email": False},
    "callback_url": "https://pay.example/back",
    "callback_method": "get",
}
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def sdk(box: Running) -> Any:
    return razorpay.Client(auth=AUTH, base_url=f"{box.url}/razorpay")


@pytest.fixture
def judge() -> Callable[[str, dict[str, Any]], None]:
    contract = RazorpayContract() if SAMPLES.exists() else None

    def judge(entity: str, body: dict[str, Any]) -> None:
        if contract is not None:
            contract.answer(entity, body)

    return judge


async def ask(call: Callable[..., Any], *given: Any) -> Any:
    """A call of the SDK, which knows no waiting but the blocking one."""
    return await asyncio.to_thread(call, *given)


async def act(client: httpx2.AsyncClient, action: str, target: str, **more: Any) -> dict[str, Any]:
    body = {"action": action, "target": target, **more}
    answer = await client.post("/control/payer", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_order_is_made_read_and_found_by_its_receipt(sdk: Any, judge: Any) -> None:
    made = await ask(sdk.order.create, {"amount": 5_000, "currency": "INR", "receipt": "r-1"})
    judge("order", made)
    assert (made["status"], made["amount_due"], made["notes"]) == ("created", 5_000, [])
    again = await ask(sdk.order.create, {"amount": 5_000, "currency": "INR", "receipt": "r-1"})
    assert again["id"] != made["id"], "a receipt is no key"
    found = await ask(sdk.order.all, {"receipt": "r-1"})
    assert [one["id"] for one in found["items"]] == [again["id"], made["id"]]
    assert await ask(sdk.order.fetch, made["id"]) == made
    assert await ask(sdk.order.payments, made["id"]) == {
        "entity": "collection",
        "count": 0,
        "items": [],
    }


async def test_a_link_is_made_found_changed_and_cancelled(sdk: Any, judge: Any) -> None:
    made = await ask(sdk.payment_link.create, {**LINK, "notes": {"attempt": "1"}})
    judge("payment_link", made)
    assert (made["status"], made["notes"]) == ("created", {"attempt": "1"})
    with pytest.raises(BadRequestError, match="already exists"):
        await ask(sdk.payment_link.create, LINK)
    found = await ask(sdk.payment_link.all, {"reference_id": "attempt-1"})
    assert [one["id"] for one in found["payment_links"]] == [made["id"]]
    changed = await ask(sdk.payment_link.edit, made["id"], {"reference_id": "attempt-2"})
    assert changed["reference_id"] == "attempt-2"
    gone = await ask(sdk.payment_link.cancel, made["id"])
    judge("payment_link", gone)
    assert gone["status"] == "cancelled"
    with pytest.raises(BadRequestError, match="cannot be cancelled"):
        await ask(sdk.payment_link.cancel, made["id"])
    assert (await ask(sdk.payment_link.fetch, made["id"]))["cancelled_at"] > 0


async def test_a_paid_link_has_its_order_its_payment_and_its_proof(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    made = await ask(sdk.payment_link.create, LINK)
    assert "order_id" not in made
    paid = await act(client, "pay", made["id"])
    link = await ask(sdk.payment_link.fetch, made["id"])
    assert (link["status"], link["amount_paid"]) == ("paid", 950_000)
    assert [one["payment_id"] for one in link["payments"]] == [paid["payment"]]
    order = await ask(sdk.order.fetch, link["order_id"])
    judge("order", order)
    assert (order["status"], order["amount_due"], order["receipt"]) == ("paid", 0, "attempt-1")
    payment = await ask(sdk.payment.fetch, paid["payment"])
    judge("payment", payment)
    assert (payment["status"], payment["order_id"]) == ("captured", order["id"])
    assert len(payment["acquirer_data"]["rrn"]) == 12
    query = dict(httpx2.URL(paid["redirect"]).params)
    proof = {name.removeprefix("razorpay_"): value for name, value in query.items()}
    proof = {"razorpay_payment_id": query["razorpay_payment_id"], **proof}
    proof["razorpay_signature"] = query["razorpay_signature"]
    assert await ask(sdk.utility.verify_payment_link_signature, proof)


async def test_a_link_is_paid_in_parts_where_that_is_allowed(
    sdk: Any, client: httpx2.AsyncClient
) -> None:
    terms = {**LINK, "accept_partial": True, "first_min_partial_amount": 100_000}
    made = await ask(sdk.payment_link.create, terms)
    small = {"action": "pay", "target": made["id"], "amount": 99_999}
    assert (await client.post("/control/payer", json=small)).status_code == 409
    await act(client, "pay", made["id"], amount=100_000)
    link = await ask(sdk.payment_link.fetch, made["id"])
    assert (link["status"], link["amount_paid"]) == ("partially_paid", 100_000)
    await act(client, "pay", made["id"])
    link = await ask(sdk.payment_link.fetch, made["id"])
    assert (link["status"], len(link["payments"])) == ("paid", 2)
    whole = await ask(sdk.payment_link.create, {**LINK, "reference_id": "attempt-2"})
    part = {"action": "pay", "target": whole["id"], "amount": 100_000}
    assert (await client.post("/control/payer", json=part)).status_code == 409


async def test_an_authorised_payment_is_captured_whole_and_once(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    order = await ask(sdk.order.create, {"amount": 5_000, "currency": "INR"})
    paid = await act(client, "pay", order["id"], method="card")
    assert paid["status"] == "authorized"
    with pytest.raises(BadRequestError, match="equal to the amount authorized"):
        await ask(sdk.payment.capture, paid["payment"], 4_999, {"currency": "INR"})
    taken = await ask(sdk.payment.capture, paid["payment"], 5_000, {"currency": "INR"})
    judge("payment", taken)
    assert (taken["fee"], taken["tax"]) == (118, 18)
    with pytest.raises(BadRequestError, match="already been captured"):
        await ask(sdk.payment.capture, paid["payment"], 5_000, {"currency": "INR"})
    assert (await ask(sdk.order.fetch, order["id"]))["status"] == "paid"
    listed = await ask(sdk.payment.all, {"count": 5})
    assert [one["id"] for one in listed["items"]] == [paid["payment"]]


async def test_refunds_never_exceed_what_was_paid_and_leave_the_order_paid(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    made = await ask(sdk.payment_link.create, LINK)
    paid = await act(client, "pay", made["id"])
    first = await ask(sdk.payment.refund, paid["payment"], {"amount": 400_000, "receipt": "cn-1"})
    judge("refund", first)
    with pytest.raises(BadRequestError, match="greater than"):
        await ask(sdk.payment.refund, paid["payment"], {"amount": 550_001})
    second = await ask(sdk.payment.refund, paid["payment"], {"amount": 550_000})
    payment = await ask(sdk.payment.fetch, paid["payment"])
    assert (payment["status"], payment["refund_status"]) == ("refunded", "full")
    listed = await ask(sdk.payment.fetch_multiple_refund, paid["payment"])
    assert [one["id"] for one in listed["items"]] == [first["id"], second["id"]]
    assert await ask(sdk.refund.fetch, first["id"]) == first
    assert (await ask(sdk.refund.all))["count"] == 2
    link = await ask(sdk.payment_link.fetch, made["id"])
    assert (await ask(sdk.order.fetch, link["order_id"]))["status"] == "paid"
    [total] = (await client.get("/control/ledger")).json()["totals"]
    assert (total["captured"], total["refunded"], total["net"]) == (950_000, 950_000, 0)


async def test_a_refund_with_a_key_is_made_once(
    sdk: Any, box: Running, client: httpx2.AsyncClient
) -> None:
    made = await ask(sdk.payment_link.create, LINK)
    paid = await act(client, "pay", made["id"])
    path = f"/razorpay/v1/payments/{paid['payment']}/refund"
    headers = {"X-Refund-Idempotency": "credit-note-1"}
    answers = [
        (await client.post(path, json={"amount": 100}, headers=headers, auth=AUTH)).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    other = await client.post(path, json={"amount": 200}, headers=headers, auth=AUTH)
    assert other.status_code == 409


async def test_a_code_is_paid_once_and_closes(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    terms = {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 5_000}
    made = await ask(sdk.qrcode.create, {**terms, "close_by": 1_795_300_000})
    judge("qr_code", made)
    assert made["close_by"] - made["created_at"] == 2 * 3600, "longer is cut to two hours"
    assert made["image_content"].startswith("upi://pay?pa=sandbox.rzp@sandbox&pn=Sandbox&tr=qr")
    assert "am=50.00&cu=INR" in made["image_content"]
    paid = await act(client, "pay", made["id"])
    code = await ask(sdk.qrcode.fetch, made["id"])
    judge("qr_code", code)
    assert (code["status"], code["close_reason"]) == ("closed", "paid")
    payments = await ask(sdk.qrcode.fetch_all_payments, made["id"])
    judge("payment", payments["items"][0])
    assert [one["id"] for one in payments["items"]] == [paid["payment"]]
    by_payment = await ask(sdk.qrcode.all, {"payment_id": paid["payment"]})
    assert [one["id"] for one in by_payment["items"]] == [made["id"]]
    again = {"action": "pay", "target": made["id"]}
    assert (await client.post("/control/payer", json=again)).status_code == 409


async def test_a_code_closes_on_demand_and_at_its_time(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    terms = {"type": "upi_qr", "usage": "single_use", "fixed_amount": True, "payment_amount": 5_000}
    first = await ask(sdk.qrcode.close, (await ask(sdk.qrcode.create, terms))["id"])
    judge("qr_code", first)
    assert (first["status"], first["close_reason"]) == ("closed", "on_demand")
    second = await ask(sdk.qrcode.create, terms)
    await client.post("/control/clock", json={"advance": "PT2H"})
    assert (await ask(sdk.qrcode.fetch, second["id"]))["status"] == "closed"


async def test_a_failed_payment_can_be_authorised_up_to_three_days_later(
    sdk: Any, judge: Any, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    made = await ask(sdk.payment_link.create, LINK)
    paid = await act(client, "pay", made["id"], later="P2D")
    failed = await ask(sdk.payment.fetch, paid["payment"])
    judge("payment", failed)
    assert (failed["status"], failed["error_code"]) == ("failed", "BAD_REQUEST_ERROR")
    await client.post("/control/clock", json={"advance": "P2D"})
    late = await ask(sdk.payment.fetch, paid["payment"])
    assert (late["status"], late["error_code"]) == ("authorized", None)
    assert (await ask(sdk.payment_link.fetch, made["id"]))["status"] == "created"
    await ask(sdk.payment.capture, paid["payment"], 950_000, {"currency": "INR"})
    assert (await ask(sdk.payment_link.fetch, made["id"]))["status"] == "paid"


async def test_what_nobody_captures_in_three_days_goes_back_and_never_was_ours(
    sdk: Any, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    made = await ask(sdk.payment_link.create, LINK)
    paid = await act(client, "pay", made["id"], later="P1D")
    await client.post("/control/clock", json={"advance": "P10D"})
    given_back = await ask(sdk.payment.fetch, paid["payment"])
    assert (given_back["status"], given_back["captured"]) == ("refunded", False)
    assert (await client.get("/control/ledger")).json() == {"items": [], "totals": []}


async def test_after_three_days_no_bank_says_yes(sdk: Any, client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    made = await ask(sdk.payment_link.create, LINK)
    await act(client, "fail", made["id"], code="payment_timed_out")
    await client.post("/control/clock", json={"advance": "P3DT1S"})
    late = {"action": "approve", "target": made["id"]}
    assert (await client.post("/control/payer", json=late)).status_code == 409


async def test_a_link_expires_at_its_time(sdk: Any, client: httpx2.AsyncClient) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    now = (await ask(sdk.order.create, {"amount": 100, "currency": "INR"}))["created_at"]
    with pytest.raises(BadRequestError, match="15 minutes"):
        await ask(sdk.payment_link.create, {**LINK, "expire_by": now + 899})
    made = await ask(sdk.payment_link.create, {**LINK, "expire_by": now + 900})
    await client.post("/control/clock", json={"advance": "PT1H"})
    expired = await ask(sdk.payment_link.fetch, made["id"])
    assert (expired["status"], expired["expired_at"]) == ("expired", now + 900)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": 99}, "amount"),
        ({"amount": "950000"}, "amount"),
        ({"amount": True}, "amount"),
        ({"colour": "red"}, "colour"),
        ({"reference_id": "x" * 41}, "reference_id"),
        ({"callback_method": "post"}, "callback_method"),
        ({"notes": {str(n): "x" for n in range(16)}}, "notes"),
    ],
)
async def test_a_body_that_is_not_right_is_refused_in_razorpays_words(
    client: httpx2.AsyncClient, changed: dict[str, Any], field: str
) -> None:
    answer = await client.post("/razorpay/v1/payment_links", json={**LINK, **changed}, auth=AUTH)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["code"] == "BAD_REQUEST_ERROR"
    if SAMPLES.exists():
        RazorpayContract().refusal(answer.json())


async def test_nobody_gets_in_with_another_secret(sdk: Any, client: httpx2.AsyncClient) -> None:
    await ask(sdk.order.all)
    for auth in (("rzp_test_sunrise", "wrong"), ("sk_test_x", "y"), None):
        answer = await client.get("/razorpay/v1/orders", auth=auth)
        assert answer.status_code == 401
    other = await client.get("/razorpay/v1/payments/pay_none", auth=AUTH)
    assert (other.status_code, other.json()["error"]["code"]) == (400, "BAD_REQUEST_ERROR")


async def test_a_lost_answer_leaves_the_link_to_be_found(
    sdk: Any, client: httpx2.AsyncClient
) -> None:
    order = {"provider": "razorpay", "operation": "payment_links.create"}
    await client.post("/control/next", json={**order, "outcome": "applied-then-500"})
    answer = await client.post("/razorpay/v1/payment_links", json=LINK, auth=AUTH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "SERVER_ERROR")
    found = await ask(sdk.payment_link.all, {"reference_id": "attempt-1"})
    assert len(found["payment_links"]) == 1
