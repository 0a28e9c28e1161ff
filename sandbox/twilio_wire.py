"""Twilio's words: how a message is written on the wire, what it refuses and by which code."""

import re
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from secrets import token_hex
from typing import Any

from sandbox.inbox import Arrived
from sandbox.segments import segments

ACCOUNT = re.compile(r"^AC[0-9a-fA-F]{32}$")
SERVICE = re.compile(r"^MG[0-9a-fA-F]{32}$")
PHONE = re.compile(r"^(?:whatsapp:)?\+[1-9]\d{7,14}$")
SENDER = re.compile(r"^(?:(?:whatsapp:)?\+[1-9]\d{7,14}|\d{4,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{2,11})$")
BODY_MAX = 1600

# Code → status and words, as published in Twilio's error dictionary.
ERRORS: Mapping[int, tuple[int, str]] = {
    20001: (400, "Unknown parameters"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {about} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "The 'To' number {about} is not a valid phone number."),
    21212: (400, "The 'From' number {about} is not a valid phone number."),
    21408: (
        403,
        "Permission to send an SMS has not been enabled for the region indicated by 'To'.",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (400, "The 'To' phone number is not currently reachable using the 'From' number."),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
    21635: (400, "'To' number cannot be a landline"),
}
# The numbers Twilio itself answers so with test credentials.
MAGIC = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


def ends_later(code: int | None) -> bool:
    """Whether an error is one of delivery: the message is taken and fails on the way."""
    return code is not None and (30000 <= code < 40000 or 63000 <= code < 64000)  # noqa: PLR2004


def problem_with(form: Mapping[str, str]) -> tuple[int, str] | None:
    """The first rule a message breaks, as code and what it is about."""
    to, body = form.get("To", ""), form.get("Body", "")
    sender, service = form.get("From", ""), form.get("MessagingServiceSid", "")
    rules = (
        (bool(to), 21604, ""),
        (bool(PHONE.match(to)), 21211, to),
        (bool(sender or service), 21603, ""),
        (not sender or bool(SENDER.match(sender)), 21212, sender),
        (not service or bool(SERVICE.match(service)), 20001, service),
        (bool(body or form.get("ContentSid") or form.get("MediaUrl")), 21602, ""),
        (len(body) <= BODY_MAX, 21617, ""),
        (to not in MAGIC, MAGIC.get(to, 0), to),
    )
    return next(((code, about) for kept, code, about in rules if not kept), None)


def arrived(account: str, form: Mapping[str, str], doomed_by: int | None) -> Arrived:
    """A message as the inbox keeps it."""
    return Arrived(
        channel="sms",
        provider_id="SM" + token_hex(16),
        sender=form.get("From", ""),
        recipient=form["To"],
        state="accepted" if not form.get("From") else "queued",
        text=form.get("Body", ""),
        account=account,
        service=form.get("MessagingServiceSid") or None,
        callback_url=form.get("StatusCallback") or None,
        doomed_by=doomed_by,
    )


def shown(row: sqlite3.Row | None) -> dict[str, Any]:
    """A message as Twilio writes it."""
    if row is None:
        return {}
    uri = f"/2010-04-01/Accounts/{row['account']}/Messages/{row['provider_id']}"
    return {
        "account_sid": row["account"],
        "api_version": "2010-04-01",
        "body": row["text"],
        "date_created": dated(row["at"]),
        "date_sent": dated(row["sent_at"]),
        "date_updated": dated(row["updated_at"]),
        "direction": "outbound-api",
        "error_code": row["error_code"],
        "error_message": None,
        "from": row["sender"] or None,
        "messaging_service_sid": row["service"],
        "num_media": "0",
        "num_segments": str(segments(row["text"])),
        "price": None,
        "price_unit": "USD",
        "sid": row["provider_id"],
        "status": row["state"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row["recipient"],
        "uri": f"{uri}.json",
    }


def dated(kept: str | None) -> str | None:
    """An instant as Twilio writes it: RFC 2822, to the second, in GMT."""
    return None if kept is None else format_datetime(datetime.fromisoformat(kept))
