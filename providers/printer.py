"""The process that prints: pages of HTML come in, PDFs go out. `providers.press` starts it.

A greeting is written first: `+` and what prints, or `-` and why nothing can. Then each page is
four bytes of length and its text; each answer is `+` or `-`, four bytes of length, and the PDF or
what went wrong. It ends with its input. Only the fonts of its one argument are known to it, and
nothing is fetched from anywhere.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.sax.saxutils import escape

from providers.glyphs import make_readable, readings

LENGTH_BYTES = 4
# Nobody waits for paper as they wait for an answer: money is booked and pages are shown first.
NICENESS = 19
FONTS_ONLY = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""

Print = Callable[[str], bytes]


def main() -> None:
    """Serve pages until the input ends."""
    os.nice(NICENESS)
    pages, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries say must not stand among the answers
    with tempfile.TemporaryDirectory(prefix="innkeeper-fonts-") as folder:
        know_only(Path(sys.argv[1]), Path(folder))
        try:
            what, printed = prepared(Path(sys.argv[1]))
        except (OSError, ImportError) as error:
            answer(answers, ok=False, content=str(error).partition("\n")[0].encode())
            return
        answer(answers, ok=True, content=what.encode())
        serve(pages, answers, printed)


def know_only(fonts: Path, folder: Path) -> None:
    """Let fontconfig see our own fonts and nobody else's, before it is loaded."""
    told = folder / "fonts.conf"
    cache = folder / "cache"
    told.write_text(FONTS_ONLY.format(fonts=escape(str(fonts.resolve())), cache=escape(str(cache))))
    os.environ["FONTCONFIG_FILE"] = str(told)


def prepared(folder: Path) -> tuple[str, Print]:
    """What prints, in words, and the function that does. OSError when Pango cannot be loaded."""
    # Here and not above: they load Pango, which may be missing.
    from weasyprint import HTML, VERSION  # noqa: PLC0415
    from weasyprint.text import ffi as text  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class Nothing(URLFetcher):
        """A page brings all it needs; whatever it names is left out."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            raise ValueError(f"nothing is fetched, not {url[:80]} with {headers}")

    fonts, read = FontConfiguration(), readings(folder)

    def finish(_: object, pdf: object) -> None:
        make_readable(pdf, read)

    def printed(html: str) -> bytes:
        page: Any = HTML(string=html, url_fetcher=Nothing())
        made: bytes = page.write_pdf(
            font_config=fonts, finisher=finish, pdf_variant="pdf/a-3u", pdf_tags=True
        )
        return made

    libraries = cast("Any", text)
    number = int(libraries.pango.pango_version())
    pango_version = f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
    return f"WeasyPrint {VERSION} with Pango {pango_version}", printed


def serve(pages: BinaryIO, answers: BinaryIO, printed: Print) -> None:
    """One page after another; what cannot be printed is answered, not fatal."""
    while head := pages.read(LENGTH_BYTES):
        html = pages.read(int.from_bytes(head)).decode()
        try:
            made = printed(html)
        except Exception as error:  # noqa: BLE001 the next page may be a good one
            answer(answers, ok=False, content=repr(error).encode())
        else:
            answer(answers, ok=True, content=made)


def answer(answers: BinaryIO, *, ok: bool, content: bytes) -> None:
    """One answer, as the other side reads it."""
    answers.write((b"+" if ok else b"-") + len(content).to_bytes(LENGTH_BYTES) + content)
    answers.flush()


if __name__ == "__main__":
    main()
