"""Fills templates in: every name must be known, everything from outside is escaped."""

import base64
import hashlib
import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.money import Money
from domain.paper import CreditNotePaper, InvoicePaper, ReceiptPaper
from templates.code import qr_code
from templates.facts import Letter, PayLinkUnknown, PayPage, PayPageAway, StartPage
from templates.wording import NAMES, Wording, language, translations
from templates.words import in_words

FOLDER = Path(__file__).parent
FONTS = FOLDER / "documents" / "fonts"
STYLES = {name: (FOLDER / name / "style.css").read_text() for name in ("documents", "pages")}
EMPTY_LINES = re.compile(r"\n{3,}")
SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words: the subject in one line, the plain text, the HTML."""

    subject: str
    text: str
    html: str


def render(letter: Letter, locale: str) -> Rendered:
    """A message as mail, in the reader's language (English where we do not have it)."""
    code = language(locale)
    named = facts_of(letter)
    path = f"messages/{letter.template}.j2"
    text, html = environment(code, "txt"), environment(code, "html")
    template = text.get_template(path)
    subject = "".join(template.blocks["subject"](template.new_context(named)))
    return Rendered(
        SPACES.sub(" ", subject).strip(),
        tidy(template.render(named)),
        html.get_template(path).render(named),
    )


def render_sms(letter: Letter, locale: str) -> str:
    """A message as one text message: who, what about, one link, how to stop what may be stopped.

    English is in the GSM alphabet as far as the facts are, and fits one part of 160 characters
    with names and links of usual length.
    """
    template = environment(language(locale), "txt").get_template(f"messages/{letter.template}.j2")
    said = "".join(template.blocks["sms"](template.new_context(facts_of(letter))))
    return SPACES.sub(" ", said).strip()


def document(paper: InvoicePaper | CreditNotePaper | ReceiptPaper, locale: str) -> str:
    """A document as a page of HTML that prints on A4, in the reader's language."""
    return filled(f"documents/{paper.template}.html", paper, locale)


def page(shown: StartPage | PayPage | PayLinkUnknown | PayPageAway, locale: str) -> str:
    """A page for browsers."""
    return filled(f"pages/{shown.template}.html", shown, locale)


def picture(upi: str, amount: Money, locale: str) -> str:
    """The UPI code of an amount as a picture of its own (SVG)."""
    code = language(locale)
    words = translations(code).gettext("QR code to pay %(amount)s by UPI")
    return qr_code(upi, words % {"amount": Wording(code).money(amount)})


@cache
def policy(*form_to: str) -> str:
    """The Content-Security-Policy of every page and document: our two stylesheets, nothing else.

    A form posts to ourselves. `form_to` are the origins an answer to it may send the browser on to:
    Chromium holds the redirects after a form to this list as well.
    """
    digests = (hashlib.sha256(style.encode()).digest() for style in STYLES.values())
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    forms = " ".join(("'self'", *form_to))
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action {forms};"
        " base-uri 'none'; frame-ancestors 'none'"
    )


def filled(path: str, facts: object, locale: str) -> str:
    """A template of HTML, filled in."""
    return environment(language(locale), "html").get_template(path).render(facts_of(facts))


def facts_of(facts: Any) -> dict[str, Any]:
    """The fields of a facts value by name, and the value itself as `facts`."""
    return {"facts": facts, **{field.name: getattr(facts, field.name) for field in fields(facts)}}


def tidy(text: str) -> str:
    """Plain text without trailing spaces and runs of empty lines."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return EMPTY_LINES.sub("\n\n", lines).strip() + "\n"


@cache
def environment(code: str, kind: str) -> Environment:
    """The Jinja environment of one language for `html` (escaped) or `txt`."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=kind == "html",  # noqa: S701 plain text has nothing to escape
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(translations(code), newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    wording = Wording(code)
    cast("dict[str, Any]", made.filters).update(
        money=wording.money,
        short_money=wording.short_money,
        figure=wording.figure,
        percent=wording.percent,
        day=wording.day,
        short_day=wording.short_day,
        near_day=wording.near_day,
        moment=wording.moment,
        hour=wording.hour,
        plain=wording.plain,
        qr_code=qr_code,
        in_words=lambda money: in_words(money, code),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    )
    known = cast("dict[str, Any]", made.globals)
    known.update(language=code, languages=NAMES, styles=STYLES, layout=f"messages/layout.{kind}")
    known["kit"] = made.get_template(f"messages/kit.{kind}").module
    return made
