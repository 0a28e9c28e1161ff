"""Documents carry what the law asks, escape what people typed, and print on A4."""

import base64
import hashlib
import re
from decimal import Decimal

import pytest

import templates
from domain.money import Money
from domain.paper import InvoicePaper, Line, Party, taxes
from domain.tax import Document
from templates.engine import STYLES
from templates.words import in_words
from tests.support.papers import (
    FEE,
    INVOICE,
    PAY,
    bill_of_supply,
    credit_note,
    inr,
    receipt_paper,
    start_page,
    tax_invoice,
    words_of,
)

both_languages = pytest.mark.parametrize("locale", ["en", "hi"])


def test_a_tax_invoice_has_every_field_of_rule_46() -> None:
    read = words_of(templates.document(tax_invoice(), "en"))
    for told in (
        "Tax invoice",
        "Sunrise Residency LLP 12 Lake Road Gachibowli Hyderabad 500032",
        "GSTIN 36AABCS1429B1Z5",
        f"Number {INVOICE}",
        "Date 1 October 2026",
        "Due 5 October 2026",
        "Billed to Asha Rao Room 204, Bed B",
        "State: Telangana (36)",
        "Period 1 October 2026 to 31 October 2026",
        "Place of supply Telangana (36)",
        "Reverse charge no",
        "Rent October 2026, bed 204-B 996322 ₹23,000.00",
        "CGST 2.5% ₹575.00 SGST 2.5% ₹575.00 ₹24,150.00",
        "Maintenance October 2026 996322 ₹1,250.50 nil ₹1,250.50",
        "Taxable value ₹24,250.50",
        "Round-off ₹0.50",
        "Total ₹25,401.00",
        "Amount in words Rupees twenty-five thousand four hundred one only",
        "Note Rent covers water and wifi.",
        "Authorised signatory",
    ):
        assert told in read, told
    assert "Paid" not in read


def test_a_bill_of_supply_names_no_tax() -> None:
    html = templates.document(bill_of_supply(), "en")
    read = words_of(html)
    assert "Bill of supply" in read
    assert "BOS/26-27/000123" in read
    assert "Paid" in read
    assert "CGST" not in read
    assert "Value of supply ₹9,500.00" in read
    assert "Taxable" not in read
    assert ">Tax<" not in html
    assert PAY not in html, "nothing is left to pay"


def test_a_credit_note_names_the_document_it_takes_back_from() -> None:
    read = words_of(templates.document(credit_note(), "en"))
    for told in (
        "Credit note",
        "Number CN/26-27/000007",
        f"For {FEE} dated 9 October 2026",
        "Reason Payment of 5 October 2026 came in time",
        "CGST 2.5% ₹11.88",
        "Credited ₹498.76",
        "Rupees four hundred ninety-eight and paise seventy-six only",
    ):
        assert told in read, told


def test_a_receipt_says_what_it_paid_and_what_is_left() -> None:
    read = words_of(templates.document(receipt_paper(), "en"))
    for told in (
        "Receipt",
        "Received on 9 October 2026",
        "How paid bank transfer",
        "Reference N281026123456789",
        "Received from Asha Rao",
        f"Rent October 2026 {INVOICE} ₹0.00 ₹9,500.00",
        "Advance, kept for your next invoice ₹500.00",
        "Received ₹10,000.00",
        "Open in all after it ₹0.00",
    ):
        assert told in read, told


def test_a_late_fee_names_the_invoice_it_is_for_and_a_cancelled_one_says_so() -> None:
    read = words_of(
        templates.document(tax_invoice(late_number="INV/26-27/9", cancelled=True), "en")
    )
    assert "Late fee for INV/26-27/9" in read
    assert "Cancelled" in read
    assert "Pay ₹" not in read


def test_what_was_paid_in_part_is_shown() -> None:
    read = words_of(templates.document(tax_invoice(balance=inr("20000.00")), "en"))
    assert "Paid ₹5,401.00 Still to pay ₹20,000.00" in read
    assert "Pay ₹20,000.00" in read


