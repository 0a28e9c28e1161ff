"""Razorpay's events: four ids for one payment, in any order, with the quirks of its webhooks."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from domain import provider_signatures
from domain.errors import InvalidInput
from domain.movement import MovementState, furthest
from domain.payment_attempt import PayBy
from providers import razorpay_entities, razorpay_events
from providers.payments import Movement, PageNews, PageState, ProviderEvent
from providers.razorpay import RazorpayGateway
from tests.support.paying import NOW, RENT, Till, asked
from tests.support.razorpay_contract import SAMPLES
from tests.support.receiver import Receiver, receiving

ATTEMPT = UUID("01990000-0000-7000-8000-00000000000a")
NOTES = {"attempt_id": str(ATTEMPT)}
AT, MADE = datetime(2026, 11, 20, 4, 31, tzinfo=UTC), datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
PAYMENT: dict[str, Any] = {
    "id": "pay_1",
    "entity": "payment",
    "amount": 950_000,
    "currency": "INR",
    "status": "captured",
    "captured": True,
    "method": "upi",
    "notes": [],
    "fee": 22_420,
    "tax": 3_420,
    "error_code": None,
    "error_reason": None,
    "acquirer_data": {"rrn": "012345678901"},
    "created_at": int(MADE.timestamp()),
}
LINK: dict[str, Any] = {
    "id": "plink_1",
    "order_id": "order_1",
    "reference_id": ATTEMPT.hex,
    "notes": None,
    "status": "paid",
    "amount": 950_000,
    "amount_paid": 950_000,
}
CODE: dict[str, Any] = {
    "id": "qr_1",
    "entity": "qr_code",
    "notes": NOTES,
    "status": "closed",
    "close_reason": "paid",
    "payments_count_received": 1,
}
ORDER: dict[str, Any] = {"id": "1", "receipt": ATTEMPT.hex, "notes": [], "status": "paid"}
TAKEN = Movement(
    "pay_1",
    MovementState.captured,
    RENT,
    MADE,
    method="upi",
    reference="012345678901",
    fee_minor=22_420,
)


def read(kind: str, **entities: dict[str, Any]) -> ProviderEvent:
    body = {
        "entity": "event",
        "account_id": "acc_1",
        "event": kind,
        "contains": list(entities),
        "payload": {name: {"entity": entity} for name, entity in entities.items()},
        "created_at": int(AT.timestamp()),
    }
    return razorpay_events.read(json.dumps(body).encode(), "evt-1")


def test_a_link_that_was_paid_names_payment_page_and_attempt() -> None:
    event = read("payment_link.paid", payment_link=LINK, order=ORDER, payment=PAYMENT)
    assert event == ProviderEvent(
        "evt-1",
        "payment_link.paid",
        AT,
        (replace(TAKEN, attempt_id=ATTEMPT, page_id="plink_1"),),
        PageNews("plink_1", PageState.paid, ATTEMPT),
        "acc_1",
    )


def test_a_code_that_was_credited_names_them_too() -> None:
    event = read("qr_code.credited", payment=PAYMENT, qr_code=CODE)
    assert event.movements == (replace(TAKEN, attempt_id=ATTEMPT, page_id="qr_1"),)
    assert event.page == PageNews("qr_1", PageState.paid, ATTEMPT)


def test_an_order_names_the_attempt_by_its_receipt() -> None:
    event = read("order.paid", payment=PAYMENT, order=ORDER)
    assert event.movements == (replace(TAKEN, attempt_id=ATTEMPT),)
    assert event.page is None


def test_an_orders_id_has_its_prefix_wherever_it_was_read() -> None:
    assert razorpay_entities.order_id("1") == razorpay_entities.order_id("order_1") == "order_1"


def test_what_moved_is_what_the_payment_says_not_the_page() -> None:
    part = {**PAYMENT, "amount": 100_000}
    link = {**LINK, "status": "partially_paid", "amount_paid": 100_000}
    event = read("payment_link.partially_paid", payment_link=link, order=ORDER, payment=part)
    assert event.movements[0].amount.minor == 100_000
    assert event.page
    assert event.page.state is PageState.open


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("authorized", {"status": "authorized"}, {"state": MovementState.authorized}),
        ("captured", {}, {}),
        (
            "failed",
            {
                "status": "failed",
                "error_code": "BAD_REQUEST_ERROR",
                "error_reason": "payment_timed_out",
            },
            {"state": MovementState.failed, "code": "payment_timed_out"},
        ),
        (
            "failed",
            {"status": "failed", "error_code": "GATEWAY_ERROR"},
            {"state": MovementState.failed, "code": "GATEWAY_ERROR"},
        ),
        ("captured", {"status": "refunded"}, {}),
        (
            "authorized",
            {"status": "refunded", "captured": False},
            {"state": MovementState.failed, "code": "not_captured"},
        ),
    ],
)
def test_a_payment_says_how_far_it_has_come(
    kind: str, changed: dict[str, Any], expected: dict[str, Any]
) -> None:
    event = read(f"payment.{kind}", payment={**PAYMENT, "notes": NOTES, **changed})
    assert event.movements == (replace(TAKEN, attempt_id=ATTEMPT, **expected),)
    assert event.page is None


@pytest.mark.parametrize(
    ("kind", "entity", "state"),
    [
        ("payment_link.expired", {**LINK, "status": "expired"}, PageState.closed),
        ("payment_link.cancelled", {**LINK, "status": "cancelled"}, PageState.closed),
        (
            "qr_code.closed",
            {**CODE, "close_reason": "on_demand", "payments_count_received": 0},
            PageState.closed,
        ),
        ("qr_code.closed", CODE, PageState.paid),
    ],
)
def test_a_page_that_ends_says_so(kind: str, entity: dict[str, Any], state: PageState) -> None:
    name = kind.partition(".")[0]
    event = read(kind, **{name: entity})
    assert event.page
    assert (event.page.state, event.page.attempt_id) == (state, ATTEMPT)
    assert event.movements == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [({"invoice": "INV-1"}, {"invoice": "INV-1"}), ([], {}), (None, {}), ({}, {}), ("text", {})],
)
def test_notes_are_read_however_they_are_written(written: Any, meant: dict[str, str]) -> None:
    assert razorpay_entities.notes(written) == meant
    event = read("payment.captured", payment={**PAYMENT, "notes": written})
    assert event.movements == (TAKEN,)


@pytest.mark.parametrize("named", ["INV-7", "", None, "{" + ATTEMPT.hex + "}"])
def test_links_of_other_programs_name_no_attempt(named: str | None) -> None:
    link = {**LINK, "reference_id": named}
    event = read("payment_link.paid", payment_link=link, payment=PAYMENT)
    assert event.page
    assert (event.page.attempt_id, event.movements[0].attempt_id) == (None, None)


@pytest.mark.parametrize("kind", ["refund.processed", "token.confirmed", "settlement.processed"])
def test_kinds_that_say_nothing_of_payments_are_events_all_the_same(kind: str) -> None:
    event = read(kind, payment=PAYMENT)
    assert (event.kind, event.at, event.movements, event.page) == (kind, AT, (), None)


@pytest.mark.parametrize(
    ("body", "event_id", "field"),
    [
        (b"{}", "", "x-razorpay-event-id"),
        (b"oops", "evt-1", "body"),
        (b"{}", "evt-1", "event"),
        (b'{"event": "x"}', "evt-1", "payload"),
        (b'{"event": "x", "payload": {}}', "evt-1", "created_at"),
        (
            b'{"event": "order.paid", "created_at": 1, "payload": {"payment": {}}}',
            "evt-1",
            "payload.payment.entity",
        ),
        (
            b'{"event":"order.paid","created_at":1,"payload":{"payment":{"entity":{"id":"pay_1"}}}}',
            "evt-1",
            "payload.payment.entity.status",
        ),
    ],
)
def test_what_cannot_be_read_names_what_is_missing(body: bytes, event_id: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        razorpay_events.read(body, event_id)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendor's samples are not here")
def test_every_sample_of_the_vendor_can_be_read() -> None:
    told = json.loads(SAMPLES.read_text())["webhooks"]
    for name, sample in told.items():
        body = json.dumps(sample["payload"]).encode()
        event = razorpay_events.read(body, "evt-1")
        assert event.kind == name.partition("|")[0]
        if event.kind in {"payment.captured", "order.paid", "payment_link.paid"}:
            assert [one.state for one in event.movements] == [MovementState.captured], name


@pytest.fixture
async def hook() -> AsyncGenerator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.mark.parametrize("by", [PayBy.link, PayBy.upi_qr])
async def test_all_events_of_one_payment_in_any_order_name_it_once(
    razorpay: RazorpayGateway, till: Till, client: httpx2.AsyncClient, hook: Receiver, by: PayBy
) -> None:
    endpoint = {"provider": "razorpay", "url": hook.url, "secret": "hook-secret"}
    (await client.post("/control/webhook-endpoints", json=endpoint)).raise_for_status()
    page = asked(by)
    opened = await razorpay.open(page)
    await till.act("pay", opened.provider_id)
    kinds = {
        PayBy.link: {"payment.authorized", "payment.captured", "order.paid", "payment_link.paid"},
        PayBy.upi_qr: {
            *("payment.authorized", "payment.captured"),
            *("qr_code.created", "qr_code.credited", "qr_code.closed"),
        },
    }[by]
    await came(hook, len(kinds))
    for one in hook.taken:
        signature = one.headers["x-razorpay-signature"]
        assert provider_signatures.razorpay_webhook(one.raw.encode(), signature, ["hook-secret"])
    events = [
        razorpay_events.read(one.raw.encode(), one.headers["x-razorpay-event-id"])
        for one in hook.taken
    ]
    assert {event.kind for event in events} == kinds
    assert len({event.event_id for event in events}) == len(kinds)
    movements = [movement for event in events for movement in event.movements]
    assert len({movement.provider_payment_id for movement in movements}) == 1
    assert {movement.attempt_id for movement in movements} == {page.attempt_id}
    assert {(movement.amount, movement.at) for movement in movements} == {(RENT, NOW)}
    assert furthest(movement.state for movement in movements) is MovementState.captured
    assert {event.page.page_id for event in events if event.page} == {opened.provider_id}


async def came(hook: Receiver, count: int) -> None:
    """Wait until so many webhooks have come."""
    async with asyncio.timeout(20):
        while len(hook.taken) < count:
            await asyncio.sleep(0.02)
