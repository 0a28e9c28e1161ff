"""Cards at Stripe over the real SDK: pages opened once and found, cards read and forgotten."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.payment_method import SavedCard
from providers import stripe_wire
from providers.cards import Owner, SetupAsked
from providers.payments import PageState, Payer
from providers.stripe_cards import StripeCards
from providers.wire import Wire
from sandbox.main import Running
from tests.support.outgoing import Order
from tests.support.paying import NOW, RETURN, Till

KEY = {"Authorization": "Bearer sk_test_sunrise"}
OWNER = Owner(uuid4(), 1, Payer("Asha Rao", "asha@mail.example", "+919812345678"))
PAGE = SetupAsked(
    *(uuid4(), "INR", f"{RETURN}?card=left", RETURN),
    asked_at=NOW,
    expires_at=NOW + timedelta(hours=12),
)


@pytest.fixture
def cards(box: Running, wire: Wire) -> StripeCards:
    """Sunrise's own account."""
    return StripeCards(stripe_wire.client(wire, f"{box.url}/stripe", "sk_test_sunrise", None))


@pytest.fixture
async def customer(cards: StripeCards, till: Till) -> str:
    return await cards.owner(OWNER)


async def listed(client: httpx2.AsyncClient, path: str) -> list[str]:
    found = await client.get(f"/stripe/v1/{path}?limit=100", headers=KEY)
    return [one["id"] for one in found.json()["data"]]


async def test_a_resident_is_made_known_once(
    cards: StripeCards, client: httpx2.AsyncClient, customer: str
) -> None:
    assert await cards.owner(OWNER) == customer
    moved = replace(OWNER, payer=Payer("Asha Rao", "new@mail.example"))
    assert await cards.owner(moved) == customer, "under the same key, asked otherwise"
    assert await listed(client, "customers") == [customer]
    told = (await client.get(f"/stripe/v1/customers/{customer}", headers=KEY)).json()
    assert (told["name"], told["email"], told["phone"]) == (
        "Asha Rao",
        "asha@mail.example",
        "+919812345678",
    )


@pytest.mark.parametrize("outcome", ["applied-then-timeout", "applied-then-500", "timeout", "500"])
async def test_a_customer_nobody_answered_for_is_found_days_later(
    cards: StripeCards, till: Till, client: httpx2.AsyncClient, order: Order, outcome: str
) -> None:
    delay = 30 if outcome.endswith("timeout") else 0
    await order("stripe", outcome, operation="customers.create", delay=delay)
    with pytest.raises(UnknownOutcome):
        await cards.owner(OWNER)
    await till.later(3 * 86_400)  # by now Stripe has forgotten the key
    found = await cards.owner(replace(OWNER, asked_before=NOW))
    assert await listed(client, "customers") == [found]


async def test_who_was_forgotten_is_made_known_anew(
    cards: StripeCards, client: httpx2.AsyncClient, customer: str
) -> None:
    await client.delete(f"/stripe/v1/customers/{customer}", headers=KEY)
    with pytest.raises(Refused) as refused:
        await cards.open(PAGE, customer)
    assert refused.value.code == "NO_SUCH_CUSTOMER"
    again = await cards.owner(replace(OWNER, made=2))
    assert again != customer
    assert (await cards.open(PAGE, again)).pay_url


async def test_a_page_for_a_card_is_opened_once_and_found(
    cards: StripeCards, till: Till, client: httpx2.AsyncClient, customer: str
) -> None:
    opened = await cards.open(PAGE, customer)
    await till.later(60)
    assert await cards.open(PAGE, customer) == opened
    assert await listed(client, "checkout/sessions") == [opened.provider_id]
    page = (
        await client.get(f"/stripe/v1/checkout/sessions/{opened.provider_id}", headers=KEY)
    ).json()
    assert (page["mode"], page["customer"], page["currency"]) == ("setup", customer, "inr")
    assert page["client_reference_id"] == str(PAGE.method_id)
    assert page["payment_method_types"] == ["card"]
    assert opened.expires_at == PAGE.expires_at
    for named in (opened.provider_id, None):
        standing = await cards.look_up(PAGE, named)
        assert standing
        assert (standing.opened, standing.state, standing.card) == (opened, PageState.open, None)


@pytest.mark.parametrize("outcome", ["applied-then-timeout", "applied-then-500"])
async def test_a_page_nobody_answered_for_is_found_by_our_reference(
    cards: StripeCards, client: httpx2.AsyncClient, order: Order, customer: str, outcome: str
) -> None:
    delay = 30 if outcome.endswith("timeout") else 0
    await order("stripe", outcome, operation="checkout.sessions.create", delay=delay)
    with pytest.raises(UnknownOutcome):
        await cards.open(PAGE, customer)
    standing = await cards.look_up(PAGE, None)
    assert standing
    assert (await cards.open(PAGE, customer)).provider_id == standing.opened.provider_id
    assert len(await listed(client, "checkout/sessions")) == 1


async def test_a_page_that_was_never_opened_is_none(
    cards: StripeCards, order: Order, customer: str
) -> None:
    await order("stripe", "429", operation="checkout.sessions.create")
    with pytest.raises(Unavailable) as raised:
        await cards.open(PAGE, customer)
    assert type(raised.value) is Unavailable
    assert await cards.look_up(PAGE, None) is None
    assert await cards.look_up(PAGE, "cs_none") is None


async def left(cards: StripeCards, client: httpx2.AsyncClient, customer: str) -> SavedCard:
    """The card that was left on a page."""
    opened = await cards.open(PAGE, customer)
    await client.post(opened.pay_url or "", data={"card": "5555555555554444"})
    standing = await cards.look_up(PAGE, opened.provider_id)
    assert standing
    assert standing.state is PageState.paid
    assert standing.card
    return standing.card


async def test_what_was_left_is_told_by_its_last_digits(
    cards: StripeCards, client: httpx2.AsyncClient, customer: str
) -> None:
    card = await left(cards, client, customer)
    assert (card.brand, card.last4) == ("mastercard", "4444")
    assert (card.expiry_month, card.expiry_year) == (12, 2034)
    assert await cards.card(card.provider_id) == card


async def test_a_card_is_forgotten_once_and_stays_so(
    cards: StripeCards, client: httpx2.AsyncClient, order: Order, customer: str
) -> None:
    card = await left(cards, client, customer)
    await order("stripe", "applied-then-500", operation="payment_methods.detach")
    with pytest.raises(UnknownOutcome):
        await cards.detach(card.provider_id)
    await cards.detach(card.provider_id)
    assert await cards.card(card.provider_id) is None
    await cards.detach("pm_that_never_was")
    assert await cards.card("pm_that_never_was") is None


async def test_closing_tells_what_had_happened(
    cards: StripeCards, client: httpx2.AsyncClient, customer: str
) -> None:
    opened = await cards.open(PAGE, customer)
    for _ in range(2):
        closed = await cards.close(PAGE, opened.provider_id)
        assert (closed.state, closed.card) == (PageState.closed, None)
    other = replace(PAGE, method_id=uuid4())
    done = await cards.open(other, customer)
    await client.post(done.pay_url or "", data={"card": "4242424242424242"})
    closed = await cards.close(other, done.provider_id)
    assert closed.card
    assert (closed.state, closed.card.last4) == (PageState.paid, "4242")
