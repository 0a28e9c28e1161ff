"""What each glyph of a Devanagari font reads as, for whoever copies or searches a PDF's text.

WeasyPrint notes for a glyph the whole syllable it was first seen in, and nothing for a syllable's
other glyphs, so text came out with vowels missing here and doubled there. PDF/A-3u asks that every
glyph reads as something; the font's own substitutions say as what.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

KA = 0x915
NOTED = re.compile(rb"^<([0-9a-f]+)> <[0-9a-f]*>$")


def readings(fonts: Path) -> dict[str, dict[int, str]]:
    """By the name a PDF gives a font, hyphens left out: the text of each glyph, by its number."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 only the printer's process needs it

    found: dict[str, dict[int, str]] = {}
    for file in sorted(fonts.glob("*.ttf")):
        font: Any = TTFont(file)
        if KA in font.getBestCmap():
            name = file.stem.replace("-", "").removesuffix("Regular")
            found[name] = texts(font)
    return found


def texts(font: Any) -> dict[int, str]:
    """Every glyph a character or a row of substitutions leads to, and the characters it is."""
    read: dict[str, str] = {}
    for code, glyph in sorted(font.getBestCmap().items()):
        read.setdefault(glyph, chr(code))
    steps = list(_substitutions(font))
    known = 0
    while known < len(read):  # one substitution feeds the next
        known = len(read)
        for parts, made in steps:
            if made not in read and all(part in read for part in parts):
                read[made] = "".join(read[part] for part in parts)
    return {font.getGlyphID(glyph): text for glyph, text in read.items()}


def _substitutions(font: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Which glyphs become which one: variants of one glyph, and ligatures of several."""
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            kind = type(table).__name__
            if kind == "SingleSubst":
                for glyph, variant in table.mapping.items():
                    yield (glyph,), variant
            elif kind == "LigatureSubst":
                for first, ligatures in table.ligatures.items():
                    for one in ligatures:
                        yield (first, *one.Component), one.LigGlyph


def make_readable(pdf: Any, read: dict[str, dict[int, str]]) -> None:
    """Write down in a PDF not yet saved how the glyphs of these fonts read."""
    for found in pdf.objects:
        if not (isinstance(found, dict) and "ToUnicode" in found):
            continue
        font = cast("dict[str, bytes]", found)
        name = bytes(font["BaseFont"]).partition(b"+")[2].decode().replace("-", "")
        of_font = read.get(name)
        if of_font is not None:
            noted: Any = pdf.objects[int(font["ToUnicode"].split()[0])]
            noted.stream = [_line(line, of_font) for line in noted.stream]


def _line(line: bytes | str, read: dict[int, str]) -> bytes | str:
    match = NOTED.match(line) if isinstance(line, bytes) else None
    text = None if match is None else read.get(int(match[1], 16))
    if match is None or text is None:
        return line
    return b"<%s> <%s>" % (match[1], text.encode("utf-16-be").hex().encode())
