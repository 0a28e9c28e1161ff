"""How a text message is counted: GSM-7 septets or UCS-2 units, and the parts it is sent in."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")


def is_gsm(text: str) -> bool:
    """Whether every character is of the GSM-7 alphabet (one rupee sign makes it UCS-2)."""
    return all(letter in BASIC or letter in EXTENDED for letter in text)


def units(text: str) -> int:
    """Length in septets (GSM-7, extended characters count twice) or in UTF-16 units (UCS-2)."""
    if is_gsm(text):
        return sum(2 if letter in EXTENDED else 1 for letter in text)
    return len(text.encode("utf-16-le")) // 2


def segments(text: str) -> int:
    """In how many parts a carrier sends it: 160 or 153 each, 70 or 67 in UCS-2."""
    alone, joined = (160, 153) if is_gsm(text) else (70, 67)
    length = units(text)
    return 1 if length <= alone else -(-length // joined)
