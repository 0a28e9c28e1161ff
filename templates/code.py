"""What a phone reads off paper: QR codes, drawn into the page."""

import io

import segno
from markupsafe import Markup


def qr_code(text: str, title: str) -> Markup:
    """A QR code as an SVG picture with a name; a third of it may be creased and it still reads.

    It draws only with attributes of its own, so the page's policy holds.
    """
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
        border=4,
        dark="#000",
        light="#fff",
        title=title,
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 segno escapes the title
