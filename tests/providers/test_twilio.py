"""Twilio's adapter over the real SDK: receipts, look-ups, and the class of every answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.message_delivery import DeliveryState
from providers.twilio import TwilioMessenger, TwilioSettings
from sandbox.main import Running
from tests.support.outgoing import ACCOUNT, Inbox, Order, text

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_a_text_is_taken_with_a_receipt(twilio: TwilioMessenger, inbox: Inbox) -> None:
    receipt = await twilio.send(text())
    [kept] = await inbox()
    assert receipt.provider == "twilio"
    assert receipt.provider_message_id == kept["providerMessageId"]
    assert receipt.state is DeliveryState.processing
    assert kept["to"] == "+919876543210"
    assert kept["text"] == text().text


async def test_a_service_may_be_the_sender(box: Running, inbox: Inbox) -> None:
    service = "MG" + "b" * 32
    twilio = TwilioMessenger(
        TwilioSettings(ACCOUNT, "token", service, base_url=f"{box.url}/twilio")
    )
    assert (await twilio.send(text())).state is DeliveryState.processing
    await twilio.close()
    [kept] = await inbox()
    assert kept["from"] == ""


@pytest.mark.parametrize(
    ("outcome", "error", "code"),
    [
        ("decline:21211", Refused, "INVALID_RECIPIENT"),
        ("decline:21614", Refused, "INVALID_RECIPIENT"),
        ("decline:21635", Refused, "INVALID_RECIPIENT"),
        ("decline:21610", Refused, "OPTED_OUT"),
        ("decline:21408", Refused, "REGION_NOT_ENABLED"),
        ("decline:21999", Refused, "MESSAGE_REFUSED"),
        ("decline:20003", Unavailable, "UNAVAILABLE"),
        ("decline:20429", Unavailable, "UNAVAILABLE"),
        ("429", Unavailable, "UNAVAILABLE"),
        ("500", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("applied-then-500", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("applied-then-timeout", UnknownOutcome, "UNKNOWN_OUTCOME"),
    ],
)
async def test_every_answer_has_its_class(  # noqa: PLR0917 the columns above
    twilio: TwilioMessenger, order: Order, inbox: Inbox, outcome: str, error: type, code: str
) -> None:
    silent = outcome.endswith("timeout")
    await order("twilio", outcome, operation="messages.create", delay=30 if silent else 0)
    with pytest.raises(error) as raised:
        await twilio.send(text())
    assert type(raised.value) is error
    assert raised.value.code == code
    assert "98765" not in str(raised.value)
    found = await twilio.look_up(text(), LONG_AGO)
    assert (found is not None) == outcome.startswith("applied")
    assert len(await inbox()) == (1 if found else 0), "one try, never repeated by the SDK"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("12345", "INVALID_RECIPIENT"),
        ("+15005550004", "OPTED_OUT"),
        ("+15005550009", "INVALID_RECIPIENT"),
    ],
)
async def test_the_numbers_twilio_keeps_for_tests_answer_as_there(
    twilio: TwilioMessenger, to: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        await twilio.send(text(to=to))
    assert refused.value.code == code


async def test_a_text_too_long_never_leaves_the_house(
    twilio: TwilioMessenger, inbox: Inbox
) -> None:
    with pytest.raises(Refused) as refused:
        await twilio.send(text(text="x" * 1601))
    assert refused.value.code == "MESSAGE_TOO_LONG"
    assert await inbox() == []


async def test_nobody_listening_is_unavailable(unused_tcp_port: int) -> None:
    settings = TwilioSettings(
        ACCOUNT, "token", "+15005550006", base_url=f"http://127.0.0.1:{unused_tcp_port}/twilio"
    )
    twilio = TwilioMessenger(settings)
    with pytest.raises(Unavailable) as raised:
        await twilio.send(text())
    assert type(raised.value) is Unavailable
    await twilio.close()


async def test_a_look_up_finds_this_message_and_no_other(
    twilio: TwilioMessenger, client: httpx2.AsyncClient
) -> None:
    await client.post("/control/clock", json={"now": "2026-10-05T04:30:00Z"})
    wanted = await twilio.send(text())
    await twilio.send(text(2, text="another text"))
    await twilio.send(text(3, to="+919876543211"))
    at = datetime(2026, 10, 5, 4, 30, tzinfo=UTC)
    found = await twilio.look_up(text(), at - timedelta(minutes=1))
    assert found is not None
    assert found.provider_message_id == wanted.provider_message_id
    assert await twilio.look_up(text(), at + timedelta(minutes=1)) is None, "made before"
    assert await twilio.look_up(text(4, text="never sent"), at) is None


async def test_a_look_up_while_twilio_is_away_is_unavailable_never_none(
    twilio: TwilioMessenger, order: Order
) -> None:
    for outcome in ("500", "429", "timeout"):
        await order("twilio", outcome, operation="messages.list", delay=30)
        with pytest.raises(Unavailable) as raised:
            await twilio.look_up(text(), LONG_AGO)
        assert type(raised.value) is Unavailable


async def test_a_delivery_that_fails_on_the_way_is_seen_by_its_code(
    twilio: TwilioMessenger, order: Order, box: Running
) -> None:
    await order("twilio", "decline:30005", operation="messages.create")
    receipt = await twilio.send(text())
    assert receipt.state is DeliveryState.processing
    await box.sandbox.carrier.settled()
    found = await twilio.look_up(text(), LONG_AGO)
    assert found is not None
    assert (found.state, found.reason) == (DeliveryState.failed, "30005")


def test_no_type_of_the_vendor_is_named_outside_its_adapter() -> None:
    for path in Path("providers").glob("*.py"):
        source = path.read_text()
        assert path.name == "twilio.py" or "from twilio" not in source
        assert path.name == "mail.py" or "aiosmtplib" not in source
