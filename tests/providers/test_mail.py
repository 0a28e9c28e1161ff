"""Mail over real SMTP: what arrives, which connection carries it, what each answer means."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.message_delivery import DeliveryState
from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Attachment, Channel
from sandbox.main import Running, running
from tests.support.outgoing import Inbox, Order, letter


async def test_a_mail_arrives_as_it_was_meant(mail: MailMessenger, inbox: Inbox) -> None:
    file = Attachment("INV-1.html", "text/html", b"<h1>INV-1</h1>")
    receipt = await mail.send(letter(attachments=[file]))
    [kept] = await inbox()
    headers = kept["headers"]
    assert headers["From"] == "Sunrise PG <billing@sunrise.example>"
    assert headers["Reply-To"] == "desk@sunrise.example"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in headers
    assert kept["subject"] == "₹9,500.00 is due on 5 October 2026"
    assert kept["text"] == "नमस्ते Asha,\nRs. 9,500.00 is due.\n"
    assert str(kept["html"]).strip() == "<p>₹9,500.00 is due.</p>"
    assert kept["attachments"] == [{"name": "INV-1.html", "contentType": "text/html", "bytes": 14}]
    assert receipt.state is DeliveryState.sent
    assert receipt.provider_message_id == kept["providerMessageId"]


async def test_the_same_message_has_the_same_identity_however_often_it_is_sent(
    mail: MailMessenger, inbox: Inbox
) -> None:
    first, second = await mail.send(letter(7)), await mail.send(letter(7))
    assert first == second
    assert first.provider_message_id == f"<{UUID(int=7)}@sunrise.example>"
    assert {kept["providerMessageId"] for kept in await inbox()} == {first.provider_message_id}


async def test_what_may_be_stopped_says_how(mail: MailMessenger, inbox: Inbox) -> None:
    await mail.send(letter(stop_url="http://127.0.0.1/stop/tok"))
    [kept] = await inbox()
    assert "'List-Unsubscribe': '<http://127.0.0.1/stop/tok>'" in str(kept["headers"])


async def test_a_name_with_a_line_break_adds_no_header(mail: MailMessenger, inbox: Inbox) -> None:
    await mail.send(letter(sender_name="PG\r\nBcc: x@y.example", subject="Rent\nX-Evil: 1"))
    [kept] = await inbox()
    assert kept["subject"] == "Rent X-Evil: 1"
    assert "X-Evil" not in kept["headers"]


@pytest.mark.parametrize("to", ["", "asha", "asha@", "@mail.example", "a b@mail.example", "a@b\n"])
async def test_what_is_no_address_is_refused(mail: MailMessenger, to: str) -> None:
    with pytest.raises(Refused) as refused:
        await mail.send(letter(to=to))
    assert refused.value.code == "INVALID_RECIPIENT"


@pytest.mark.parametrize(
    ("outcome", "operation", "error", "code"),
    [
        ("decline:550", "rcpt", Refused, "RECIPIENT_REFUSED"),
        ("decline:450", "rcpt", Unavailable, "UNAVAILABLE"),
        ("decline:554", "send", Refused, "MAIL_REFUSED"),
        ("decline:452", "send", Unavailable, "UNAVAILABLE"),
        ("429", "send", Unavailable, "UNAVAILABLE"),
        ("500", "send", Unavailable, "UNAVAILABLE"),
        ("timeout", "send", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("applied-then-timeout", "send", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("applied-then-500", "send", UnknownOutcome, "UNKNOWN_OUTCOME"),
        ("timeout", "rcpt", Unavailable, "UNAVAILABLE"),
    ],
)
async def test_every_answer_of_the_server_has_its_class(  # noqa: PLR0917 the columns above
    mail: MailMessenger, order: Order, outcome: str, operation: str, error: type, code: str
) -> None:
    await order("smtp", outcome, operation=operation, delay=0.05)
    with pytest.raises(error) as raised:
        await mail.send(letter())
    assert type(raised.value) is error
    assert raised.value.code == code
    assert "asha" not in str(raised.value)
    await mail.send(letter())


async def test_a_silent_server_is_given_up(box: Running, order: Order, inbox: Inbox) -> None:
    mail = MailMessenger(
        MailSettings("127.0.0.1", box.smtp_port, "b@pg.example", timeout_seconds=0.2)
    )
    await order("smtp", "applied-then-timeout", operation="send", delay=30)
    with pytest.raises(UnknownOutcome):
        await mail.send(letter())
    assert len(await inbox()) == 1
    assert await mail.look_up(letter(), datetime.now(UTC)) is None
    await mail.close()


async def test_nobody_listening_is_unavailable(unused_tcp_port: int) -> None:
    mail = MailMessenger(MailSettings("127.0.0.1", unused_tcp_port, "b@pg.example"))
    with pytest.raises(Unavailable) as raised:
        await mail.send(letter())
    assert type(raised.value) is Unavailable


async def test_a_batch_shares_a_few_connections(
    mail: MailMessenger, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="mail.log")
    await asyncio.gather(*(mail.send(letter(number)) for number in range(200)))
    assert len({kept["providerMessageId"] for kept in await inbox()}) == 200
    greeted = [record for record in caplog.records if "handling connection" in record.message]
    assert len(greeted) <= 4


async def test_a_connection_gone_stale_costs_no_mail(inbox: Inbox, box: Running) -> None:
    async with running() as other:
        mail = MailMessenger(MailSettings("127.0.0.1", other.smtp_port, "b@pg.example"))
        await mail.send(letter(1))
        for line in mail._idle:
            assert isinstance(line.transport, asyncio.Transport)
            line.transport.abort()
        await mail.send(letter(2))
        assert other.sandbox.state.count("SELECT count(*) FROM messages") == 2
        await mail.close()


async def test_a_channel_nobody_set_up_refuses(mail: MailMessenger, inbox: Inbox) -> None:
    messenger = ByChannel({Channel.EMAIL: mail})
    await messenger.send(letter())
    assert await messenger.look_up(letter(), datetime.now(UTC)) is None
    with pytest.raises(Refused) as refused:
        await messenger.send(letter(channel=Channel.SMS))
    assert refused.value.code == "CHANNEL_NOT_SET_UP"
    assert len(await inbox()) == 1
