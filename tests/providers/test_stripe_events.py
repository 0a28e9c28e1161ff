"""Stripe's events: what each says of a payment and of a page, and nothing beyond."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from domain.errors import InvalidInput
from domain.money import Money
from domain.movement import MovementState, furthest
from domain.payment_attempt import PayBy
from providers import stripe_events
from providers.payments import MethodNews, Movement, PageNews, PageState, ProviderEvent
from providers.stripe import StripeGateway
from tests.support.paying import NOW, RENT, Till, asked

ATTEMPT = UUID("01990000-0000-7000-8000-00000000000a")
AT = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "amount_total": 950_000,
    "currency": "inr",
    "payment_intent": "pi_1",
    "payment_method_types": ["card", "upi"],
    "client_reference_id": str(ATTEMPT),
    "metadata": {},
}
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 950_000,
    "amount_received": 950_000,
    "amount_capturable": 0,
    "currency": "inr",
    "latest_charge": "ch_1",
    "last_payment_error": None,
    "metadata": {"attempt_id": str(ATTEMPT)},
    "payment_method_types": ["card"],
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "status": "succeeded",
    "captured": True,
    "amount": 950_000,
    "amount_captured": 950_000,
    "currency": "inr",
    "payment_intent": "pi_1",
    "payment_method_details": {"type": "upi"},
    "metadata": {"attempt_id": str(ATTEMPT)},
}
SOLD = Movement("pi_1", MovementState.captured, RENT, AT, attempt_id=ATTEMPT)


def read(kind: str, subject: dict[str, Any], **changed: Any) -> ProviderEvent:
    event = {
        "id": "evt_1",
        "type": kind,
        "created": int(AT.timestamp()),
        "data": {"object": {**subject, **changed}},
    }
    return stripe_events.read(json.dumps(event).encode())


def test_a_page_that_was_paid_names_payment_page_and_attempt() -> None:
    event = read("checkout.session.completed", SESSION)
    assert event == ProviderEvent(
        "evt_1",
        "checkout.session.completed",
        AT,
        (replace(SOLD, page_id="cs_test_1"),),
        PageNews("cs_test_1", PageState.paid, ATTEMPT),
    )


@pytest.mark.parametrize(
    ("kind", "changed", "page", "states"),
    [
        ("completed", {"payment_status": "unpaid"}, "closed", ["pending"]),
        ("async_payment_succeeded", {}, "paid", ["captured"]),
        ("async_payment_failed", {"payment_status": "unpaid"}, "closed", ["failed"]),
        ("expired", {"status": "expired", "payment_status": "unpaid"}, "closed", []),
        (
            "completed",
            {"payment_status": "no_payment_required", "payment_intent": None},
            "paid",
            [],
        ),
    ],
)
def test_a_page_is_paid_only_when_its_payment_is(
    kind: str, changed: dict[str, Any], page: str, states: list[str]
) -> None:
    event = read(f"checkout.session.{kind}", SESSION, **changed)
    assert event.page
    assert event.page.state == page
    assert [movement.state for movement in event.movements] == states


@pytest.mark.parametrize("mode", ["setup", "subscription"])
def test_a_page_that_is_not_there_to_be_paid_on_is_no_news(mode: str) -> None:
    event = read("checkout.session.completed", SESSION, mode=mode)
    assert (event.movements, event.page) == ((), None)


@pytest.mark.parametrize("kind", ["completed", "expired"])
def test_a_page_to_leave_a_card_on_is_news_of_its_method(kind: str) -> None:
    event = read(f"checkout.session.{kind}", SESSION, mode="setup", payment_intent=None)
    assert event.method == MethodNews("cs_test_1", ATTEMPT)


@pytest.mark.parametrize("kind", ["detached", "updated", "automatically_updated"])
def test_a_card_that_changed_at_stripe_is_news_by_its_name_there(kind: str) -> None:
    event = read(f"payment_method.{kind}", {"id": "pm_1", "object": "payment_method"})
    assert (event.method, event.movements, event.page) == (MethodNews("pm_1"), (), None)


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("succeeded", {"amount_received": 900_000}, {"amount": Money(900_000, "INR")}),
        ("processing", {"status": "processing"}, {"state": MovementState.pending}),
        ("requires_action", {"status": "requires_action"}, {"state": MovementState.pending}),
        (
            "payment_failed",
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "card_declined", "decline_code": "lost_card"},
            },
            {"state": MovementState.failed, "code": "lost_card"},
        ),
        (
            "amount_capturable_updated",
            {"status": "requires_capture", "amount_capturable": 950_000},
            {"state": MovementState.authorized},
        ),
        (
            "canceled",
            {"status": "canceled", "cancellation_reason": "abandoned"},
            {"state": MovementState.failed, "code": "abandoned"},
        ),
    ],
)
def test_an_intent_says_how_far_its_payment_has_come(
    kind: str, changed: dict[str, Any], expected: dict[str, Any]
) -> None:
    event = read(f"payment_intent.{kind}", INTENT, **changed)
    assert event.movements == (replace(SOLD, method="card", **expected),)
    assert event.page is None


def test_what_nobody_tried_to_pay_is_no_movement() -> None:
    untried = {"status": "requires_payment_method"}
    assert read("payment_intent.created", INTENT, **untried).movements == ()
    assert read("payment_intent.canceled", INTENT, **untried).movements == ()


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("succeeded", {}, {}),
        ("succeeded", {"captured": False}, {"state": MovementState.authorized}),
        ("pending", {"status": "pending"}, {"state": MovementState.pending}),
        (
            "failed",
            {"status": "failed", "captured": False, "outcome": {"reason": "insufficient_funds"}},
            {"state": MovementState.failed, "code": "insufficient_funds"},
        ),
        (
            "failed",
            {"status": "failed", "captured": False, "failure_code": "card_declined"},
            {"state": MovementState.failed, "code": "card_declined"},
        ),
    ],
)
def test_a_charge_is_a_try_of_its_intent(
    kind: str, changed: dict[str, Any], expected: dict[str, Any]
) -> None:
    event = read(f"charge.{kind}", CHARGE, **changed)
    assert event.movements == (replace(SOLD, method="upi", **expected),)


def test_a_charge_of_no_intent_is_not_ours() -> None:
    assert read("charge.succeeded", CHARGE, payment_intent=None).movements == ()


@pytest.mark.parametrize(
    "kind", ["charge.refunded", "customer.created", "invoice.paid", "new.kind"]
)
def test_kinds_that_say_nothing_of_payments_are_events_all_the_same(kind: str) -> None:
    event = read(kind, {"object": "whatever"})
    assert (event.kind, event.movements, event.page) == (kind, (), None)


@pytest.mark.parametrize("named", [None, "", "INV-7", "attempt-1", 7])
def test_what_names_no_attempt_of_ours_is_none(named: Any) -> None:
    subject = {**SESSION, "client_reference_id": None, "metadata": {"attempt_id": named}}
    event = read("checkout.session.completed", subject)
    assert event.page
    assert (event.page.attempt_id, event.movements[0].attempt_id) == (None, None)


def test_a_connected_account_is_named() -> None:
    body = {"id": "evt_1", "type": "x", "created": 1, "account": "acct_moonrise"}
    assert stripe_events.read(json.dumps(body).encode()).account == "acct_moonrise"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b"{}", "id"),
        (b'{"id": "evt_1"}', "type"),
        (b'{"id": "evt_1", "type": "x"}', "created"),
        (b'{"id": "evt_1", "type": "x", "created": "2026"}', "created"),
        (b'{"id": "evt_1", "type": "x", "created": 99999999999999999999}', "created"),
        (b'{"id": "evt_1", "type": "charge.failed", "created": 1}', "data"),
        (b'{"id": "evt_1", "type": "charge.failed", "created": 1, "data": {}}', "data.object"),
    ],
)
def test_what_cannot_be_read_names_what_is_missing(body: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        stripe_events.read(body)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("name", ["status", "amount_received", "currency", "id"])
def test_a_payment_that_is_not_whole_is_named_by_its_path(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read("payment_intent.succeeded", INTENT, **{name: None})
    assert refused.value.problems[0].field == f"data.object.{name}"


async def test_all_events_of_one_payment_in_any_order_name_it_once(
    stripe: StripeGateway, till: Till, client: httpx2.AsyncClient
) -> None:
    page = asked(PayBy.checkout)
    opened = await stripe.open(page)
    await till.act("fail", opened.provider_id, code="do_not_honor")
    await till.act("pay", opened.provider_id, method="upi", later=3600)
    await till.later(3600)
    headers = {"Authorization": "Bearer sk_test_sunrise"}
    listed = await client.get("/stripe/v1/events?limit=100", headers=headers)
    told = listed.json()["data"]
    events = [stripe_events.read(json.dumps(event).encode()) for event in told]
    movements = [movement for event in events for movement in event.movements]
    assert len({movement.provider_payment_id for movement in movements}) == 1
    assert {movement.attempt_id for movement in movements} == {page.attempt_id}
    assert {movement.amount for movement in movements} == {RENT}
    assert set(MovementState) - {movement.state for movement in movements} == {"authorized"}
    assert furthest(movement.state for movement in movements) is MovementState.captured
    pages = {event.page.state for event in events if event.page}
    assert pages == {PageState.closed, PageState.paid}
    assert min(event.at for event in events) == NOW
