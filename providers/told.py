"""What a provider wrote, read strictly: whatever is missing or of another kind is named."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from domain.errors import InvalidInput, Unavailable, UnknownOutcome


class Told:
    """One object of a provider's JSON. Every reading: InvalidInput names the path and the kind."""

    def __init__(self, facts: Mapping[str, Any], path: str = "") -> None:
        self._facts = facts
        self._path = path

    @classmethod
    def parse(cls, raw: bytes) -> "Told":
        """The object a raw body holds."""
        try:
            facts = json.loads(raw)
        except (ValueError, RecursionError):
            raise InvalidInput.of("body", "NOT_JSON", "is not JSON") from None
        if not isinstance(facts, dict):
            raise InvalidInput.of("body", "NOT_AN_OBJECT", "is not an object")
        return cls(cast("dict[str, Any]", facts))

    def has(self, name: str) -> bool:
        """Whether anything but null stands there."""
        return self._facts.get(name) is not None

    def value(self, name: str) -> object:
        """Whatever stands there."""
        return self._facts.get(name)

    def word_or_none(self, name: str) -> str | None:
        """A text that is not empty, or None for anything else."""
        value = self._facts.get(name)
        return value if isinstance(value, str) and value else None

    def flag(self, name: str) -> bool:
        """Whether true stands there."""
        return self._facts.get(name) is True

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self._facts.get(name)
        if not isinstance(value, str) or not value:
            raise self._strange(name, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """A text; None for null, for nothing, and for an empty one."""
        value = self._facts.get(name)
        return self.text(name) if value is not None and value != "" else None

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._facts.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._strange(name, "a whole number")
        return value

    def whole_or_none(self, name: str) -> int | None:
        """A whole number, or None for null and for nothing."""
        return self.whole(name) if self.has(name) else None

    def moment(self, name: str) -> datetime:
        """An instant, written as Unix seconds."""
        try:
            return datetime.fromtimestamp(self.whole(name), UTC)
        except (ValueError, OverflowError, OSError):
            raise self._strange(name, "an instant in Unix seconds") from None

    def inner(self, name: str) -> "Told":
        """An object within."""
        found = self.inner_or_none(name)
        if found is None:
            raise self._strange(name, "an object")
        return found

    def inner_or_none(self, name: str) -> "Told | None":
        """An object within, or None where there is something else or nothing."""
        value = self._facts.get(name)
        if not isinstance(value, dict):
            return None
        return Told(cast("dict[str, Any]", value), self._at(name))

    def texts(self, name: str) -> Mapping[str, str]:
        """The texts of an object within; none where there is no object."""
        value = self._facts.get(name)
        if not isinstance(value, dict):
            return {}
        facts = cast("dict[str, object]", value)
        return {key: word for key, word in facts.items() if isinstance(word, str)}

    def words(self, name: str) -> Sequence[str]:
        """The texts of a list; none where there is no list."""
        value = self._facts.get(name)
        if not isinstance(value, list):
            return ()
        return [word for word in cast("list[object]", value) if isinstance(word, str)]

    def many(self, name: str) -> "Sequence[Told]":
        """A list of objects; null stands for an empty one."""
        value = self._facts.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._strange(name, "a list")
        found: list[Told] = []
        for place, one in enumerate(cast("list[object]", value)):
            if not isinstance(one, dict):
                raise self._strange(f"{name}[{place}]", "an object")
            found.append(Told(cast("dict[str, Any]", one), self._at(f"{name}[{place}]")))
        return found

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _strange(self, name: str, kind: str) -> InvalidInput:
        code = "STRANGE" if self.has(name) else "REQUIRED"
        words = f"is not {kind}" if self.has(name) else f"is missing: {kind}"
        return InvalidInput.of(self._at(name), code, words)


@contextmanager
def reading(provider: str, *, changes: bool) -> Generator[None]:
    """Reads an answer to a request of ours: one that cannot be read is temporary, not refused.

    `changes`: the request changed something, so what came of it is unknown.
    """
    try:
        yield
    except InvalidInput as unreadable:
        detail = f"{provider}'s answer cannot be read: {unreadable.detail}"
        raise (UnknownOutcome if changes else Unavailable)(detail) from unreadable
