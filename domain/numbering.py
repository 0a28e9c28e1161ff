"""How a document's number is written: at most 16 characters (CGST Rule 46(b))."""

from domain.errors import Refused
from domain.tax import Document

LENGTH_MAX = 16

# Each kind of document has a series of its own; tax invoices take the tenant's prefix.
BILL_OF_SUPPLY = "BOS"
CREDIT_NOTE = "CN"
PAYMENT = "PAY"
RESERVED = frozenset({BILL_OF_SUPPLY, CREDIT_NOTE, PAYMENT})


def series_of(document: str, prefix: str) -> str:
    """The series an invoice is numbered in: a bill of supply has its own (CGST Rule 49)."""
    return BILL_OF_SUPPLY if document == Document.bill_of_supply else prefix


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
