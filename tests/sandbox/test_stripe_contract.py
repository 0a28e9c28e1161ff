"""The sandbox speaks Stripe: the real SDK drives every route, the published schema judges all."""

import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import stripe

from sandbox.main import Running
from tests.support.stripe_contract import RECORDED, SCHEMA, StripeContract

NOW = 1_795_200_000
LINE = {
    "price_data": {
        "currency": "inr",
        "unit_amount": 950_000,
        "product_data": {"name": "Rent November 2026"},
    },
    "quantity": 1,
}
PAYMENT: Any = {
    "mode": "payment",
    "client_reference_id": "attempt-1",
    "success_url": "https://pay.example/ok?cs={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://pay.example/no",
    "line_items": [LINE],
    "payment_method_types": ["card", "upi"],
    "metadata": {"attempt": "1"},
    "payment_intent_data": {"metadata": {"attempt": "1"}},
}


def payment(**changed: Any) -> Any:
    """The form of a payment page, changed."""
    return {**PAYMENT, **changed}


class Listening(stripe.HTTPClient):
    """The SDK's door to the network, remembering what went through it."""

    name = "httpx2"

    def __init__(self) -> None:
        super().__init__()
        self._client = httpx2.AsyncClient(timeout=5, trust_env=False)
        self.heard: list[tuple[str, str, int, Any]] = []
        self.headers: list[Any] = []

    async def request_async(
        self, method: str, url: str, headers: Any, post_data: Any = None
    ) -> tuple[bytes, int, Any]:
        answer = await self._client.request(method, url, headers=headers, content=post_data)
        path = urlsplit(url).path.removeprefix("/stripe")
        self.heard.append((method.upper(), path, answer.status_code, answer.json()))
        self.headers.append(answer.headers)
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        await self._client.aclose()


@pytest.fixture
async def wire() -> AsyncGenerator[Listening]:
    wire = Listening()
    yield wire
    if SCHEMA.exists():
        contract = StripeContract()
        for method, path, status, body in wire.heard:
            contract.judge(method, path, status, body)
    await wire.close_async()


@pytest.fixture
def sdk(box: Running, wire: Listening) -> stripe.StripeClient:
    return client_of(box, wire)


def client_of(box: Running, wire: Listening, key: str = "sk_test_sunrise") -> stripe.StripeClient:
    base = f"{box.url}/stripe"
    addresses: Any = dict.fromkeys(("api", "files", "connect", "meter_events"), base)
    return stripe.StripeClient(
        key, base_addresses=addresses, max_network_retries=0, http_client=wire
    )


