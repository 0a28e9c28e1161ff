"""What a PDF says, read back by programs that did not write it."""

import io
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from providers.documents import CannotPrint
from providers.press import PrinterPress
from templates import FONTS

DOTS_PER_POINT = 3


@asynccontextmanager
async def a_press(**settings: float) -> AsyncGenerator[PrinterPress]:
    """A press that prints; the test is left out on a machine without Pango."""
    press = PrinterPress(FONTS, **settings)
    try:
        try:
            await press.ready()
        except CannotPrint as missing:
            pytest.skip(f"this machine cannot print: {missing.detail}")
        yield press
    finally:
        await press.close()


def hide_pango(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on a child process that looks for Pango finds a file that is none."""
    (folder / "libpango-1.0.so.0").write_bytes(b"")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))


def pages(pdf: bytes) -> list[str]:
    """The words of each page, in single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [
            re.sub(r"\s+", " ", page.get_textpage().get_text_range()).strip() for page in document
        ]
    finally:
        document.close()


def codes(pdf: bytes) -> list[str]:
    """What a phone's camera reads off the pages."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pictures = [page.render(scale=DOTS_PER_POINT).to_pil() for page in document]
        return [code.text for picture in pictures for code in zxingcpp.read_barcodes(picture)]
    finally:
        document.close()


def catalogue(pdf: bytes) -> Any:
    """The root of the document."""
    return PdfReader(io.BytesIO(pdf)).trailer["/Root"]


def fonts(pdf: bytes) -> dict[str, bool]:
    """Every font in use by name, without the mark of its subset; whether its file is inside."""
    found: dict[str, bool] = {}
    for page in PdfReader(io.BytesIO(pdf)).pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            name = str(descendant["/BaseFont"]).partition("+")[2]
            found[name] = "/FontFile2" in descendant["/FontDescriptor"].get_object()
    return found


def unread(pdf: bytes) -> list[str]:
    """Glyphs in use, by font and number, that read as nothing."""
    found: list[str] = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            noted = font.get_object()["/ToUnicode"].get_object().get_data().decode()
            empty = re.findall(r"^<([0-9a-f]+)> <>$", noted, re.MULTILINE)
            found += [f"{font.get_object()['/BaseFont']} {glyph}" for glyph in empty]
    return found
