"""How a document's number is written: at most 16 characters (CGST Rule 46(b))."""

from domain.errors import Refused

LENGTH_MAX = 16


def document_number(series: str, fiscal_year: str, number: int) -> str:
    """`INV`, `2026-27`, 7 → `INV/26-27/000007`; a number that no longer fits is refused."""
    short = fiscal_year[2:]
    written = f"{series}/{short}/{number:06d}"
    if len(written) > LENGTH_MAX:
        raise Refused(
            f"{written} is longer than {LENGTH_MAX} characters: choose a shorter prefix",
            code="NUMBER_TOO_LONG",
        )
    return written