async def pay(client: httpx2.AsyncClient, target: str, **more: object) -> dict[str, Any]:
    body = {"action": "pay", "target": target, "method": "card", **more}
    answer = await client.post("/control/payer", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_customer_is_made_changed_and_found(sdk: stripe.StripeClient) -> None:
    made = await sdk.v1.customers.create_async(
        {"email": "asha@mail.example", "name": "Asha", "metadata": {"resident": "1", "old": "x"}}
    )
    assert made.id.startswith("cus_")
    changed = await sdk.v1.customers.update_async(
        made.id, {"phone": "+919812345678", "metadata": {"old": ""}}
    )
    assert (changed.name, changed.phone) == ("Asha", "+919812345678")
    found = await sdk.v1.customers.retrieve_async(made.id)
    assert found.metadata
    assert found.metadata.to_dict() == {"resident": "1"}
    listed = await sdk.v1.customers.list_async({"email": "asha@mail.example"})
    assert [one.id for one in listed.data] == [made.id]


async def test_a_session_is_opened_read_listed_and_expired(
    sdk: stripe.StripeClient, box: Running
) -> None:
    customer = await sdk.v1.customers.create_async({"email": "asha@mail.example"})
    made = await sdk.v1.checkout.sessions.create_async(payment(customer=customer.id))
    assert made.url == f"{box.url}/checkout/{made.id}"
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 950_000)
    assert made.expires_at == made.created + 24 * 3600
    found = await sdk.v1.checkout.sessions.retrieve_async(
        made.id, {"expand": ["line_items", "customer", "payment_intent"]}
    )
    assert found.line_items
    assert [line.description for line in found.line_items.data] == ["Rent November 2026"]
    assert isinstance(found.customer, stripe.Customer)
    lines = await sdk.v1.checkout.sessions.line_items.list_async(made.id)
    assert [line.amount_total for line in lines.data] == [950_000]
    listed = await sdk.v1.checkout.sessions.list_async({"customer": customer.id})
    assert [one.id for one in listed.data] == [made.id]
    gone = await sdk.v1.checkout.sessions.expire_async(made.id)
    assert (gone.status, gone.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        await sdk.v1.checkout.sessions.expire_async(made.id)


async def test_ways_to_pay_are_a_filter_since_endive(sdk: stripe.StripeClient) -> None:
    asked = {name: value for name, value in PAYMENT.items() if name != "payment_method_types"}
    asked["allowed_payment_method_types"] = ["upi"]
    made = await sdk.v1.checkout.sessions.create_async(asked)  # pyright: ignore[reportArgumentType]
    assert made.allowed_payment_method_types == made.payment_method_types == ["upi"]


async def test_a_bare_key_is_tried_by_asking_whose_it_is(sdk: stripe.StripeClient) -> None:
    account = await sdk.v1.accounts.retrieve_current_async()
    assert account.charges_enabled
    again = await sdk.v1.accounts.retrieve_async(account.id)
    assert again.id == account.id
    with pytest.raises(stripe.PermissionError):
        await sdk.v1.accounts.retrieve_async("acct_other")
    balance = await sdk.v1.balance.retrieve_async()
    assert [one.amount for one in balance.available] == [0]


async def test_a_key_stripe_never_made_is_refused(box: Running, wire: Listening) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        await client_of(box, wire, "rzp_test_x").v1.balance.retrieve_async()


async def test_what_belongs_to_one_account_is_nobody_elses(
    box: Running, wire: Listening, sdk: stripe.StripeClient
) -> None:
    made = await sdk.v1.checkout.sessions.create_async(PAYMENT)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client_of(box, wire, "sk_test_other").v1.checkout.sessions.retrieve_async(made.id)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"line_items": [{**LINE, "colour": "red"}]}, "line_items[0][colour]", "parameter_unknown"),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"success_url": ""}, "success_url", "parameter_missing"),
        ({"mode": "rent"}, "mode", None),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"customer": "cus_none"}, "customer", "resource_missing"),
    ],
)
async def test_a_form_that_is_not_right_is_refused_in_stripes_words(
    sdk: stripe.StripeClient, changed: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.checkout.sessions.create_async(payment(**changed))
    assert (refused.value.param, refused.value.code) == (param, code)
    assert refused.value.http_status == 400


@pytest.mark.parametrize("after", [1799, 86401])
async def test_a_page_cannot_close_sooner_than_in_half_an_hour_or_later_than_in_a_day(
    sdk: stripe.StripeClient, client: httpx2.AsyncClient, after: int
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    now = (await sdk.v1.customers.create_async({})).created
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.checkout.sessions.create_async(payment(expires_at=now + after))
    assert refused.value.param == "expires_at"


@pytest.mark.parametrize("after", [1800, 86400])
async def test_a_page_closes_at_its_time_by_the_clock_of_the_sandbox(
    sdk: stripe.StripeClient, client: httpx2.AsyncClient, after: int
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-20T10:00:00Z"})
    now = (await sdk.v1.customers.create_async({})).created
    made = await sdk.v1.checkout.sessions.create_async(payment(expires_at=now + after))
    seen: list[str | None] = []
    for seconds in (after - 1, 1):
        await client.post("/control/clock", json={"advance": seconds})
        seen.append((await sdk.v1.checkout.sessions.retrieve_async(made.id)).status)
    assert seen == ["open", "expired"]
    [event] = (await sdk.v1.events.list_async({"type": "checkout.session.expired"})).data
    assert event.created == now + after


async def test_the_same_key_is_answered_the_same_and_does_nothing_twice(
    sdk: stripe.StripeClient, wire: Listening
) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "attempt:1"}
    first = await sdk.v1.checkout.sessions.create_async(PAYMENT, options)
    second = await sdk.v1.checkout.sessions.create_async(PAYMENT, options)
    assert second.id == first.id
    assert "Idempotent-Replayed" not in wire.headers[0]
    assert wire.headers[1]["Idempotent-Replayed"] == "true"
    assert len((await sdk.v1.checkout.sessions.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError) as refused:
        await sdk.v1.checkout.sessions.create_async(payment(cancel_url="x"), options)
    assert refused.value.http_status == 400


async def test_a_refused_form_does_not_use_its_key_up(sdk: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "attempt:1"}
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.checkout.sessions.create_async(payment(success_url=""), options)
    assert (await sdk.v1.checkout.sessions.create_async(PAYMENT, options)).status == "open"


async def test_refunds_never_exceed_what_was_paid(
    sdk: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    made = await sdk.v1.payment_intents.create_async(
        {"amount": 120_000, "currency": "inr", "confirm": True, "payment_method": "pm_card_visa"}
    )
    assert made.status == "succeeded"
    first = await sdk.v1.refunds.create_async({"payment_intent": made.id, "amount": 50_000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await sdk.v1.refunds.create_async({"payment_intent": made.id, "amount": 70_001})
    assert isinstance(made.latest_charge, str)
    rest = await sdk.v1.refunds.create_async({"charge": made.latest_charge})
    assert rest.amount == 70_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.refunds.create_async({"payment_intent": made.id})
    assert refused.value.code == "charge_already_refunded"
    listed = await sdk.v1.refunds.list_async({"payment_intent": made.id})
    assert [one.id for one in listed.data] == [rest.id, first.id]
    assert (await sdk.v1.refunds.retrieve_async(first.id)).amount == 50_000
    [total] = (await client.get("/control/ledger")).json()["totals"]
    assert (total["captured"], total["refunded"], total["net"]) == (120_000, 120_000, 0)


async def test_a_reserved_amount_is_taken_or_let_go(sdk: stripe.StripeClient) -> None:
    params: Any = {"amount": 5_000, "currency": "usd", "confirm": True, "capture_method": "manual"}
    params |= {"payment_method": "pm_card_visa"}
    first = await sdk.v1.payment_intents.create_async(params)
    assert (first.status, first.amount_capturable) == ("requires_capture", 5_000)
    with pytest.raises(stripe.InvalidRequestError):
        await sdk.v1.payment_intents.capture_async(first.id, {"amount_to_capture": 5_001})
    taken = await sdk.v1.payment_intents.capture_async(first.id, {"amount_to_capture": 1_000})
    assert (taken.status, taken.amount_received) == ("succeeded", 1_000)
    second = await sdk.v1.payment_intents.create_async(params)
    let_go = await sdk.v1.payment_intents.cancel_async(
        second.id, {"cancellation_reason": "abandoned"}
    )
    assert (let_go.status, let_go.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sdk.v1.payment_intents.confirm_async(second.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_a_declined_card_is_402_with_its_reason_and_the_intent(
    sdk: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        await sdk.v1.payment_intents.create_async(
            {
                "amount": 5_000,
                "currency": "inr",
                "confirm": True,
                "payment_method": "pm_card_chargeDeclined",
            }
        )
    error = refused.value.error
    assert error
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent
    found = await sdk.v1.payment_intents.retrieve_async(
        error.payment_intent.id, {"expand": ["latest_charge"]}
    )
    assert found.status == "requires_payment_method"
    assert isinstance(found.latest_charge, stripe.Charge)
    assert found.latest_charge.failure_code == "card_declined"


async def test_events_and_charges_are_listed_by_kind_and_owner(sdk: stripe.StripeClient) -> None:
    made = await sdk.v1.payment_intents.create_async(
        {"amount": 5_000, "currency": "inr", "confirm": True, "payment_method": "pm_card_visa"}
    )
    listed = await sdk.v1.events.list_async({"types": ["payment_intent.succeeded"], "limit": 5})
    [event] = listed.data
    assert event.data.object["id"] == made.id
    assert (await sdk.v1.events.retrieve_async(event.id)).type == "payment_intent.succeeded"
    [charge] = (await sdk.v1.charges.list_async({"payment_intent": made.id})).data
    assert (await sdk.v1.charges.retrieve_async(charge.id)).amount_captured == 5_000
    assert isinstance(made.payment_method, str)
    method = await sdk.v1.payment_methods.retrieve_async(made.payment_method)
    assert method.card
    assert method.card.last4 == "4242"
    assert [one.id for one in (await sdk.v1.payment_intents.list_async()).data] == [made.id]


async def test_long_lists_are_read_page_by_page(sdk: stripe.StripeClient) -> None:
    made = [(await sdk.v1.customers.create_async({"name": str(n)})).id for n in range(5)]
    listed = await sdk.v1.customers.list_async({"limit": 2})
    assert listed.has_more
    assert [one.id async for one in listed.auto_paging_iter()] == list(reversed(made))
    before = await sdk.v1.customers.list_async({"limit": 2, "ending_before": made[1]})
    assert [one.id for one in before.data] == [made[3], made[2]]


def replays() -> list[dict[str, Any]]:
    """The recorded requests of the operations the sandbox has."""
    if not RECORDED.exists():
        return []
    kept = ("customer", "checkout payment", "checkout setup", "checkout retrieve", "PI c")
    more = ("checkout expire", "refund", "list events", "direct call")
    recorded = json.loads(RECORDED.read_text())["requests"]
    return [one for one in recorded if one["name"].startswith((*kept, *more))]


@pytest.mark.parametrize("recorded", replays(), ids=lambda one: one["name"])
async def test_what_the_sdk_was_recorded_to_send_is_understood(
    sdk: stripe.StripeClient, client: httpx2.AsyncClient, recorded: dict[str, Any]
) -> None:
    await client.post("/control/clock", json={"now": "2026-11-21T00:00:00Z"})
    account = await sdk.v1.accounts.retrieve_current_async()
    mine = {"Authorization": "Bearer sk_test_sunrise", "Stripe-Account": account.id}
    request = recorded["request"]
    customer = await sdk.v1.customers.create_async({})
    session = await sdk.v1.checkout.sessions.create_async(PAYMENT)
    params: Any = {"amount": 1_200_000, "currency": "inr", "payment_method": "pm_card_visa"}
    if "capture" in request["path"]:
        params |= {"capture_method": "manual"}
    params["confirm"] = "refund" in recorded["name"] or "capture" in request["path"]
    intent = await sdk.v1.payment_intents.create_async(params)
    known = {"cus_1": customer.id, "cs_1": session.id, "pi_1": intent.id}
    known["pm_1"] = "pm_card_visa"

    def real(text: str) -> str:
        for placeholder, record_id in known.items():
            text = text.replace(placeholder, record_id)
        return text.replace("1795300000", str(session.created + 3600))

    answer = await client.request(
        request["method"],
        f"/stripe{real(request['path'])}?{real(request['query'])}",
        content=real(request["body"]),
        headers={**request["headers"], **mine},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["stripe-version"] == "2026-10-28.endive"
