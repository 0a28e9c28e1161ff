"""Nothing that identifies a person, and no secret, reaches the log; ids of the house do."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from runtime.logging import configure, redacted


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    output = io.StringIO()
    configure("info", "test", output=output)
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def last(log: io.StringIO) -> dict[str, Any]:
    return json.loads(log.getvalue().splitlines()[-1])


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("mail to asha.rao+rent@example.co.in failed", "mail to [mail] failed"),
        ("sms to +91 98480 22338 queued", "sms to [phone] queued"),
        ("sms to +919848022338", "sms to [phone]"),
        ("call 9848022338 now", "call [number] now"),
        ("call 98480 22338 now", "call [phone] now"),
        ("PAN ABCDE1234F is taken", "PAN [pan] is taken"),
        ("aadhaar 1234 5678 9012", "aadhaar [number]"),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("card 4111111111111111.", "card [number]."),
        ("key sk_live_demo_Zm9vYmFy refused", "key sk_live_[redacted] refused"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("postgresql://inn_app:s3cr-t_@127.0.0.1:1/x", "postgresql://[credentials]@127.0.0.1:1/x"),
        ("DETAIL:  Key (email)=(a) already exists.", "DETAIL: [redacted]"),
        ("oops [parameters: ('Asha Rao', 1)]", "oops [parameters redacted]"),
    ],
)
def test_a_person_and_a_secret_are_taken_out_of_text(told: str, kept: str) -> None:
    assert redacted(told) == kept


@pytest.mark.parametrize(
    "plain",
    [
        "invoice/01934a5c-1111-7222-8333-123456789012/01934a5c-9999-7999-9999-999999999999",
        "2026-11-21T08:14:16.123456Z",
        "INV/26-27/000123 of 9500.00 INR on 2026-11-21",
        "127.0.0.1:54321 answered in 0.123456789 s",
    ],
)
def test_ids_days_amounts_and_addresses_stay(plain: str) -> None:
    assert redacted(plain) == plain


def test_an_event_is_one_json_object_with_its_ids(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request="r1", tenant="t1", life="invoice/t1/i1"):
        structlog.get_logger().info("reminder sent", rung="T+1")
    line = last(log)
    assert (line["event"], line["rung"], line["part"]) == ("reminder sent", "T+1", "test")
    assert (line["request"], line["tenant"], line["life"]) == ("r1", "t1", "invoice/t1/i1")
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_key_that_sounds_secret_or_personal_hides_its_value(log: io.StringIO) -> None:
    structlog.get_logger().info(
        "made", password="hunter2", apiKey="x", owner={"email": "a", "phone": 123}, to=["a@b.io"]
    )
    line = last(log)
    assert line["password"] == line["apiKey"] == "[redacted]"
    assert line["owner"] == {"email": "[redacted]", "phone": "[redacted]"}
    assert line["to"] == ["[mail]"]


def test_a_traceback_is_redacted_too(log: io.StringIO) -> None:
    try:
        raise ValueError("no bed for asha@example.com")
    except ValueError:
        structlog.get_logger().exception("step failed")
    assert "asha@" not in log.getvalue()
    assert "no bed for [mail]" in last(log)["exception"]


def test_the_libraries_log_through_the_same_sieve(log: io.StringIO) -> None:
    logging.getLogger("some.library").warning("sent to %s", "asha@example.com")
    line = last(log)
    assert (line["event"], line["logger"]) == ("sent to [mail]", "some.library")
