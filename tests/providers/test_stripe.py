"""Stripe's adapter over the real SDK: pages opened once, found and closed; answers by class."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from domain import keys
from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.money import Money
from domain.payment_attempt import PayBy
from providers import stripe_wire
from providers.payments import MovementState, PageState, Payer
from providers.stripe import StripeGateway
from providers.wire import Wire
from sandbox.main import Running
from tests.support.outgoing import Order
from tests.support.paying import NOW, RENT, RETURN, Till, asked

PAGE = asked(PayBy.checkout)
KEY = {"Authorization": "Bearer sk_test_sunrise"}


async def test_a_page_is_opened_for_the_attempt_and_found_by_its_id(
    stripe: StripeGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    opened = await stripe.open(PAGE)
    assert opened.pay_url == f"{client.base_url}/checkout/{opened.provider_id}".replace("//c", "/c")
    assert opened.expires_at == PAGE.expires_at
    path = f"/stripe/v1/checkout/sessions/{opened.provider_id}?expand[]=line_items"
    page = (await client.get(path, headers=KEY)).json()
    assert page["client_reference_id"] == page["metadata"]["attempt_id"] == str(PAGE.attempt_id)
    assert (page["amount_total"], page["currency"]) == (950_000, "inr")
    assert page["payment_method_types"] == ["card", "upi"]
    assert page["success_url"] == page["cancel_url"] == RETURN
    assert page["customer_email"] == "asha@mail.example"
    assert page["line_items"]["data"][0]["description"] == "Rent November 2026"
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    assert (standing.opened, standing.state, standing.movements) == (opened, PageState.open, ())


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (timedelta(minutes=1), timedelta(minutes=40)),
        (timedelta(hours=5), timedelta(hours=5)),
        (timedelta(days=30), timedelta(hours=23, minutes=50)),
    ],
)
async def test_a_page_lives_as_long_as_stripe_lets_one(
    stripe: StripeGateway, till: Till, wanted: timedelta, given: timedelta
) -> None:
    opened = await stripe.open(replace(PAGE, expires_at=NOW + wanted))
    assert opened.expires_at == NOW + given


async def test_asking_twice_opens_one(
    stripe: StripeGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    first = await stripe.open(PAGE)
    await till.later(60)
    assert await stripe.open(PAGE) == first
    changed = replace(PAGE, payer=Payer("Asha Rao", "new@mail.example"))
    assert await stripe.open(changed) == first, "what was asked before stands"
    assert len(await sessions(client)) == 1


async def sessions(client: httpx2.AsyncClient) -> list[str]:
    found = await client.get("/stripe/v1/checkout/sessions?limit=100", headers=KEY)
    return [one["id"] for one in found.json()["data"]]


async def test_what_was_paid_on_a_page_is_told(stripe: StripeGateway, till: Till) -> None:
    opened = await stripe.open(PAGE)
    failed = await till.act("fail", opened.provider_id, code="insufficient_funds")
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    [movement] = standing.movements
    assert (standing.state, movement.state) == (PageState.open, MovementState.failed)
    assert movement.code == "insufficient_funds"
    await till.later(60)
    paid = await till.act("pay", opened.provider_id, method="upi")
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    [movement] = standing.movements
    assert (standing.state, standing.opened.pay_url) == (PageState.paid, None)
    assert movement.provider_payment_id == failed["payment"] == paid["payment"]
    assert (movement.state, movement.amount) == (MovementState.captured, RENT)
    assert (movement.method, movement.code) == ("upi", None)
    assert (movement.attempt_id, movement.page_id) == (PAGE.attempt_id, opened.provider_id)
    assert movement.at == NOW + timedelta(seconds=60)


async def test_while_a_bank_thinks_the_page_is_closed_and_the_payment_pends(
    stripe: StripeGateway, till: Till
) -> None:
    opened = await stripe.open(PAGE)
    await till.act("pay", opened.provider_id, method="upi", later=7200)
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    assert (standing.state, standing.movements[0].state) == (
        PageState.closed,
        MovementState.pending,
    )
    await till.later(7200)
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    assert (standing.state, standing.movements[0].state) == (
        PageState.paid,
        MovementState.captured,
    )


async def test_a_page_nobody_answered_for_is_found_among_those_of_its_day(
    stripe: StripeGateway, till: Till
) -> None:
    for _ in range(3):
        await stripe.open(replace(PAGE, attempt_id=uuid4()))
    opened = await stripe.open(PAGE)
    for _ in range(3):
        await stripe.open(replace(PAGE, attempt_id=uuid4()))
    found = await stripe.look_up(PAGE, None)
    assert found
    assert found.opened == opened
    assert await stripe.look_up(replace(PAGE, attempt_id=uuid4()), None) is None
    assert await stripe.look_up(PAGE, "cs_test_none") is None
    long_ago = replace(PAGE, asked_at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=8))
    assert await stripe.look_up(long_ago, None) is None


async def test_a_closed_page_says_what_had_happened_on_it(
    stripe: StripeGateway, till: Till
) -> None:
    opened = await stripe.open(PAGE)
    await till.act("fail", opened.provider_id)
    closed = await stripe.close(PAGE, opened.provider_id)
    assert (closed.state, closed.opened.pay_url) == (PageState.closed, None)
    assert [movement.state for movement in closed.movements] == [MovementState.failed]
    assert await stripe.close(PAGE, opened.provider_id) == closed


async def test_closing_what_is_paid_tells_of_the_payment(stripe: StripeGateway, till: Till) -> None:
    opened = await stripe.open(PAGE)
    await till.act("pay", opened.provider_id)
    closed = await stripe.close(PAGE, opened.provider_id)
    assert closed.state is PageState.paid
    assert [movement.state for movement in closed.movements] == [MovementState.captured]
    assert await till.captured() == 950_000


async def test_closing_what_is_not_there_is_refused(stripe: StripeGateway, till: Till) -> None:
    with pytest.raises(Refused) as refused:
        await stripe.close(PAGE, "cs_test_none")
    assert refused.value.code == "NO_SUCH_PAGE"


OUTCOMES = [
    ("decline:do_not_honor", Refused, "DECLINED"),
    ("429", Unavailable, "UNAVAILABLE"),
    ("500", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("applied-then-500", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("applied-then-timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
]


@pytest.mark.parametrize(("outcome", "error", "code"), OUTCOMES)
async def test_every_answer_to_an_opening_has_its_class(  # noqa: PLR0917 the columns above
    stripe: StripeGateway,
    till: Till,
    order: Order,
    client: httpx2.AsyncClient,
    outcome: str,
    error: type,
    code: str,
) -> None:
    silent = outcome.endswith("timeout")
    operation = "checkout.sessions.create"
    await order("stripe", outcome, operation=operation, delay=30 if silent else 0)
    with pytest.raises(error) as raised:
        await stripe.open(PAGE)
    assert (type(raised.value), raised.value.code) == (error, code)
    assert "asha" not in str(raised.value)
    found = await stripe.look_up(PAGE, None)
    assert (found is not None) == outcome.startswith("applied")
    again = await stripe.open(PAGE)
    assert found is None or again == found.opened
    assert await sessions(client) == [again.provider_id], "one page, whatever was answered"


async def test_faults_saved_under_every_key_leave_the_outcome_unknown(
    stripe: StripeGateway, till: Till, order: Order
) -> None:
    operation = "checkout.sessions.create"
    for turn in (1, 2, 3):
        await order("stripe", "500", operation=operation, times=turn)
        with pytest.raises(UnknownOutcome):
            await stripe.open(PAGE)
    with pytest.raises(UnknownOutcome, match="every key"):
        await stripe.open(PAGE)
    assert keys.opening(PAGE.attempt_id) == f"attempt/{PAGE.attempt_id}/open/1"


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("429", Unavailable),
        ("500", UnknownOutcome),
        ("applied-then-500", UnknownOutcome),
        ("timeout", UnknownOutcome),
        ("applied-then-timeout", UnknownOutcome),
    ],
)
async def test_closing_may_be_repeated_after_any_answer(
    stripe: StripeGateway, till: Till, order: Order, outcome: str, error: type
) -> None:
    opened = await stripe.open(PAGE)
    silent = outcome.endswith("timeout")
    operation = "checkout.sessions.expire"
    await order("stripe", outcome, operation=operation, delay=30 if silent else 0)
    with pytest.raises(error) as raised:
        await stripe.close(PAGE, opened.provider_id)
    assert type(raised.value) is error
    assert (await stripe.close(PAGE, opened.provider_id)).state is PageState.closed


@pytest.mark.parametrize("outcome", ["429", "500", "timeout"])
async def test_a_question_that_was_not_answered_may_be_asked_again(
    stripe: StripeGateway, till: Till, order: Order, outcome: str
) -> None:
    opened = await stripe.open(PAGE)
    delay = 30 if outcome == "timeout" else 0
    for operation, named in (("retrieve", opened.provider_id), ("list", None)):
        await order("stripe", outcome, operation=f"checkout.sessions.{operation}", delay=delay)
        with pytest.raises(Unavailable) as raised:
            await stripe.look_up(PAGE, named)
        assert type(raised.value) is Unavailable
        assert await stripe.look_up(PAGE, named)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": Money(1_234, "KWD")}, "AMOUNT_REFUSED"),
        ({"amount": Money(100_000_000, "INR")}, "AMOUNT_REFUSED"),
        ({"by": PayBy.link}, "NO_SUCH_WAY"),
        ({"by": PayBy.upi_qr}, "NO_SUCH_WAY"),
        ({"asked_at": NOW - timedelta(hours=3), "expires_at": NOW}, "TOO_LATE"),
    ],
)
async def test_what_stripe_never_does_is_refused_with_the_reason(
    stripe: StripeGateway, till: Till, changed: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        await stripe.open(replace(PAGE, **changed))  # pyright: ignore[reportArgumentType]
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("amount", "minor"),
    [(Money(5_000, "ISK"), 500_000), (Money(50_000, "MGA"), 500), (Money(9_00, "USD"), 900)],
)
async def test_amounts_are_counted_as_stripe_counts_them(
    stripe: StripeGateway, till: Till, client: httpx2.AsyncClient, amount: Money, minor: int
) -> None:
    opened = await stripe.open(replace(PAGE, amount=amount))
    path = f"/stripe/v1/checkout/sessions/{opened.provider_id}"
    page = (await client.get(path, headers=KEY)).json()
    assert (page["amount_total"], page["payment_method_types"]) == (minor, ["card"])
    await till.act("pay", opened.provider_id)
    standing = await stripe.look_up(PAGE, opened.provider_id)
    assert standing
    assert standing.movements[0].amount == amount


async def test_what_a_bank_reserved_is_taken_once(
    stripe: StripeGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    form = {
        "amount": "950000",
        "currency": "inr",
        "capture_method": "manual",
        "confirm": "true",
        "payment_method": "pm_card_visa",
        "metadata[attempt_id]": str(PAGE.attempt_id),
    }
    made = await client.post("/stripe/v1/payment_intents", data=form, headers=KEY)
    intent = made.json()["id"]
    taken = await stripe.capture(intent, RENT)
    assert (taken.state, taken.amount, taken.attempt_id) == (
        MovementState.captured,
        RENT,
        PAGE.attempt_id,
    )
    assert taken.method == "card"
    assert await stripe.capture(intent, RENT) == taken
    assert await till.captured() == 950_000
    with pytest.raises(Refused):
        await stripe.capture("pi_none", RENT)


async def test_keys_are_tried_by_asking_for_what_they_must_see(
    stripe: StripeGateway, box: Running, wire: Wire, order: Order
) -> None:
    await stripe.check()
    bad = StripeGateway(stripe_wire.client(wire, f"{box.url}/stripe", "whsec_not_a_key", None))
    with pytest.raises(Refused) as refused:
        await bad.check()
    assert refused.value.code == "CREDENTIALS"
    assert "whsec" not in str(refused.value)
    await order("stripe", "500", operation="checkout.sessions.list")
    with pytest.raises(Unavailable):
        await stripe.check()


async def test_a_connected_account_is_spoken_for_by_its_platform(
    box: Running, wire: Wire, stripe: StripeGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    url = f"{box.url}/stripe"
    connected = StripeGateway(stripe_wire.client(wire, url, "sk_test_platform", "acct_moonrise"))
    opened = await connected.open(PAGE)
    headers = {"Authorization": "Bearer sk_test_platform", "Stripe-Account": "acct_moonrise"}
    path = f"/stripe/v1/checkout/sessions/{opened.provider_id}"
    assert (await client.get(path, headers=headers)).status_code == 200
    assert await stripe.look_up(PAGE, opened.provider_id) is None, "another's is nobody's"


async def test_a_server_that_is_not_there_was_surely_not_asked(wire: Wire) -> None:
    gateway = StripeGateway(stripe_wire.client(wire, "http://127.0.0.1:1", "sk_test_x", None))
    with pytest.raises(Unavailable) as raised:
        await gateway.open(PAGE)
    assert type(raised.value) is Unavailable