@both_languages
@pytest.mark.parametrize("paper", [tax_invoice(), bill_of_supply(), credit_note(), receipt_paper()])
def test_a_document_speaks_both_languages(paper: InvoicePaper, locale: str) -> None:
    html = templates.document(paper, locale)
    assert f'<html lang="{locale}">' in html
    assert ("राशि शब्दों में" in html) == (locale == "hi")
    assert "None" not in words_of(html)
    assert "size: A4" in html


def test_what_people_type_is_shown_never_run() -> None:
    evil = "<script>alert(1)</script>"
    paper = tax_invoice(
        supplier=Party(evil, (evil,), evil, "36", evil, evil),
        recipient=Party(evil),
        property_name=evil,
        lines=[Line(evil, inr("1.00"), evil)],
        note=evil,
    )
    assert "<script" not in templates.document(paper, "en")


def test_a_supplier_without_gstin_and_state_leaves_no_gap() -> None:
    plain = Party("Asha Homes")
    html = templates.document(
        tax_invoice(supplier=plain, recipient=plain, place_of_supply=None, property_name=None), "en"
    )
    assert "GSTIN" not in html
    assert "Place of supply" not in html
    assert "State:" not in html


def test_igst_is_one_head_at_the_whole_rate() -> None:
    five = taxes("INR", Decimal(5), 0, 0, 5000)
    paper = tax_invoice(lines=[Line("Rent", inr("1000.00"), "996322", five)], total=inr("1050.00"))
    assert [(tax.head, tax.rate) for tax in paper.taxes] == [("IGST", Decimal(5))]
    assert paper.round_off.minor == 0
    assert paper.document is Document.tax_invoice


def test_a_page_may_load_our_styles_and_nothing_else() -> None:
    policy = templates.policy()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    shown = {
        "documents": templates.document(tax_invoice(), "en"),
        "pages": templates.page(start_page(), "en"),
    }
    for name, html in shown.items():
        [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        assert style == STYLES[name]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
        assert "style=" not in html
        assert "<script" not in html
        assert len(html.encode()) < 20_000


@both_languages
def test_the_start_page_leads_everywhere(locale: str) -> None:
    html = templates.page(start_page(), locale)
    for url in ("/docs", "http://127.0.0.1:8233", "http://127.0.0.1:8500/control/inbox"):
        assert f'href="{url}"' in html
    assert f"{INVOICE} of Asha Rao" in html
    assert "10:00" in html, "on the clock of the property"
    assert 'datetime="2026-10-09T04:30:00+00:00"' in html
    assert ("charge the late fee" in html) == (locale == "en")


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "words"),
    [
        (0, "INR", "en", "Rupees zero only"),
        (950000, "INR", "en", "Rupees nine thousand five hundred only"),
        (100, "INR", "en", "Rupees one only"),
        (4205, "INR", "en", "Rupees forty-two and paise five only"),
        (10000000, "INR", "en", "Rupees one lakh only"),
        (
            123456789012,
            "INR",
            "en",
            (
                "Rupees one hundred twenty-three crore forty-five lakh sixty-seven thousand "
                "eight hundred ninety and paise twelve only"
            ),
        ),
        (
            123456750,
            "USD",
            "en",
            (
                "US Dollar: one million two hundred thirty-four thousand five "
                "hundred sixty-seven and 50/100 only"
            ),
        ),
        (9500, "JPY", "en", "Japanese Yen: nine thousand five hundred only"),
        (950000, "INR", "hi", "नौ हज़ार पाँच सौ रुपये मात्र"),
        (12345650, "INR", "hi", "एक लाख तेईस हज़ार चार सौ छप्पन रुपये और पचास पैसे मात्र"),
        (9900, "INR", "hi", "निन्यानवे रुपये मात्र"),
    ],
)
def test_an_amount_in_words(minor: int, currency: str, locale: str, words: str) -> None:
    assert in_words(Money(minor, currency), locale) == words


def test_hindi_has_a_word_of_its_own_for_every_number_below_a_hundred() -> None:
    words = [in_words(Money(number * 100, "INR"), "hi") for number in range(100)]
    assert len(set(words)) == 100
