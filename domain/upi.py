"""UPI payment links as NPCI's table has them: built in one order, read strictly, rupees only."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from domain.errors import InvalidInput
from domain.identifiers import valid_vpa
from domain.money import Money

_PREFIX = "upi://pay?"
# Most apps block a reference with other characters.
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,35}")
# NPCI, 15 September 2025, per payment to a merchant; banks may set less.
LIMIT_MINOR = 10_000_000
VERIFIED_LIMITS_MINOR: dict[str, int] = {"travel": 50_000_000}


@dataclass(frozen=True, slots=True)
class UpiLink:
    """What a link asks for; without an amount the payer types it."""

    payee: str
    name: str | None = None
    reference: str | None = None
    note: str | None = None
    amount_minor: int | None = None
    merchant_code: str | None = None


def build(link: UpiLink) -> str:
    """The link, percent-encoded; InvalidInput for an address or reference that apps refuse."""
    amount = None if link.amount_minor is None else Money(link.amount_minor, "INR").major
    _check(link)
    fields = (
        ("pn", link.name),
        ("mc", link.merchant_code),
        ("tr", link.reference),
        ("tn", link.note),
        ("am", amount),
        ("cu", "INR"),
    )
    rest = "".join(f"&{key}={quote(value, safe='')}" for key, value in fields if value is not None)
    return f"{_PREFIX}pa={link.payee}{rest}"


def to_pay(payee: str | None, name: str, number: str, balance: Money) -> str | None:
    """The link by which what is open of a document is paid.

    None where there is no payee, nothing is open, the currency is not the rupee, or the amount is
    above what one payment may move.
    """
    payable = balance.currency == "INR" and 0 < balance.minor <= LIMIT_MINOR
    if payee is None or not payable:
        return None
    reference = re.sub(r"[^A-Za-z0-9_-]", "-", number)
    return build(UpiLink(payee, name, reference, number, balance.minor))


def parse(uri: str) -> UpiLink:
    """Read a link; InvalidInput when it has no payee, another currency, or doubled fields."""
    if not uri.lower().startswith(_PREFIX):
        raise InvalidInput.of("uri", "NOT_UPI", f"a UPI link begins with {_PREFIX}")
    fields: dict[str, str] = {}
    for part in uri[len(_PREFIX) :].split("&"):
        key, _, value = part.partition("=")
        if key in fields:
            raise InvalidInput.of("uri", "DOUBLED", f"the field {key[:10]} stands twice")
        fields[key] = unquote(value)
    if fields.get("cu", "INR") != "INR":
        raise InvalidInput.of("cu", "NOT_INR", "UPI moves rupees only")
    amount = Money.parse(fields["am"], "INR", "am").minor if "am" in fields else None
    link = UpiLink(
        payee=fields.get("pa", ""),
        name=fields.get("pn"),
        reference=fields.get("tr"),
        note=fields.get("tn"),
        amount_minor=amount,
        merchant_code=fields.get("mc"),
    )
    _check(link)
    return link


def within_limit(amount_minor: int, merchant_category: str, *, verified_merchant: bool) -> bool:
    """Whether NPCI lets one payment to a merchant be that large."""
    limit = VERIFIED_LIMITS_MINOR.get(merchant_category) if verified_merchant else None
    return amount_minor <= (limit or LIMIT_MINOR)


def _check(link: UpiLink) -> None:
    valid_vpa(link.payee, "pa")
    if link.reference is not None and _REFERENCE.fullmatch(link.reference) is None:
        message = "a reference has at most 35 letters, digits, hyphens and underscores"
        raise InvalidInput.of("tr", "INVALID_REFERENCE", message)
    if link.amount_minor is not None and link.amount_minor <= 0:
        raise InvalidInput.of("am", "NOT_POSITIVE", "an amount is above zero")
