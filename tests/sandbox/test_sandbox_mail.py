"""The sandbox's mail server: what a real client sends is what the inbox shows."""

from email.message import EmailMessage

import aiosmtplib
import httpx2
import pytest

from sandbox.main import Running
from sandbox.segments import segments, units


def letter(to: str = "asha@mail.example") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Sunrise PG <billing@sunrise.example>"
    made["To"] = to
    made["Subject"] = "किराया ₹9,500.00"
    made["Message-ID"] = "<1@sunrise.example>"
    made.set_content("नमस्ते\n")
    made.add_alternative("<p>नमस्ते</p>\n", subtype="html")
    return made


async def test_a_letter_is_kept_whole(box: Running, client: httpx2.AsyncClient) -> None:
    await aiosmtplib.send(letter(), hostname="127.0.0.1", port=box.smtp_port)
    [kept] = (await client.get("/control/inbox?channel=email")).json()["items"]
    assert kept["to"] == "asha@mail.example"
    assert kept["from"] == "Sunrise PG <billing@sunrise.example>"
    assert kept["subject"] == "किराया ₹9,500.00"
    assert kept["text"].strip() == "नमस्ते"
    assert kept["html"].strip() == "<p>नमस्ते</p>"
    assert kept["providerMessageId"] == kept["headers"]["Message-ID"] == "<1@sunrise.example>"
    assert kept["state"] == "delivered"


async def test_every_recipient_has_the_letter(box: Running, client: httpx2.AsyncClient) -> None:
    made = letter("a@mail.example, b@mail.example")
    await aiosmtplib.send(made, hostname="127.0.0.1", port=box.smtp_port)
    kept = (await client.get("/control/inbox")).json()["items"]
    assert {message["to"] for message in kept} == {"a@mail.example", "b@mail.example"}
    [found] = (await client.get("/control/inbox?to=A@mail.example")).json()["items"]
    assert found["to"] == "a@mail.example"


async def test_bytes_of_an_unknown_charset_do_not_hurt(
    box: Running, client: httpx2.AsyncClient
) -> None:
    raw = b"Subject: odd\r\nContent-Type: text/plain; charset=martian\r\n\r\nfee \xff due\r\n"
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=box.smtp_port) as smtp:
        await smtp.sendmail("a@pg.example", ["b@mail.example"], raw)
    [kept] = (await client.get("/control/inbox")).json()["items"]
    assert kept["subject"] == "odd"
    assert kept["text"].startswith("fee")


async def test_any_password_is_welcome(box: Running) -> None:
    answer = await aiosmtplib.send(
        letter(), hostname="127.0.0.1", port=box.smtp_port, username="any", password="body"
    )
    assert answer[0] == {}


@pytest.mark.parametrize(
    ("outcome", "operation", "code"),
    [
        ("decline:550", "send", 550),
        ("decline:452", "send", 452),
        ("429", "send", 450),
        ("500", "*", 451),
        ("decline:553", "rcpt", 553),
    ],
)
async def test_the_server_refuses_as_ordered(
    box: Running, client: httpx2.AsyncClient, outcome: str, operation: str, code: int
) -> None:
    order = {"provider": "smtp", "operation": operation, "outcome": outcome}
    await client.post("/control/next", json=order)
    with pytest.raises(aiosmtplib.SMTPException) as refused:
        await aiosmtplib.send(letter(), hostname="127.0.0.1", port=box.smtp_port)
    assert str(code) in str(refused.value)
    assert (await client.get("/control/inbox")).json()["items"] == []


@pytest.mark.parametrize(
    ("outcome", "kept"), [("timeout", 0), ("applied-then-timeout", 1), ("applied-then-500", 1)]
)
async def test_the_line_goes_dead_after_the_letter_was_read(
    box: Running, client: httpx2.AsyncClient, outcome: str, kept: int
) -> None:
    order = {"provider": "smtp", "operation": "send", "outcome": outcome, "delay": 0.05}
    await client.post("/control/next", json=order)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await aiosmtplib.send(letter(), hostname="127.0.0.1", port=box.smtp_port)
    assert len((await client.get("/control/inbox")).json()["items"]) == kept


@pytest.mark.parametrize(
    ("text", "length", "parts"),
    [
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("[" * 80, 160, 1),
        ("[" * 81, 162, 2),
        ("Rs. 9,500.00", 12, 1),
        ("₹" * 70, 70, 1),
        ("₹" * 71, 71, 2),
        ("😀" * 35, 70, 1),
        ("", 0, 1),
    ],
)
def test_a_text_is_counted_as_a_carrier_counts_it(text: str, length: int, parts: int) -> None:
    assert (units(text), segments(text)) == (length, parts)
