"""Documents come out as PDF/A-3: readable, tagged, with their fonts, whatever page came before."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

import templates
from domain.paper import Line, Party, taxes
from domain.upi import parse, to_pay
from providers.documents import CannotPrint
from providers.press import ABSENT_SECONDS, BrokenPage, PrinterPress
from templates import FONTS
from tests.support.papers import (
    INVOICE,
    SUPPLIER,
    bill_of_supply,
    credit_note,
    inr,
    receipt_paper,
    tax_invoice,
)
from tests.support.pdf import a_press, catalogue, codes, fonts, hide_pango, pages, unread

A4_POINTS = (595.276, 841.89)
BROKEN = "<div>" * 5_000  # nested beyond what a layout can follow


@pytest.fixture
async def press() -> AsyncGenerator[PrinterPress]:
    async with a_press() as opened:
        yield opened


async def test_a_tax_invoice_is_printed_with_every_field_of_rule_46(press: PrinterPress) -> None:
    (read,) = pages(await press.pdf(templates.document(tax_invoice(), "en")))
    for told in (
        "Sunrise Residency LLP 12 Lake Road Gachibowli Hyderabad 500032 GSTIN 36AABCS1429B1Z5",
        f"Tax invoice Number {INVOICE} Date 1 October 2026 Due 5 October 2026",
        "Billed to Asha Rao Room 204, Bed B State: Telangana (36)",
        "Place of supply Telangana (36) Reverse charge no",
        "Rent October 2026, bed 204-B 996322 ₹23,000.00 CGST 2.5% ₹575.00 SGST 2.5% ₹575.00",
        "Taxable value ₹24,250.50",
        "Round-off ₹0.50 Total ₹25,401.00",
        "Rupees twenty-five thousand four hundred one only",
        "For Sunrise Residency LLP Authorised signatory",
        "1 / 1",
    ):
        assert told in read, told
    assert "Pay ₹" not in read, "paper has no buttons"


async def test_bill_of_supply_credit_note_and_receipt_are_printed(press: PrinterPress) -> None:
    for paper, told in (
        (bill_of_supply(), "Bill of supply Number BOS/26-27/000123"),
        (credit_note(), "Credit note Number CN/26-27/000007 Date 20 October 2026 For INV/26-27"),
        (receipt_paper(), "Receipt Number RCP/26-27/000031 Received on 9 October 2026"),
    ):
        pdf = await press.pdf(templates.document(paper, "en"))
        assert told in pages(pdf)[0]
        assert codes(pdf) == []


async def test_the_code_on_it_pays_exactly_what_is_due(press: PrinterPress) -> None:
    link = to_pay("sunrise@okhdfcbank", "Sunrise Résidency & Co", INVOICE, inr("25401.00"))
    pdf = await press.pdf(templates.document(tax_invoice(upi=link), "en"))
    assert codes(pdf) == [link]
    read = parse(codes(pdf)[0])
    assert (read.payee, read.amount_minor) == ("sunrise@okhdfcbank", 25_401_00)
    assert (read.name, read.reference) == ("Sunrise Résidency & Co", "INV-26-27-000123")
    paid = tax_invoice(upi=link, balance=inr("0"))
    assert codes(await press.pdf(templates.document(paid, "en"))) == []


@pytest.mark.parametrize("language", ["en", "hi"])
async def test_it_is_a_tagged_pdf_a_3_in_its_readers_language(
    press: PrinterPress, language: str
) -> None:
    root = catalogue(await press.pdf(templates.document(tax_invoice(), language)))
    told = root["/Metadata"].get_object().get_data().decode()
    assert 'pdfaid:part="3"' in told
    assert 'pdfaid:conformance="U"' in told
    assert INVOICE in told
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/StructTreeRoot"]
    assert root["/Lang"] == language
    assert root["/OutputIntents"]
    page = root["/Pages"]["/Kids"][0].get_object()
    assert tuple(map(float, page["/MediaBox"][2:])) == pytest.approx(A4_POINTS, abs=0.01)


async def test_hindi_is_shaped_by_a_font_that_is_inside(press: PrinterPress) -> None:
    payer = Party("श्रीमती क्षितिज्ञा त्रिवेदी")
    pdf = await press.pdf(templates.document(tax_invoice(recipient=payer), "hi"))
    inside = fonts(pdf)
    assert set(inside) == {
        *("Noto-Sans", "Noto-Sans-Bold", "Noto-Sans-Devanagari", "Noto-Sans-Devanagari-Bold")
    }
    assert all(inside.values())
    (read,) = pages(pdf)
    for told in ("कर बीजक", "राज्य: तेलंगाना (36)", "₹25,401.00", "श्रीमती", "देय", "क्ष", "त्र"):
        assert told in read, told


async def test_every_glyph_of_hindi_reads_as_something(press: PrinterPress) -> None:
    """As PDF/A-3u asks; so a word can be searched for, whatever stood before it."""
    first = await press.pdf(
        '<html lang="hi"><p style="font-family: Noto Sans Devanagari">दि दे द</p>'
    )
    assert pages(first) == ["िद दे द"], "a vowel drawn before its consonant is read there"
    shared = unread(await press.pdf(templates.document(tax_invoice(), "hi")))
    assert shared == []


async def test_forty_lines_take_two_pages_with_a_heading_each(press: PrinterPress) -> None:
    tax = taxes("INR", Decimal(5), 2500, 2500, 0)
    paper = tax_invoice(
        lines=[
            Line(f"Evening meal {day}", inr("1000.00"), "996322", tax, Decimal(2), inr("500.00"))
            for day in range(40)
        ],
        total=inr("42000.00"),
        balance=inr("42000.00"),
        supplier=Party(f"{SUPPLIER.name} for Working Women and Students Private Limited " * 2),
        recipient=Party("Venkataraghavan Thiruvananthapuram-Krishnamoorthy Subramaniam " * 2),
    )
    read = pages(await press.pdf(templates.document(paper, "en")))
    assert len(read) > 1
    assert sum(page.count("Evening meal") for page in read) == 40
    for number, page in enumerate(read, 1):
        assert page.endswith(f"{INVOICE} {number} / {len(read)}")
        assert ("Description SAC Taxable value" in page) == ("Evening meal" in page)
    assert "2 \N{MULTIPLICATION SIGN} ₹500.00" in read[0]
    assert "Total ₹42,000.00" in read[-1]
    assert "Authorised signatory" in read[-1]


async def test_the_same_page_gives_the_same_bytes_from_any_printer(press: PrinterPress) -> None:
    html = templates.document(tax_invoice(), "hi")
    first = await press.pdf(html)
    assert await press.pdf(html) == first
    async with a_press() as other:
        assert await other.pdf(html) == first


async def test_nothing_a_page_names_is_fetched(press: PrinterPress, tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def listens(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    secret = tmp_path / "secret.css"
    secret.write_text("body::before { content: 'from a file' }")
    server = await asyncio.start_server(listens, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        html = (
            f'<link rel="stylesheet" href="{secret.as_uri()}"><p>Only this</p>'
            f'<img src="http://127.0.0.1:{port}/x.png">'
        )
        assert pages(await press.pdf(html)) == ["Only this"]
    assert not asked.is_set()


async def test_a_page_that_breaks_harms_no_other(press: PrinterPress) -> None:
    with pytest.raises(BrokenPage):
        await press.pdf(BROKEN)
    assert pages(await press.pdf("<p>The next</p>")) == ["The next"]


async def test_a_page_that_takes_too_long_is_given_up_with_its_printer() -> None:
    async with a_press(page_seconds=0.001) as hasty:
        before = _printers()
        with pytest.raises(CannotPrint, match="too long"):
            await hasty.pdf(templates.document(tax_invoice(), "en"))
        assert _printers() < before


async def test_a_printer_that_died_is_replaced(press: PrinterPress) -> None:
    await press.pdf("<p>One</p>")
    for printer in _printers():
        psutil.Process(printer).kill()
    for _ in range(50):
        if not _printers():
            break
        await asyncio.sleep(0.05)
    assert pages(await press.pdf("<p>Two</p>")) == ["Two"]


async def test_many_at_once_share_a_few_printers(press: PrinterPress) -> None:
    printed = await asyncio.gather(*(press.pdf(f"<p>Page {n}</p>") for n in range(6)))
    assert [pages(pdf) for pdf in printed] == [[f"Page {n}"] for n in range(6)]
    assert len(_printers()) == 2
    await press.close()
    assert _printers() == set()


async def test_without_pango_it_says_what_is_missing_and_asks_again_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_pango(monkeypatch, tmp_path)
    press = PrinterPress(FONTS)
    for _ in range(2):
        with pytest.raises(CannotPrint, match="Pango") as refused:
            await press.pdf("<p>Nothing</p>")
        assert refused.value.code == "PDF_UNAVAILABLE"
        assert refused.value.retry_after_seconds == ABSENT_SECONDS
        assert _printers() == set()


def test_the_fonts_are_those_that_came_with_their_licence() -> None:
    rows = [line.split() for line in (FONTS / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in rows}
    files = {file.name: file for file in FONTS.glob("*.ttf")}
    assert set(listed) == set(files)
    for name, file in files.items():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == listed[name]
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL").read_text()
    assert sum(file.stat().st_size for file in files.values()) < 1_600_000


def _printers() -> set[int]:
    """The printing processes of this one."""
    return {
        child.pid
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "providers.printer" in child.cmdline()
    }
