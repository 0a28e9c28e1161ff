"""An operator's merchant account at a payment provider: which secrets it takes, and their shapes.

Shapes are those the providers print on their dashboards; what a key may do, its test call tells.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import FieldProblem, InvalidInput


class Provider(StrEnum):
    """Who moves money by link, checkout or code."""

    stripe = "stripe"
    razorpay = "razorpay"


class AccountMode(StrEnum):
    """Whose keys are used: the operator's own, or those of a platform it is connected to."""

    own_keys = "own_keys"
    connected = "connected"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a credential looks like; `said` names the rule and never the value."""

    pattern: re.Pattern[str]
    said: str


_STRIPE_SECRET: Final = Shape(
    re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{8,245}"), "must begin with sk_ or rk_"
)
_STRIPE_ACCOUNT: Final = Shape(re.compile(r"acct_[A-Za-z0-9]{6,60}"), "must begin with acct_")
_RAZORPAY_ID: Final = Shape(
    re.compile(r"rzp_(test|live)_[A-Za-z0-9]{6,60}"), "must begin with rzp_test_ or rzp_live_"
)
_WORD: Final = Shape(re.compile(r"[!-~]{8,255}"), "must be 8 to 255 characters without blanks")

CREDENTIALS: Final[Mapping[tuple[Provider, AccountMode], Mapping[str, Shape]]] = {
    (Provider.stripe, AccountMode.own_keys): {"secretKey": _STRIPE_SECRET},
    (Provider.stripe, AccountMode.connected): {"accountId": _STRIPE_ACCOUNT},
    (Provider.razorpay, AccountMode.own_keys): {"keyId": _RAZORPAY_ID, "keySecret": _WORD},
}
HINT_CHARACTERS: Final = 4


def checked(provider: Provider, mode: AccountMode, given: Mapping[str, str]) -> dict[str, str]:
    """The credentials of an account; InvalidInput names what is missing, unknown or misshapen."""
    shapes = CREDENTIALS.get((provider, mode))
    if shapes is None:
        raise InvalidInput.of("mode", "UNSUPPORTED", f"{provider} accounts bring their own keys")
    problems = [
        FieldProblem(f"credentials.{name}", "UNKNOWN", f"{provider} has no such credential")
        for name in given
        if name not in shapes
    ]
    for name, shape in shapes.items():
        if name not in given:
            problems.append(FieldProblem(f"credentials.{name}", "REQUIRED", "is missing"))
        elif not shape.pattern.fullmatch(given[name]):
            problems.append(FieldProblem(f"credentials.{name}", "SHAPE", shape.said))
    if problems:
        raise InvalidInput(*problems)
    return dict(given)


def checked_webhook_secret(given: str) -> str:
    """What signs the provider's events to us; InvalidInput beyond its shape."""
    if not _WORD.pattern.fullmatch(given):
        raise InvalidInput.of("webhookSecret", "SHAPE", _WORD.said)
    return given


def is_test(provider: Provider, credentials: Mapping[str, str]) -> bool:
    """Whether the keys move no real money; a connected account follows its platform's."""
    named = {Provider.stripe: "secretKey", Provider.razorpay: "keyId"}[provider]
    return "_test_" in credentials.get(named, "")


def hint(credentials: Mapping[str, str]) -> str:
    """How people tell one account's keys from another's: the end of its first credential."""
    return "…" + next(iter(credentials.values()))[-HINT_CHARACTERS:]
