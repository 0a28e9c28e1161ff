"""Amounts in words for documents, in Indian English and in Hindi."""

from babel.numbers import get_currency_name

from domain.money import Money, exponent

_ONES = (  # noqa: SIM905 a list of words reads best as words
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905 the same
_ENGLISH = (
    *_ONES,
    *(ten if not one else f"{ten}-{_ONES[one]}" for ten in _TENS for one in range(10)),
)
_HINDI = tuple(
    (  # noqa: SIM905 the same
        "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस "
        "बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
        "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
        "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास "
        "पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ "
        "साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर "
        "सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी "
        "अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
        "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
    ).split()
)
_INDIAN = ((10**7, "crore"), (10**5, "lakh"), (1000, "thousand"), (100, "hundred"))
_WESTERN = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_HINDI_SCALES = ((10**7, "करोड़"), (10**5, "लाख"), (1000, "हज़ार"), (100, "सौ"))

Scales = tuple[tuple[int, str], ...]


def in_words(money: Money, locale: str) -> str:
    """An amount of zero or more in words: "Rupees nine thousand five hundred only".

    Rupees count in lakh and crore and name their paise; the minor unit of any other currency is
    written as a fraction.
    """
    whole, rest = divmod(money.minor, 10 ** exponent(money.currency))
    if locale == "hi":
        return _hindi(money.currency, whole, rest)
    if money.currency == "INR":
        paise = f" and paise {_spelled(rest, _ENGLISH, _INDIAN)}" if rest else ""
        return f"Rupees {_spelled(whole, _ENGLISH, _INDIAN)}{paise} only"
    name = get_currency_name(money.currency, locale="en_IN")
    fraction = f" and {rest}/{10 ** exponent(money.currency)}" if rest else ""
    return f"{name}: {_spelled(whole, _ENGLISH, _WESTERN)}{fraction} only"


def _hindi(currency: str, whole: int, rest: int) -> str:
    spelled = _spelled(whole, _HINDI, _HINDI_SCALES)
    if currency == "INR":
        paise = f" और {_spelled(rest, _HINDI, _HINDI_SCALES)} पैसे" if rest else ""
        return f"{spelled} रुपये{paise} मात्र"
    fraction = f" और {rest}/{10 ** exponent(currency)}" if rest else ""
    return f"{get_currency_name(currency, locale='hi_IN')}: {spelled}{fraction} मात्र"


def _spelled(number: int, hundred: tuple[str, ...], scales: Scales) -> str:
    """A number in words; `hundred` names 0 to 99, `scales` everything above, largest first."""
    for size, name in scales:
        if number >= size:
            head = f"{_spelled(number // size, hundred, scales)} {name}"
            rest = number % size
            return f"{head} {_spelled(rest, hundred, scales)}" if rest else head
    return hundred[number]
