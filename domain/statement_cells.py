"""The cells of a bank statement: days, amounts and transfer numbers, as banks of India write."""

import re
from datetime import date

OLDEST = date(2000, 1, 1)
_TIME = r"(?:[T, ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?\s*(?:[AaPp][Mm])?)?"
_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})" + _TIME)
_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})" + _TIME)
_WORDED = re.compile(r"([0-9]{1,2})[-/. ]?([A-Za-z]{3,9})[-/., ]{0,2}([0-9]{4}|[0-9]{2})" + _TIME)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_SHORTEST_MONTH = 3

_DIGITS = r"[0-9]+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}|[0-9]{1,3}(?:,[0-9]{3})+"
_AMOUNT = re.compile(
    r"(?P<open>\()?(?P<sign>[-+])?\s*(?:₹|rs\.?|inr)?\s*(?P<inner>[-+])?"
    rf"(?P<whole>{_DIGITS})(?P<rest>\.[0-9]+)?(?:/-)?(?P<close>\))?\s*(?P<mark>[cd]r\.?)?",
    re.IGNORECASE,
)
_NOTHING = frozenset({"", "-", "--", "na", "n/a", "nil"})

_NO_LETTER = re.compile(r"[^A-Z0-9]+")
_PLACEHOLDERS = frozenset({"", "NA", "NIL", "NULL", "NONE"})
# RRN of UPI and IMPS; NEFT and RTGS: the bank's four letters and 12 to 18 more, or a letter and 15
# digits. Four letters and 16 digits are a standing mandate's, which comes again every month.
_UTR = re.compile(
    r"0*[1-9][0-9]{10,11}|[A-Z][0-9]{15}"
    r"|(?![A-Z]{4}[0-9]{16}\Z)[A-Z]{4}(?=(?:[A-Z]*[0-9]){6})[A-Z0-9]{12,18}"
)


def day_of(written: str, today: date) -> date:
    """The day of a cell, the day before the month; ValueError says which rule it breaks."""
    text = written.lstrip("'").strip()
    year, month, day = _parts(text)
    if len(year) == len("26"):
        year = f"20{year}"
    try:
        found = date(int(year), month, int(day))
    except ValueError:
        raise ValueError("is no day of the calendar") from None
    if not OLDEST <= found <= today:
        raise ValueError("is to come" if found > today else f"is before {OLDEST.year}")
    return found


def _parts(text: str) -> tuple[str, int, str]:
    """Year, month and day as they are written."""
    if match := _ISO.fullmatch(text):
        return match[1], int(match[2]), match[3]
    if match := _DAY_FIRST.fullmatch(text):
        return match[4], int(match[3]), match[1]
    if match := _WORDED.fullmatch(text):
        return match[3], _month(match[2].lower()), match[1]
    raise ValueError("is not a day written as 31/10/2026, 31-Oct-26 or 2026-10-31")


def _month(name: str) -> int:
    known = [number for number, whole in enumerate(_MONTHS, 1) if whole.startswith(name)]
    if not known or len(name) < _SHORTEST_MONTH:
        raise ValueError("names no month")
    return known[0]


def signed(written: str) -> tuple[str, str | None]:
    """Read "1,05,000.00 Cr" as ("105000.00", "cr"); no amount at all is "0".

    ValueError for anything that could be read in two ways, such as 1,05 or 1.050,00.
    """
    text = written.strip()
    if text.lower() in _NOTHING:
        return "0", None
    match = _AMOUNT.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        raise ValueError("is not an amount written as 1,05,000.00")
    signs = [sign for sign in (match["sign"], match["inner"]) if sign]
    if len(signs) > 1 or (signs and match["open"]):
        raise ValueError("has two signs")
    below = match["open"] or signs == ["-"]
    digits = match["whole"].replace(",", "") + (match["rest"] or "")
    mark = match["mark"].rstrip(".").lower() if match["mark"] else None
    return f"-{digits}" if below else digits, mark


def bare(written: str) -> str:
    """Letters and digits alone, upper case; a number without the zeroes that pad it."""
    text = _NO_LETTER.sub("", written.upper())
    return text.lstrip("0") if text.isdigit() else text


def utr_of(written: str, *, certain: bool) -> str | None:
    """The number of a transfer, or None when the cell holds none.

    A column of UTRs is believed (`certain`). Other references are only when they have the form of
    one: cheque numbers, accounts and words come again and name no single transfer.
    """
    text = bare(written)
    if text in _PLACEHOLDERS:
        return None
    if certain:
        return text
    whole = _NO_LETTER.sub("", written.upper())
    return text if " " not in written.strip() and _UTR.fullmatch(whole) else None
