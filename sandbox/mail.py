"""The sandbox's mail server: takes every letter, reads it, keeps it in the inbox, delivers none."""

import asyncio
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Any, cast
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sandbox.faults import Fault, Faults
from sandbox.inbox import Arrived, Attachment, Inbox

DATA_BYTES_MAX = 25 * 1024 * 1024
ACCEPTED = "250 2.0.0 kept in the inbox"
HUNG_UP = "421 4.4.2 connection lost"
REPLIES = {"429": "450 4.7.1 too many messages, slow down", "500": "451 4.3.0 local error"}


class Postman:
    """The hooks the SMTP protocol calls: greeting, recipient, letter."""

    def __init__(self, inbox: Inbox, faults: Faults) -> None:
        self._inbox = inbox
        self._faults = faults

    async def handle_RCPT(  # noqa: N802 the protocol's name for it
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept any address, unless an ordered outcome refuses it."""
        fault = self._faults.take("smtp", "rcpt", named_only=True)
        if fault is not None and fault.outcome != "success":
            return await self._refuse(server, fault)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 known"

    async def handle_DATA(  # noqa: N802 the protocol's name for it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the letter once per recipient, then answer as ordered."""
        fault = self._faults.take("smtp", "send")
        applies = fault is None or fault.outcome in {
            "success",
            "applied-then-timeout",
            "applied-then-500",
        }
        if applies:
            for arrived in letters(envelope):
                self._inbox.keep(arrived)
        if fault is None:
            return ACCEPTED
        if fault.outcome == "success":
            await asyncio.sleep(fault.delay)
            return ACCEPTED
        return await self._refuse(server, fault)

    async def _refuse(self, server: SMTP, fault: Fault) -> str:
        match fault.outcome:
            case "timeout" | "applied-then-timeout":
                await asyncio.sleep(fault.silence_seconds)
                return hang_up(server)
            case "applied-then-500":
                return hang_up(server)
            case "decline":
                await asyncio.sleep(fault.delay)
                return f"{fault.code} {fault.code[0]}.0.0 declined as ordered"
            case _:
                await asyncio.sleep(fault.delay)
                return REPLIES.get(fault.outcome, ACCEPTED)


def hang_up(server: SMTP) -> str:
    """Drop the connection without a word; the answer returned is never heard."""
    transport = cast("asyncio.Transport | None", server.transport)
    if transport is not None:
        transport.abort()
    return HUNG_UP


def letters(envelope: Envelope) -> list[Arrived]:
    """What came in an envelope: one letter for each recipient."""
    raw = envelope.content
    content = raw if isinstance(raw, bytes) else (raw or "").encode()
    letter = message_from_bytes(content, policy=policy.default)
    message_id = str(letter.get("Message-ID") or f"<{uuid4()}@sandbox>")
    return [
        Arrived(
            channel="email",
            provider_id=message_id.strip(),
            sender=str(letter.get("From") or envelope.mail_from or ""),
            recipient=address,
            state="delivered",
            subject=str(letter.get("Subject") or ""),
            text=body(letter, "plain") or "",
            html=body(letter, "html"),
            headers=[(name, str(value)) for name, value in letter.items()],
            attachments=files(letter),
        )
        for address in envelope.rcpt_tos
    ]


def body(letter: EmailMessage, kind: str) -> str | None:
    """The body of one kind (`plain`, `html`), if the letter has one."""
    part = letter.get_body((kind,))
    return None if part is None else words(part)


def words(part: MIMEPart) -> str:
    """The text of a part; bytes of an unknown or broken charset are shown as replaced."""
    try:
        content: object = part.get_content()
    except (LookupError, UnicodeError):
        content = part.get_payload(decode=True)
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    return text.replace("\r\n", "\n")


def files(letter: EmailMessage) -> Sequence[Attachment]:
    """The attachments of a letter, in order."""
    kept: list[Attachment] = []
    for part in letter.iter_attachments():
        raw: Any = part.get_payload(decode=True)
        content = raw if isinstance(raw, bytes) else part.as_bytes()
        name = part.get_filename() or f"part-{len(kept) + 1}"
        kept.append(Attachment(name, part.get_content_type(), content))
    return kept


def anybody(*_: object) -> AuthResult:
    """Every name and password is welcome here."""
    return AuthResult(success=True)


async def listen(inbox: Inbox, faults: Faults, host: str, port: int) -> asyncio.Server:
    """Take mail on an address; port 0 takes a free one."""
    postman = Postman(inbox, faults)

    def protocol() -> SMTP:
        return SMTP(
            postman,
            data_size_limit=DATA_BYTES_MAX,
            enable_SMTPUTF8=True,
            hostname="sandbox.invalid",
            ident="Innkeeper sandbox",
            authenticator=anybody,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    return await asyncio.get_running_loop().create_server(protocol, host, port)
