"""Cards kept in the sandbox as Stripe keeps them: the SDK leaves, reads and detaches them."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
import stripe

from sandbox.main import Running
from tests.sandbox.test_stripe_contract import Listening, client_of
from tests.support.stripe_contract import SCHEMA, StripeContract

SETUP: Any = {
    "mode": "setup",
    "currency": "inr",
    "allowed_payment_method_types": ["card"],
    "client_reference_id": "method-1",
    "success_url": "https://pay.example/ok",
    "cancel_url": "https://pay.example/no",
    "metadata": {"method": "1"},
    "setup_intent_data": {"metadata": {"method": "1"}},
}
EXPANDED = ["setup_intent.payment_method"]


@pytest.fixture
async def heard() -> AsyncGenerator[Listening]:
    wire = Listening()
    yield wire
    if SCHEMA.exists():
        contract = StripeContract()
        for method, path, status, body in wire.heard:
            deletes = method == "DELETE" and status == 200
            if not (deletes or (isinstance(body, dict) and body.get("deleted"))):
                contract.judge(method, path, status, body)
    await wire.close_async()


@pytest.fixture
def shop(box: Running, heard: Listening) -> stripe.StripeClient:
    return client_of(box, heard)


async def a_page(shop: stripe.StripeClient, **changed: Any) -> stripe.checkout.Session:
    customer = await shop.v1.customers.create_async({"name": "Asha", "email": "a@mail.example"})
    asked = {**SETUP, "customer": customer.id, **changed}
    form: Any = {name: value for name, value in asked.items() if value is not None}
    return await shop.v1.checkout.sessions.create_async(form)


async def left(
    shop: stripe.StripeClient, client: httpx2.AsyncClient, page: stripe.checkout.Session
) -> stripe.PaymentMethod:
    """The card that a resident left on the page."""
    assert page.url
    answer = await client.post(page.url, data={"card": "5555 5555 5555 4444"})
    assert answer.headers["location"] == "https://pay.example/ok"
    done = await shop.v1.checkout.sessions.retrieve_async(page.id, {"expand": EXPANDED})
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    intent = done.setup_intent
    assert isinstance(intent, stripe.SetupIntent)
    assert isinstance(intent.payment_method, stripe.PaymentMethod)
    assert (intent.status, intent.customer) == ("succeeded", page.customer)
    return intent.payment_method


async def test_a_card_is_left_listed_detached_and_never_used_again(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    page = await a_page(shop)
    assert (page.status, page.payment_status) == ("open", "no_payment_required")
    method = await left(shop, client, page)
    assert method.card
    assert (method.card.brand, method.card.last4) == ("mastercard", "4444")
    assert isinstance(page.customer, str)
    listed = await shop.v1.customers.payment_methods.list_async(page.customer)
    assert [one.id for one in listed.data] == [method.id]
    gone = await shop.v1.payment_methods.detach_async(method.id)
    assert (gone.id, gone.customer) == (method.id, None)
    assert (await shop.v1.payment_methods.retrieve_async(method.id)).customer is None
    assert (await shop.v1.customers.payment_methods.list_async(page.customer)).data == []
    with pytest.raises(stripe.InvalidRequestError, match="not attached to a customer"):
        await shop.v1.payment_methods.detach_async(method.id)
    charge: Any = {"amount": 5_000, "currency": "inr", "confirm": True, "off_session": True}
    charge |= {"customer": page.customer, "payment_method": method.id}
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        await shop.v1.payment_intents.create_async(charge)


async def test_what_is_left_and_detached_is_told_in_stripes_words(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    method = await left(shop, client, await a_page(shop))
    await shop.v1.payment_methods.detach_async(method.id)
    told = (await shop.v1.events.list_async({"limit": 20})).data
    assert [event.type for event in reversed(told)] == [
        "customer.created",
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "checkout.session.completed",
        "payment_method.detached",
    ]
    assert told[1].data.object["mode"] == "setup"


async def test_a_page_that_was_closed_takes_no_card(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    page = await a_page(shop)
    gone = await shop.v1.checkout.sessions.expire_async(page.id, {"expand": ["setup_intent"]})
    assert isinstance(gone.setup_intent, stripe.SetupIntent)
    assert (gone.status, gone.setup_intent.status) == ("expired", "canceled")
    assert (await client.post(page.url or "", data={"card": "4242424242424242"})).status_code == 409


async def test_a_declined_card_is_not_left(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    page = await a_page(shop)
    answer = await client.post(page.url or "", data={"card": "4000 0000 0000 0002"})
    assert answer.status_code == 402
    assert "was not saved" in answer.text
    found = await shop.v1.checkout.sessions.retrieve_async(page.id, {"expand": EXPANDED})
    assert isinstance(found.setup_intent, stripe.SetupIntent)
    assert (found.status, found.setup_intent.payment_method) == ("open", None)
    error = found.setup_intent.last_setup_error
    assert error
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert (await left(shop, client, page)).type == "card"


async def test_a_deleted_customer_is_nobody_and_has_no_cards(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    page = await a_page(shop)
    method = await left(shop, client, page)
    assert isinstance(page.customer, str)
    assert (await shop.v1.customers.delete_async(page.customer)).deleted
    assert getattr(await shop.v1.customers.retrieve_async(page.customer), "deleted", False)
    assert (await shop.v1.customers.list_async()).data == []
    assert (await shop.v1.payment_methods.retrieve_async(method.id)).customer is None
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await a_page(shop, customer=page.customer)
    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"currency": None, "allowed_payment_method_types": None}, "currency"),
        ({"line_items": [{"quantity": 1}]}, "line_items"),
        ({"customer": "cus_none"}, "customer"),
    ],
)
async def test_a_page_for_a_card_needs_what_stripe_needs(
    shop: stripe.StripeClient, changed: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await a_page(shop, **changed)
    assert refused.value.param == param


async def test_the_page_says_what_saving_a_card_means(
    shop: stripe.StripeClient, client: httpx2.AsyncClient
) -> None:
    page = await a_page(shop)
    shown = (await client.get(page.url or "")).text
    for words in ("Save a card", "Nothing is taken now", "Save card", "Close without saving"):
        assert words in shown
    assert "Any amount" not in shown
    await left(shop, client, page)
    assert "Thank you, it is done." in (await client.get(page.url or "")).text
