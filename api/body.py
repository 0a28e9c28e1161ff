"""How bodies look: camelCase, unknown fields refused, money as amount and currency."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from domain.errors import InvalidInput
from domain.money import Money

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Prose = Annotated[str, StringConstraints(max_length=5000)]
CountryCode = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Words = Annotated[str, StringConstraints(max_length=100, pattern="^[^\\x00]*$")]
DEPTH_MAX = 30
_NOT_A_CHARACTER = re.compile("[\\x00\ud800-\udfff]")


class Answer(BaseModel):
    """What we send: camelCase, readable from rows."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True
    )


def _can_be_stored(sent: Any) -> bool:
    """PostgreSQL keeps neither U+0000, half a surrogate pair nor NaN; JSON can carry them."""
    waiting: list[tuple[Any, int]] = [(sent, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, str) and _NOT_A_CHARACTER.search(part):
            return False
        if isinstance(part, float) and not isfinite(part):
            return False
        inside: list[Any] = []
        if isinstance(part, dict):
            pairs = cast("dict[Any, Any]", part)
            inside = [*pairs, *pairs.values()]
        elif isinstance(part, list):
            inside = cast("list[Any]", part)
        if inside and depth == DEPTH_MAX:
            return False
        waiting += [(value, depth + 1) for value in inside]
    return True


class Body(BaseModel):
    """What we are sent: camelCase, nothing unknown, blanks around text taken off."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        str_strip_whitespace=True,
        frozen=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, sent: Any) -> Any:
        if not _can_be_stored(sent):
            raise ValueError("holds U+0000, half a surrogate pair, NaN or infinity, or is too deep")
        return sent

    def given(self) -> dict[str, Any]:
        """The fields that were sent, by our names: an update changes these and no other."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class MoneyField(Answer):
    """`{"amount": "9500.00", "currency": "INR"}`; the amount is a decimal string, never a float."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: str
    currency: str


@lru_cache(maxsize=4_096)
def money(minor: int, currency: str) -> MoneyField:
    """Minor units as a money object. A page of a list says the same few amounts again and again."""
    return MoneyField(amount=Money(minor, currency).major, currency=currency)


def minor_of(field: str, value: MoneyField, currency: str, *, at_least: int = 0) -> int:
    """A money object as minor units of the currency we expect, or an error that names the field."""
    if value.currency != currency:
        raise InvalidInput.of(
            f"{field}.currency", "CURRENCY", f"is {value.currency}; this is kept in {currency}"
        )
    try:
        minor = Money.parse(value.amount, currency).minor
    except InvalidInput as error:
        first = error.problems[0]
        raise InvalidInput.of(f"{field}.amount", first.code, first.message) from error
    if minor < at_least:
        least = Money(at_least, currency).major
        raise InvalidInput.of(
            f"{field}.amount", "TOO_SMALL", f"is {value.amount}; at least {least} is asked"
        )
    return minor


def in_minor(given: dict[str, Any], currency: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """The given fields with each money object replaced by its column of minor units."""
    kept = {name: value for name, value in given.items() if name not in columns}
    for name, column in columns.items():
        if name in given:
            value: MoneyField | None = given[name]
            kept[column] = None if value is None else minor_of(to_camel(name), value, currency)
    return kept


class PlannedStep(Answer):
    """One thing that will happen, when, why, and who may change it."""

    at: datetime
    what: str
    why: str
    changeable_by: list[str]


class PlanAnswer(Answer):
    """What happens next to a subject, and the life that carries it out."""

    stage: str
    next: list[PlannedStep]
    workflow_id: str


class Made(Answer):
    """The id of what was made."""

    id: UUID
