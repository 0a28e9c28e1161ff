"""Razorpay's adapter: links and codes opened once, found, closed; every answer by its class."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.money import Money
from domain.payment_attempt import PayBy
from domain.upi import parse
from providers.payments import MovementState, Opened, PageState
from providers.razorpay import RazorpayGateway
from providers.razorpay_wire import RazorpayClient
from providers.wire import Wire
from sandbox.main import Running
from tests.support.outgoing import Order
from tests.support.paying import NOW, RENT, RETURN, Till, asked

LINK, CODE = asked(PayBy.link), asked(PayBy.upi_qr)
BOTH = pytest.mark.parametrize("page", [LINK, CODE], ids=["link", "code"])
AUTH = ("rzp_test_sunrise", "key-secret")
PATHS = {PayBy.link: "payment_links", PayBy.upi_qr: "payments/qr_codes"}
OPERATIONS = {PayBy.link: ("payment_links", "cancel"), PayBy.upi_qr: ("qr_codes", "close")}


async def kept(client: httpx2.AsyncClient, by: PayBy) -> list[dict[str, Any]]:
    """All pages the sandbox has."""
    found = (await client.get(f"/razorpay/v1/{PATHS[by]}?count=100", auth=AUTH)).json()
    return found["payment_links" if by is PayBy.link else "items"]


async def test_a_link_is_opened_for_the_attempt(
    razorpay: RazorpayGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    opened = await razorpay.open(LINK)
    [link] = await kept(client, PayBy.link)
    assert opened == Opened(link["id"], LINK.expires_at, pay_url=link["short_url"])
    assert link["reference_id"] == LINK.attempt_id.hex
    assert link["notes"] == {"attempt_id": str(LINK.attempt_id)}
    assert (link["amount"], link["currency"], link["accept_partial"]) == (950_000, "INR", False)
    assert (link["callback_url"], link["callback_method"]) == (RETURN, "get")
    assert link["customer"]["contact"] == "+919812345678"
    assert not any(link["notify"].values())
    assert link["description"] == "Rent November 2026"


async def test_a_code_is_opened_for_the_attempt_and_lives_two_hours_at_most(
    razorpay: RazorpayGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    opened = await razorpay.open(replace(CODE, expires_at=NOW + timedelta(days=3)))
    [code] = await kept(client, PayBy.upi_qr)
    assert opened.expires_at == NOW + timedelta(hours=2)
    assert opened.upi_uri == code["image_content"]
    assert opened.upi_uri
    assert parse(opened.upi_uri).amount_minor == 950_000
    assert opened.pay_url == code["image_url"]
    assert (code["usage"], code["fixed_amount"], code["type"]) == ("single_use", True, "upi_qr")
    assert code["notes"] == {"attempt_id": str(CODE.attempt_id)}


@pytest.mark.parametrize(
    ("by", "wanted", "given"),
    [
        (PayBy.link, timedelta(minutes=1), timedelta(minutes=25)),
        (PayBy.link, timedelta(days=20), timedelta(days=20)),
        (PayBy.link, timedelta(days=900), timedelta(days=180)),
        (PayBy.upi_qr, timedelta(), timedelta(minutes=10)),
        (PayBy.upi_qr, timedelta(minutes=30), timedelta(minutes=30)),
    ],
)
async def test_a_page_lives_as_long_as_razorpay_lets_one(
    razorpay: RazorpayGateway, till: Till, by: PayBy, wanted: timedelta, given: timedelta
) -> None:
    opened = await razorpay.open(asked(by, expires_at=NOW + wanted))
    assert opened.expires_at == NOW + given


@BOTH
async def test_asking_twice_opens_one(
    razorpay: RazorpayGateway, till: Till, client: httpx2.AsyncClient, page: Any
) -> None:
    first = await razorpay.open(page)
    await till.later(60)
    assert await razorpay.open(page) == first
    assert len(await kept(client, page.by)) == 1


@BOTH
async def test_what_was_paid_on_a_page_is_told(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    opened = await razorpay.open(page)
    failed = await till.act("fail", opened.provider_id, code="payment_timed_out")
    standing = await razorpay.look_up(page, opened.provider_id)
    assert standing
    assert (standing.opened, standing.state) == (opened, PageState.open)
    assert [(one.state, one.code) for one in standing.movements] == [
        (MovementState.failed, "payment_timed_out")
    ]
    paid = await till.act("pay", opened.provider_id, method="upi")
    standing = await razorpay.look_up(page, None)
    assert standing
    assert standing.state is PageState.paid
    by_id = {one.provider_payment_id: one for one in standing.movements}
    assert set(by_id) == {failed["payment"], paid["payment"]}
    movement = by_id[paid["payment"]]
    assert (movement.state, movement.amount) == (MovementState.captured, RENT)
    assert (movement.method, movement.code, movement.at) == ("upi", None, NOW)
    assert (movement.attempt_id, movement.page_id) == (page.attempt_id, opened.provider_id)
    assert movement.fee_minor == 22_420
    assert movement.reference
    assert len(movement.reference) == 12, "UPI's RRN"


@BOTH
async def test_a_page_nobody_answered_for_is_found_among_others(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    for _ in range(2):
        await razorpay.open(replace(page, attempt_id=uuid4()))
    opened = await razorpay.open(page)
    await razorpay.open(replace(page, attempt_id=uuid4()))
    found = await razorpay.look_up(page, None)
    assert found
    assert found.opened == opened
    assert await razorpay.look_up(replace(page, attempt_id=uuid4()), None) is None
    assert await razorpay.look_up(page, "none_14characters") is None


async def test_a_code_is_found_among_more_than_one_list_of_them(
    razorpay: RazorpayGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    opened = await razorpay.open(CODE)
    form = {"type": "upi_qr", "usage": "multiple_use", "fixed_amount": False}
    for _ in range(101):
        await client.post("/razorpay/v1/payments/qr_codes", json=form, auth=AUTH)
    found = await razorpay.look_up(CODE, None)
    assert found
    assert found.opened == opened


@BOTH
async def test_a_closed_page_says_what_had_happened_on_it(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    opened = await razorpay.open(page)
    await till.act("fail", opened.provider_id)
    closed = await razorpay.close(page, opened.provider_id)
    assert closed.state is PageState.closed
    assert [one.state for one in closed.movements] == [MovementState.failed]
    assert await razorpay.close(page, opened.provider_id) == closed


@BOTH
async def test_closing_what_is_paid_tells_of_the_payment(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    opened = await razorpay.open(page)
    await till.act("pay", opened.provider_id)
    closed = await razorpay.close(page, opened.provider_id)
    assert closed.state is PageState.paid
    assert [one.state for one in closed.movements] == [MovementState.captured]
    assert await till.captured() == 950_000


@BOTH
async def test_closing_what_is_not_there_is_refused(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    with pytest.raises(Refused) as refused:
        await razorpay.close(page, "none_14characters")
    assert refused.value.code == "NO_SUCH_PAGE"


@BOTH
async def test_a_page_that_ended_by_itself_is_closed(
    razorpay: RazorpayGateway, till: Till, page: Any
) -> None:
    opened = await razorpay.open(page)
    await till.later(2 * 3600)
    standing = await razorpay.look_up(page, opened.provider_id)
    assert standing
    assert standing.state is PageState.closed
    assert await razorpay.close(page, opened.provider_id) == standing


async def test_a_late_yes_of_the_bank_is_taken_once(razorpay: RazorpayGateway, till: Till) -> None:
    opened = await razorpay.open(LINK)
    paid = await till.act("pay", opened.provider_id, later=3600)
    with pytest.raises(Refused):
        await razorpay.capture(paid["payment"], RENT)
    await till.later(3600)
    standing = await razorpay.look_up(LINK, opened.provider_id)
    assert standing
    assert [one.state for one in standing.movements] == [MovementState.authorized]
    with pytest.raises(Refused) as refused:
        await razorpay.capture(paid["payment"], Money(1_000, "INR"))
    assert refused.value.code == "AMOUNT_REFUSED"
    taken = await razorpay.capture(paid["payment"], RENT)
    assert (taken.state, taken.attempt_id, taken.at) == (
        MovementState.captured,
        LINK.attempt_id,
        NOW,
    )
    assert await razorpay.capture(paid["payment"], RENT) == taken
    assert await till.captured() == 950_000


async def test_what_nobody_took_in_three_days_was_never_ours(
    razorpay: RazorpayGateway, till: Till
) -> None:
    opened = await razorpay.open(LINK)
    await till.act("pay", opened.provider_id, later=3600)
    await till.later(4 * 24 * 3600)
    standing = await razorpay.look_up(LINK, opened.provider_id)
    assert standing
    assert [(one.state, one.code) for one in standing.movements] == [
        (MovementState.failed, "not_captured")
    ]


OUTCOMES = [
    ("decline:input_validation_failed", Refused, "PAYMENT_REFUSED"),
    ("429", Unavailable, "UNAVAILABLE"),
    ("500", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("applied-then-500", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ("applied-then-timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
]


@BOTH
@pytest.mark.parametrize(("outcome", "error", "code"), OUTCOMES)
async def test_every_answer_to_an_opening_has_its_class(  # noqa: PLR0917 the columns above
    razorpay: RazorpayGateway,
    till: Till,
    order: Order,
    client: httpx2.AsyncClient,
    page: Any,
    outcome: str,
    error: type,
    code: str,
) -> None:
    operation = f"{OPERATIONS[page.by][0]}.create"
    delay = 30 if outcome.endswith("timeout") else 0
    await order("razorpay", outcome, operation=operation, delay=delay)
    with pytest.raises(error) as raised:
        await razorpay.open(page)
    assert (type(raised.value), raised.value.code) == (error, code)
    found = await razorpay.look_up(page, None)
    assert (found is not None) == outcome.startswith("applied")
    again = await razorpay.open(page)
    assert found is None or again == found.opened
    [only] = await kept(client, page.by)
    assert only["id"] == again.provider_id, "one page, whatever was answered"


@BOTH
@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("429", Unavailable),
        ("500", UnknownOutcome),
        ("applied-then-500", UnknownOutcome),
        ("applied-then-timeout", UnknownOutcome),
    ],
)
async def test_closing_may_be_repeated_after_any_answer(  # noqa: PLR0917 the columns above
    razorpay: RazorpayGateway, till: Till, order: Order, page: Any, outcome: str, error: type
) -> None:
    opened = await razorpay.open(page)
    operation = ".".join(OPERATIONS[page.by])
    delay = 30 if outcome.endswith("timeout") else 0
    await order("razorpay", outcome, operation=operation, delay=delay)
    with pytest.raises(error) as raised:
        await razorpay.close(page, opened.provider_id)
    assert type(raised.value) is error
    assert (await razorpay.close(page, opened.provider_id)).state is PageState.closed


@BOTH
@pytest.mark.parametrize("outcome", ["429", "500", "timeout"])
async def test_a_question_that_was_not_answered_may_be_asked_again(
    razorpay: RazorpayGateway, till: Till, order: Order, page: Any, outcome: str
) -> None:
    opened = await razorpay.open(page)
    delay = 30 if outcome == "timeout" else 0
    for operation, named in (("fetch", opened.provider_id), ("list", None)):
        told = f"{OPERATIONS[page.by][0]}.{operation}"
        await order("razorpay", outcome, operation=told, delay=delay)
        with pytest.raises(Unavailable) as raised:
            await razorpay.look_up(page, named)
        assert type(raised.value) is Unavailable
        assert await razorpay.look_up(page, named)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (asked(PayBy.link, amount=Money(99, "INR")), "AMOUNT_REFUSED"),
        (asked(PayBy.upi_qr, amount=Money(99, "INR")), "AMOUNT_REFUSED"),
        (asked(PayBy.upi_qr, amount=Money(9_900, "USD")), "CURRENCY_REFUSED"),
        (asked(PayBy.checkout), "NO_SUCH_WAY"),
        (asked(PayBy.link, asked_at=NOW - timedelta(hours=3), expires_at=NOW), "TOO_LATE"),
        (asked(PayBy.upi_qr, asked_at=NOW - timedelta(hours=3), expires_at=NOW), "TOO_LATE"),
    ],
)
async def test_what_razorpay_never_does_is_refused_with_the_reason(
    razorpay: RazorpayGateway, till: Till, page: Any, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        await razorpay.open(page)
    assert refused.value.code == code


async def test_keys_are_tried_by_a_question_that_costs_nothing(
    razorpay: RazorpayGateway, box: Running, wire: Wire
) -> None:
    await razorpay.check()
    url = f"{box.url}/razorpay"
    bad = RazorpayGateway(RazorpayClient(wire, url, "rzp_test_sunrise", "another-secret"))
    with pytest.raises(Refused) as refused:
        await bad.check()
    assert refused.value.code == "CREDENTIALS"
    assert "another-secret" not in str(refused.value)


async def test_a_server_that_is_not_there_was_surely_not_asked(wire: Wire) -> None:
    client = RazorpayClient(wire, "http://127.0.0.1:1", "rzp_test_x", "secret-x")
    with pytest.raises(Unavailable) as raised:
        await RazorpayGateway(client).open(LINK)
    assert type(raised.value) is Unavailable
