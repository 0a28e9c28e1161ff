"""Every message in both languages: it says who, what about, how much, one link, how to stop."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import templates
from domain.money import Money
from sandbox.segments import is_gsm, segments
from templates.engine import environment
from templates.facts import Due, Letter, Sender
from templates.wording import Wording
from tests.support.papers import PAY, SEE, SENDER, STOP, inr, letters, receipt, reminder

CASES = letters()
LANGUAGES = ("en", "hi")
every_message = pytest.mark.parametrize("case", CASES)
both_languages = pytest.mark.parametrize("locale", LANGUAGES)

SUBJECTS = {
    "reminder_before": "₹9,500.00 is due on 5 October 2026",
    "reminder_today": "₹9,500.00 is due today",
    "reminder_gentle": "₹9,500.00 was due on 5 October 2026",
    "reminder_firm": "Please pay ₹9,500.00, open since 5 October 2026",
    "reminder_of_two": "₹1,19,000.50 is open, the first of it since 5 October 2026",
    "reminder_of_two_ahead": "₹1,19,000.50 is due, the first of it on 5 October 2026",
    "reminder_of_two_today": "₹1,19,000.50 is due, the first of it today",
    "late_fee": "A late fee of ₹475.00 was added",
    "late_fee_of_days": "A late fee of ₹475.00 was added",
    "fee_reversed": "The late fee of ₹475.00 was taken back",
    "receipt": "Received with thanks: ₹10,000.00",
    "receipt_with_advance": "Received with thanks: ₹10,000.00",
    "invoice": "Invoice INV/26-27/000123: ₹9,975.00, due on 5 October 2026",
    "bill_of_supply": "Bill INV/26-27/000123: ₹9,975.00, due on 5 October 2026",
    "invoice_half_paid": "Invoice INV/26-27/000123: ₹9,975.00, due on 5 October 2026",
    "invoice_paid": "Invoice INV/26-27/000123: ₹9,975.00, due on 5 October 2026",
    "promise_noted": "Noted: you will pay ₹9,500.00 by 12 October 2026",
    "promise_broken": "₹9,500.00 is still open",
    "instalments_agreed": "Agreed: you pay ₹9,500.00 in 2 instalments",
    "instalments_broken": "₹9,500.00 is still open",
}
TEXTS = {
    "reminder_before": (
        f"Sunrise Residency: Rs. 9,500.00 for INV/26-27/000123 is due on 5 Oct. Pay: {PAY}"
        " STOP to end"
    ),
    "reminder_of_two": (
        f"Sunrise Residency: Rs. 1,19,000.50 for 2 invoices was due on 5 Oct. Pay: {PAY}"
        " STOP to end"
    ),
    "late_fee": (
        "Sunrise Residency: late fee Rs. 475.00 for INV/26-27/000123, due since 5 Oct 2026."
        f" In all: Rs. 9,975.00. Pay: {PAY}"
    ),
    "receipt": (
        "Sunrise Residency: received Rs. 10,000.00 on 9 Oct, thank you."
        f" Open in all: Rs. 25.00. Receipt: {SEE}"
    ),
    "invoice_paid": f"Sunrise Residency: INV/26-27/000123 is paid, thank you. See: {PAY}",
    "instalments_agreed": (
        "Sunrise Residency: agreed, Rs. 9,500.00 in 2 parts, first Rs. 5,000.00 by"
        f" 12 Oct. Pay: {PAY}"
    ),
}
# What each message must tell in any language.
TOLD = {
    "reminder_before": ("INV/26-27/000123", "Rent October 2026", "₹9,500.00"),
    "reminder_of_two": ("INV/26-27/000123", "INV/26-27/000125", "₹1,09,500.50", "₹1,19,000.50"),
    "late_fee": ("INV/26-27/000123", "INV/26-27/000124", "₹475.00", "₹9,975.00"),
    "fee_reversed": ("INV/26-27/000123", "INV/26-27/000124", "CN/26-27/000007", "₹475.00"),
    "receipt": ("RCP/26-27/000031", "INV/26-27/000123", "₹9,500.00", "₹25.00", "₹10,000.00"),
    "receipt_with_advance": ("₹500.00",),
    "invoice": ("INV/26-27/000123", "Rent October 2026", "₹9,500.00", "₹9,975.00"),
    "invoice_half_paid": ("₹9,975.00", "₹4,000.00"),
    "promise_noted": ("INV/26-27/000123", "₹9,500.00"),
    "promise_broken": ("INV/26-27/000123", "₹9,500.00"),
    "late_fee_of_days": ("INV/26-27/000123", "INV/26-27/000124", "₹475.00"),
    "instalments_agreed": ("INV/26-27/000123", "₹5,000.00", "₹4,500.00", "₹9,500.00"),
    "instalments_broken": ("INV/26-27/000123", "₹9,500.00"),
}


@both_languages
@every_message
def test_a_message_says_all_it_must(case: str, locale: str) -> None:
    letter = CASES[case]
    mail = templates.render(letter, locale)
    for shown in (mail.text, mail.html):
        for told in (*TOLD.get(case, ()), "Asha Rao", "Sunrise Residency", "+91 98765 43210"):
            assert told in shown
        assert shown.count(str(letter.url)) == 1, "one link"
        assert (STOP in shown) == (letter.stop_url is not None)
    assert mail.text.endswith("\n")
    assert "\n\n\n" not in mail.text
    assert "  \n" not in mail.text
    assert f'<html lang="{locale}">' in mail.html


@pytest.mark.parametrize(("case", "subject"), SUBJECTS.items())
def test_the_subject_says_it_in_one_line(case: str, subject: str) -> None:
    assert templates.render(CASES[case], "en").subject == subject


def test_every_case_has_its_subject_here() -> None:
    assert SUBJECTS.keys() == CASES.keys()


@pytest.mark.parametrize(("case", "said"), TEXTS.items())
def test_a_text_message_says_it_in_one_breath(case: str, said: str) -> None:
    assert templates.render_sms(CASES[case], "en") == said


@every_message
def test_a_text_message_fits_one_part_in_english(case: str) -> None:
    letter = CASES[case]
    said = templates.render_sms(letter, "en")
    assert is_gsm(said), {letter for letter in said if not is_gsm(letter)}
    longest_facts = case in {"late_fee", "late_fee_of_days", "reminder_firm"}
    assert segments(said) <= (2 if longest_facts else 1), len(said)
    assert said.count(str(letter.url)) == 1
    assert said.startswith("Sunrise Residency: ")


@every_message
def test_a_text_message_in_hindi_stays_short(case: str) -> None:
    letter = CASES[case]
    said = templates.render_sms(letter, "hi")
    assert segments(said) <= 3, said
    assert str(letter.url) in said
    assert "Rs." not in said


def test_a_long_name_with_fine_marks_does_not_lengthen_a_text_message() -> None:
    sender = Sender("Shree Venkateswara \u201cElite\u201d Men\u2019s Hostel \u2013 Madhapur")
    said = templates.render_sms(reminder(-3, sender=sender, stop_url=None), "en")
    assert said.startswith('Shree Venkateswara "E...: Rs. 9,500.00')
    assert is_gsm(said)
    assert segments(said) == 1


@both_languages
@every_message
def test_what_people_type_is_shown_never_run(case: str, locale: str) -> None:
    evil = "<script>alert('x')</script>"
    letter = CASES[case]
    changed = {
        "sender": Sender(evil, evil, evil, evil),
        "payer_name": evil,
        "dues": [Due(evil, evil, date(2026, 10, 5), inr("1.00"))],
        "url": 'http://h/?a=1&b="><script>',
    }
    known = {name: value for name, value in changed.items() if hasattr(letter, name)}
    mail = templates.render(replace(letter, **known), locale)
    assert "<script" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert evil in mail.text, "plain text is plain"


@both_languages
def test_a_link_nobody_has_leaves_no_empty_button(locale: str) -> None:
    mail = templates.render(reminder(1, url=None, stop_url=None), locale)
    assert "<a " not in mail.html
    assert "None" not in mail.text + mail.html
    assert "http" not in templates.render_sms(reminder(1, url=None, stop_url=None), locale)


def test_a_fact_left_out_is_an_error_never_a_hole() -> None:
    template = environment("en", "html").get_template("messages/reminder.j2")
    with pytest.raises(UndefinedError):
        template.render(sender=SENDER, payer_name="Asha")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("hi", "नमस्ते"),
        ("hi-IN", "नमस्ते"),
        ("en", "Hello"),
        ("EN_US", "Hello"),
        ("te", "Hello"),
        ("", "Hello"),
    ],
)
def test_a_language_we_do_not_have_is_english(locale: str, words: str) -> None:
    assert templates.render(reminder(0), locale).text.startswith(words)


@pytest.mark.parametrize(
    ("rung", "tone"),
    [(-3, "before"), (0, "today"), (1, "gentle"), (6, "gentle"), (7, "firm"), (15, "firm")],
)
def test_the_tone_follows_the_rung(rung: int, tone: str) -> None:
    assert reminder(rung).tone == tone


@pytest.mark.parametrize(
    ("method", "locale", "way"),
    [("bank_transfer", "en", "bank transfer"), ("cash", "hi", "नकद"), ("barter", "en", "barter")],
)
def test_a_receipt_names_the_way_of_payment(method: str, locale: str, way: str) -> None:
    assert way in templates.render(receipt(method=method, reference="UTR1"), locale).text


@pytest.mark.parametrize(
    ("minor", "currency", "page", "short"),
    [
        (950000, "INR", "₹9,500.00", "Rs. 9,500.00"),
        (1234567890, "INR", "₹1,23,45,678.90", "Rs. 1,23,45,678.90"),
        (-5050, "INR", "-₹50.50", "-Rs. 50.50"),
        (1234567, "USD", "$12,345.67", "USD 12,345.67"),
        (1234567, "JPY", "JP¥1,234,567", "JPY 1,234,567"),
        (1234567, "KWD", "KWD\u00a01,234.567", "KWD 1,234.567"),
    ],
)
def test_money_is_written_as_it_is_read(minor: int, currency: str, page: str, short: str) -> None:
    wording = Wording("en")
    assert wording.money(Money(minor, currency)) == page
    assert wording.short_money(Money(minor, currency)) == short


def test_every_message_of_the_folder_is_tested() -> None:
    folder = Path(templates.__file__).parent / "messages"
    written = {path.stem for path in folder.glob("*.j2")} - {"shared"}
    assert written == {letter.template for letter in CASES.values()}
    assert written == {kind.template for kind in Letter.__subclasses__()}


@every_message
def test_nothing_in_a_mail_is_fetched_from_elsewhere(case: str) -> None:
    html = templates.render(CASES[case], "en").html
    assert not re.search(r"<(img|script|link|iframe)|@import|url\(", html)
