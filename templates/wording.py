"""How figures, days and sentences are written in each language: filters and catalogues."""

import io
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from babel.support import Translations

from domain.money import Money, exponent

FOLDER = Path(__file__).parent / "locale"
# Our language codes → how that language writes figures and days in India.
LOCALES = {"en": Locale.parse("en_IN"), "hi": Locale.parse("hi_IN")}
# Each language by its own name: whoever looks for theirs reads no other.
NAMES = {"en": "English", "hi": "हिन्दी"}
DEFAULT = "en"
SHORT_RUPEE = {"en": "Rs.", "hi": "₹"}
# What phones write for marks that would double the length of a text message.
PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00a0": " ",
    }
)
MARKS = re.compile(r"\s+")


def language(locale: str) -> str:
    """The language we have for a locale: "hi-IN" and "hi" are hi, anything unknown is English."""
    code = locale.replace("_", "-").partition("-")[0].lower()
    return code if code in LOCALES else DEFAULT


@cache
def translations(code: str) -> Translations:
    """The catalogue of a language, read from its .po file."""
    path = FOLDER / code / "LC_MESSAGES" / "messages.po"
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)


class Wording:
    """The filters of one language."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._locale = LOCALES[code]

    def money(self, amount: Money) -> str:
        """₹9,500.00, with as many decimals as the currency has."""
        symbol = get_currency_symbol(amount.currency, self._locale)
        return self._figure(amount, f"{symbol}\u00a0" if symbol[-1].isalpha() else symbol)

    def short_money(self, amount: Money) -> str:
        """As in a text message: Rs. 9,500.00, for one rupee sign would halve what fits."""
        if amount.currency == "INR":
            sign = SHORT_RUPEE[self._code]
            return self._figure(amount, f"{sign} " if sign.endswith(".") else sign)
        return self._figure(amount, f"{amount.currency} ")

    def _figure(self, amount: Money, symbol: str) -> str:
        decimals = exponent(amount.currency)
        pattern = "#,##,##0" if amount.currency == "INR" else "#,##0"
        figure = format_currency(
            abs(Decimal(amount.major)),
            amount.currency,
            format=pattern + ("." + "0" * decimals if decimals else ""),
            locale=self._locale,
            currency_digits=False,
        )
        return f"{'-' if amount.minor < 0 else ''}{symbol}{figure}"

    def figure(self, number: Decimal) -> str:
        """2 or 2.5, without trailing zeros."""
        return format_decimal(number.normalize(), locale=self._locale)

    def percent(self, rate: Decimal) -> str:
        """2.5%, without trailing zeros."""
        return f"{self.figure(rate)}%"

    def day(self, when: date) -> str:
        """5 October 2026."""
        return format_date(when, "d MMMM y", locale=self._locale)

    def short_day(self, when: date) -> str:
        """5 Oct 2026."""
        return format_date(when, "d MMM y", locale=self._locale)

    def near_day(self, when: date) -> str:
        """5 Oct, where the year is this one or the next and every letter counts."""
        return format_date(when, "d MMM", locale=self._locale)

    def moment(self, at: datetime, zone: str) -> str:
        """5 October 2026, 10:00 on the clock of a zone."""
        return format_datetime(at, "d MMMM y, HH:mm", tzinfo=ZoneInfo(zone), locale=self._locale)

    def hour(self, at: datetime, zone: str) -> str:
        """10:00 on the clock of a zone."""
        return format_datetime(at, "HH:mm", tzinfo=ZoneInfo(zone), locale=self._locale)

    @staticmethod
    def plain(words: str, length: int) -> str:
        """Words for a text message: one line, simple marks, cut to a length with three dots."""
        line = MARKS.sub(" ", words.translate(PLAIN)).strip()
        return line if len(line) <= length else line[: length - 3].rstrip() + "..."
