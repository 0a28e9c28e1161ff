"""The inbox: every message a provider accepted here, whatever the channel, newest first."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sandbox.clock import Clock
from sandbox.segments import segments
from sandbox.state import State


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it comes in. `doomed_by` is the error its delivery will end with."""

    channel: str
    provider_id: str
    sender: str
    recipient: str
    state: str
    text: str
    subject: str = ""
    html: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Attachment] = ()
    account: str | None = None
    service: str | None = None
    callback_url: str | None = None
    doomed_by: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader of the inbox asks for. `before` is the cursor of the page before."""

    to: str | None = None
    channel: str | None = None
    since: datetime | None = None
    before: int | None = None
    limit: int = 50

    def clauses(self) -> tuple[str, list[object]]:
        """The same in SQL, without the cursor."""
        parts: list[tuple[str, object]] = []
        if self.to:
            # A plus sign typed into an address arrives as a space.
            address = "+" + self.to[1:] if self.to.startswith(" ") else self.to
            parts.append(("recipient = ? COLLATE NOCASE", address.strip()))
        if self.channel:
            parts.append(("channel = ?", self.channel))
        if self.since:
            parts.append(("at >= ?", self.since.astimezone(UTC).isoformat(timespec="microseconds")))
        return " AND ".join(["1", *(sql for sql, _ in parts)]), [value for _, value in parts]


class Inbox:
    """Keeps what arrived and finds it again."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def keep(self, arrived: Arrived) -> str:
        """Write a message down, dated by the sandbox's clock; answers its id."""
        message_id = str(uuid4())
        now = self._clock.now().isoformat(timespec="microseconds")
        self._state.write("BEGIN")
        self._state.write(
            "INSERT INTO messages (id, channel, provider_id, sender, recipient, subject, text,"
            " html, headers, state, doomed_by, account, service, callback_url, at, sent_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            message_id,
            arrived.channel,
            arrived.provider_id,
            arrived.sender,
            arrived.recipient,
            arrived.subject,
            arrived.text,
            arrived.html,
            json.dumps(list(arrived.headers)),
            arrived.state,
            arrived.doomed_by,
            arrived.account,
            arrived.service,
            arrived.callback_url,
            now,
            now if arrived.state == "delivered" else None,
            now,
        )
        for ordinal, file in enumerate(arrived.attachments):
            self._state.write(
                "INSERT INTO attachments VALUES (?, ?, ?, ?, ?)",
                message_id,
                ordinal,
                file.name,
                file.content_type,
                file.content,
            )
        self._state.write("COMMIT")
        return message_id

    def move(self, message_id: str, state: str, error_code: int | None = None) -> sqlite3.Row:
        """Bring a message to its next state; answers the row as it is now."""
        now = self._clock.now().isoformat(timespec="microseconds")
        self._state.write(
            "UPDATE messages SET state = ?, error_code = ?, updated_at = ?,"
            " sent_at = coalesce(sent_at, ?) WHERE id = ?",
            state,
            error_code,
            now,
            now,
            message_id,
        )
        moved = self.find(message_id)
        if moved is None:
            raise LookupError(message_id)
        return moved

    def find(self, message_id: str) -> sqlite3.Row | None:
        """One message by its id here."""
        return self._state.row("SELECT * FROM messages WHERE id = ?", message_id)

    def page(self, wanted: Wanted) -> tuple[Sequence[sqlite3.Row], int | None]:
        """The newest messages asked for, and the cursor of the next page if there are more."""
        where, values = wanted.clauses()
        if wanted.before is not None:
            where, values = f"{where} AND seq < ?", [*values, wanted.before]
        found = self._state.rows(
            f"SELECT * FROM messages WHERE {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608
            *values,
            wanted.limit + 1,
        )
        more = len(found) > wanted.limit
        return found[: wanted.limit], (found[wanted.limit - 1]["seq"] if more else None)

    def total(self, wanted: Wanted) -> int:
        """How many messages fit, over all pages."""
        where, values = wanted.clauses()
        return self._state.count(f"SELECT count(*) FROM messages WHERE {where}", *values)  # noqa: S608

    def attachments(self, message_id: str) -> list[Attachment]:
        """The files of a message, in order."""
        found = self._state.rows(
            "SELECT * FROM attachments WHERE message = ? ORDER BY ordinal", message_id
        )
        return [Attachment(row["name"], row["content_type"], row["content"]) for row in found]


def shown(row: sqlite3.Row, attachments: Sequence[Attachment]) -> dict[str, object]:
    """A message as programs read it."""
    return {
        "id": row["id"],
        "channel": row["channel"],
        "providerMessageId": row["provider_id"],
        "from": row["sender"],
        "to": row["recipient"],
        "subject": row["subject"],
        "text": row["text"],
        "html": row["html"],
        "headers": dict(json.loads(row["headers"])),
        "attachments": [
            {"name": file.name, "contentType": file.content_type, "bytes": len(file.content)}
            for file in attachments
        ],
        "segments": segments(row["text"]) if row["channel"] == "sms" else None,
        "state": row["state"],
        "errorCode": row["error_code"],
        "at": row["at"],
        "updatedAt": row["updated_at"],
    }
