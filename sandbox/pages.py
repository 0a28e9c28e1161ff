"""The sandbox's pages for people: start, inbox, one message. No script, nothing from elsewhere."""

import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sandbox.clock import Clock
from sandbox.inbox import Attachment, Wanted

HTML = Path(__file__).parent / "html"
STYLE = (HTML / "style.css").read_text()
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A mail is a stranger's HTML: it may show itself and open links in a new window, nothing more.
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


def wanted_by(request: Request) -> bool:
    """Whether the caller is a browser: it says that it takes HTML."""
    return "text/html" in request.headers.get("accept", "")


def start(
    clock: Clock, counts: dict[str, int], address: str, smtp: tuple[str, int] | None
) -> Response:
    """The first page: where things are and how to steer them."""
    return page("start.html", clock=clock, counts=counts, address=address, smtp=smtp)


def inbox(
    found: Sequence[sqlite3.Row], following: int | None, wanted: Wanted, total: int, clock: Clock
) -> Response:
    """The list of messages, with its filters as plain links."""

    def link(**changed: object) -> str:
        """This list, asked differently."""
        asked = {
            "to": wanted.to,
            "channel": wanted.channel,
            "since": wanted.since.isoformat() if wanted.since else None,
            **changed,
        }
        kept = {name: value for name, value in asked.items() if value}
        return "/control/inbox" + (f"?{urlencode(kept)}" if kept else "")

    return page(
        "inbox.html",
        clock=clock,
        messages=found,
        following=following,
        wanted=wanted,
        total=total,
        link=link,
    )


def message(shown: dict[str, object], clock: Clock) -> Response:
    """One message, whole."""
    return page("message.html", clock=clock, message=shown)


def letter(html: str) -> Response:
    """A mail's own HTML for the fenced frame; its links open in a new window."""
    head = re.search(r"<head[^>]*>", html, re.IGNORECASE)
    at = head.end() if head else 0
    shown = f'{html[:at]}<base target="_blank">{html[at:]}' if head or "<" in html else html
    return HTMLResponse(shown, headers=guarded(LETTER_POLICY.replace("base-uri 'none'; ", "")))


def download(file: Attachment) -> Response:
    """A file to be saved, never shown in place."""
    disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
    headers = {**guarded("default-src 'none'; sandbox"), "Content-Disposition": disposition}
    return Response(file.content, media_type="application/octet-stream", headers=headers)


def style() -> Response:
    """The one stylesheet."""
    headers = {"Cache-Control": "max-age=60", "X-Content-Type-Options": "nosniff"}
    return Response(STYLE, media_type="text/css", headers=headers)


def page(name: str, **facts: object) -> Response:
    """A page of ours, filled in."""
    return HTMLResponse(PAGES.get_template(name).render(**facts), headers=guarded(PAGE_POLICY))


def guarded(policy: str) -> dict[str, str]:
    """The headers every page carries."""
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def linked(text: str) -> Markup:
    """Plain text with its addresses made into links, everything else escaped."""
    shown, at = Markup(), 0
    for found in LINK.finditer(text):
        anchor = Markup('<a href="{0}" target="_blank" rel="noreferrer">{0}</a>')
        shown += escape(text[at : found.start()]) + anchor.format(found.group())
        at = found.end()
    return shown + escape(text[at:])


def moment(kept: str | datetime) -> str:
    """An instant for people, in UTC: 5 Oct 2026, 04:30."""
    at = datetime.fromisoformat(kept) if isinstance(kept, str) else kept
    return f"{at.day} {at:%b %Y, %H:%M}"


PAGES = Environment(
    loader=FileSystemLoader(HTML),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters.update(linked=linked, moment=moment)
