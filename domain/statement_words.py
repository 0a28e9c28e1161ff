"""What the words of a bank statement name: documents, UPI addresses, phones and people.

Only whole words count: BOS/26-27/000012 is not named by BOS/26-27/0000123, and a phone not by the
middle of an account number. Banks and apps drop the strokes within a number or put blanks there.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from uuid import UUID

from domain.statement_cells import bare

_RUN = re.compile(r"[A-Z0-9]+")
_DIGITS = re.compile(r"(?<![A-Za-z0-9])[0-9]{8,15}(?![A-Za-z0-9])")
_HANDLED = re.compile(r"(?<![A-Za-z0-9._-])([0-9]{8,15})(?:-[0-9]+)?@")
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._-])([A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63})(?!\.?\w)"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_UPI = re.compile(r"(?<![A-Za-z0-9])UPI(?![A-Za-z0-9])", re.IGNORECASE)
_RUNS_OF_A_NUMBER = 6
_LONGEST_NUMBER = 40
_SHORTEST_WITH_LETTERS, _SHORTEST_OF_DIGITS = 5, 7
_SHORTEST_CUT = 4  # banks cut long names; what is left must still tell them apart


def numbers_in(text: str) -> set[str]:
    """Every number the text may name, without strokes and blanks: one word, or a few in a row."""
    runs = _RUN.findall(text.upper())
    found: set[str] = set()
    for first in range(len(runs)):
        joined = ""
        for run in runs[first : first + _RUNS_OF_A_NUMBER]:
            joined += run
            if len(joined) > _LONGEST_NUMBER:
                break
            found.add(joined)
    return found


def number_of(document: str) -> str | None:
    """A document's number as `numbers_in` gives it; None for one too short to be told from others.

    Agreements may carry any number that was typed in: "7" is in too many narrations.
    """
    runs = _RUN.findall(document.upper())
    joined = "".join(runs)
    shortest = _SHORTEST_OF_DIGITS if joined.isdigit() else _SHORTEST_WITH_LETTERS
    has_digit = any(letter.isdigit() for letter in joined)
    fits = shortest <= len(joined) <= _LONGEST_NUMBER and len(runs) <= _RUNS_OF_A_NUMBER
    return joined if has_digit and fits else None


def address_in(text: str) -> str | None:
    """The first UPI address (name@handle) of a text, in lower case; a mail address is none."""
    match = _ADDRESS.search(text)
    return match[1].lower() if match else None


def phones_in(text: str, besides: str | None) -> set[str]:
    """Whole runs of digits that may be a phone, also in front of a UPI handle; never the UTR."""
    runs = {*_DIGITS.findall(text), *_HANDLED.findall(text)}
    return {run.lstrip("0") for run in runs if bare(run) != besides}


def phones_of(phone: str) -> set[str]:
    """A phone of E.164 as statements print it: with the country's code, and India's without."""
    digits = "".join(letter for letter in phone if letter.isdigit())
    with_code = len("919876543210")
    return (
        {digits, digits[2:]} if digits.startswith("91") and len(digits) == with_code else {digits}
    )


def is_upi(text: str) -> bool:
    """Whether the bank says that it came by UPI."""
    return _UPI.search(text) is not None or address_in(text) is not None


def words_in(text: str) -> set[str]:
    """The words of a text, without digits, accents and case."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return set(_LETTERS.findall(kept.upper()))


class Names:
    """People by the words of their names, each found without looking at the others."""

    def __init__(self) -> None:
        self._of: dict[UUID, set[str]] = {}
        self._by_word: dict[str, set[UUID]] = {}

    def add(self, who: UUID, name: str) -> None:
        """Somebody of that name."""
        self._of[who] = words_in(name)
        for word in self._of[who]:
            for cut in _cuts(word):
                self._by_word.setdefault(cut, set()).add(who)

    def in_part(self, text: str) -> set[UUID]:
        """Who shares a word of three letters or more with the text."""
        shortest = 3
        return self._near(word for word in words_in(text) if len(word) >= shortest)

    def in_full(self, text: str) -> set[UUID]:
        """Whose first and last name both stand there; one name alone is nobody's whole name."""
        words = words_in(text)
        return {who for who in self._near(words) if self._all_of(self._of[who], words)}

    def _near(self, words: Iterable[str]) -> set[UUID]:
        return {who for word in words for who in self._by_word.get(word, ())}

    def _all_of(self, name: set[str], words: set[str]) -> bool:
        return len(name) > 1 and all(not words.isdisjoint(_cuts(word)) for word in name)


def _cuts(word: str) -> Iterator[str]:
    """The word, and what a bank may leave of it."""
    yield word
    for length in range(_SHORTEST_CUT, len(word)):
        yield word[:length]
