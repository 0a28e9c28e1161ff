"""Mail by SMTP: stable Message-IDs, a few kept connections, answers turned into our errors."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from domain.errors import InnkeeperError, Refused, Unavailable, UnknownOutcome
from domain.message_delivery import DeliveryState
from providers.messages import Outgoing, Receipt

PROVIDER = "smtp"
ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}")
BUSY_SECONDS = 30
SET_UP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The operator's mail server and the address all mail comes from. Time-out in seconds."""

    host: str
    port: int
    sender_address: str
    username: str | None = None
    password: str | None = None
    security: Literal["none", "starttls", "tls"] = "none"
    timeout_seconds: float = 30.0
    connections_max: int = 4


class MailMessenger:
    """Sends mail.

    Refused codes: INVALID_RECIPIENT (no mail address), RECIPIENT_REFUSED, SENDER_REFUSED,
    MAIL_REFUSED (a 5xx at that stage). 4xx, a refused log-in and an unreachable server are
    Unavailable; a connection lost while the letter was handed over is UnknownOutcome.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._room = asyncio.Semaphore(settings.connections_max)
        self._idle: list[SMTP] = []

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Hand one mail to the server; it counts as sent when the server took it."""
        letter = compose(outgoing, self._settings.sender_address)
        async with self._room:
            line = await self._open(outgoing.to)
            try:
                await _hand_over(line, letter)
            except BaseException:
                line.close()  # its state is unknown; the next mail opens another
                raise
            self._idle.append(line)
        return Receipt(PROVIDER, str(letter["Message-ID"]), DeliveryState.sent)

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """None, always: a mail server cannot be asked.

        Sending again is right, since the Message-ID is the same and mailboxes show one.
        """
        del outgoing, sent_after

    async def close(self) -> None:
        """Say goodbye on every kept connection."""
        while self._idle:
            with suppress(SMTPException, OSError):
                await self._idle.pop().quit()

    async def _open(self, to: str) -> SMTP:
        """A connection on which sender and recipient are accepted and the letter may follow."""
        while self._idle:
            line = self._idle.pop()
            with suppress(SMTPServerDisconnected):  # it went stale while idle: nothing was sent
                return await _address(line, self._settings.sender_address, to)
            line.close()
        line = await self._connect()
        try:
            return await _address(line, self._settings.sender_address, to)
        except SMTPServerDisconnected as error:
            raise Unavailable("the mail server hung up") from error

    async def _connect(self) -> SMTP:
        settings = self._settings
        line = SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            # Named here, else the library asks the resolver for this machine's name.
            local_hostname=settings.sender_address.rpartition("@")[2],
            timeout=settings.timeout_seconds,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
        )
        try:
            await line.connect()
        except SMTPResponseException as error:
            line.close()
            detail = f"the mail server answered {error.code} to the greeting or log-in"
            raise Unavailable(detail, retry_after_seconds=SET_UP_SECONDS) from error
        except (SMTPException, OSError) as error:
            line.close()
            raise Unavailable("the mail server cannot be reached") from error
        return line


def compose(outgoing: Outgoing, sender_address: str) -> EmailMessage:
    """The letter: text and HTML, attachments, and a Message-ID that is the message's identity."""
    letter = EmailMessage(policy=policy.SMTP)
    sender = Address(_one_line(outgoing.sender_name), addr_spec=sender_address)
    letter["Message-ID"] = f"<{outgoing.id}@{sender.domain}>"
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["From"] = sender
    letter["To"] = _recipient(outgoing.to)
    letter["Subject"] = _one_line(outgoing.subject)
    if outgoing.reply_to:
        letter["Reply-To"] = _recipient(outgoing.reply_to)
    letter["Auto-Submitted"] = "auto-generated"
    if outgoing.stop_url:
        letter["List-Unsubscribe"] = f"<{outgoing.stop_url}>"
    letter.set_content(outgoing.text)
    if outgoing.html is not None:
        letter.add_alternative(outgoing.html, subtype="html")
    for file in outgoing.attachments:
        main, _, sub = file.content_type.partition("/")
        letter.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return letter


async def _address(line: SMTP, sender: str, to: str) -> SMTP:
    """Name sender and recipient. Raises SMTPServerDisconnected when the line was dead."""
    stage = "SENDER_REFUSED"
    try:
        await line.mail(sender)
        stage = "RECIPIENT_REFUSED"
        await line.rcpt(to)
    except SMTPResponseException as error:
        line.close()
        raise _refusal(error, stage) from error
    except SMTPServerDisconnected:
        raise
    except (SMTPException, OSError) as error:
        line.close()
        raise Unavailable("the mail server stopped answering") from error
    return line


async def _hand_over(line: SMTP, letter: EmailMessage) -> None:
    try:
        await line.data(letter.as_bytes())
    except SMTPResponseException as error:
        raise _refusal(error, "MAIL_REFUSED") from error
    except (SMTPException, OSError) as error:
        raise UnknownOutcome("the mail server took the letter and gave no answer") from error


def _refusal(error: SMTPResponseException, code: str) -> InnkeeperError:
    """The server's answer as our error; its words may name a person and are left out."""
    enhanced = ENHANCED.match(error.message)
    detail = f"the mail server answered {error.code} {enhanced.group() if enhanced else ''}"
    if 500 <= error.code < 600:  # noqa: PLR2004 the 5 of 5xx
        return Refused(detail.strip(), code=code)
    return Unavailable(detail.strip(), retry_after_seconds=BUSY_SECONDS)


def _recipient(address: str) -> Address:
    try:
        found = Address(addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise Refused("this is no mail address", code="INVALID_RECIPIENT") from error
    if not (address.isascii() and found.username and found.domain):
        raise Refused("this is no mail address", code="INVALID_RECIPIENT")
    return found


def _one_line(words: str) -> str:
    """Header text: whatever was written, no line can be added to the head of a letter."""
    return " ".join(words.split())
