"""The vendors' objects as rows: a body as the vendor writes it, and what only we know beside it."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from secrets import choice
from string import ascii_letters, digits
from typing import Any

from sandbox.state import State

ALPHABET = ascii_letters + digits


def minted(prefix: str, length: int) -> str:
    """A new id as the vendors make them: a prefix and letters and digits."""
    return prefix + "".join(choice(ALPHABET) for _ in range(length))


@dataclass(slots=True)
class Record:
    """One object of a provider. `parent` and `reference` are what it is looked up by."""

    provider: str
    account: str
    kind: str
    body: dict[str, Any]
    parent: str | None = None
    reference: str | None = None
    beside: dict[str, Any] = field(default_factory=dict[str, Any])
    created: int = 0
    seq: int = 0

    @property
    def id(self) -> str:
        """The vendor's id of it."""
        return str(self.body["id"])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for; newest first, `limit` of them after `skip`."""

    parent: str | None = None
    reference: str | None = None
    references: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    before_seq: int | None = None
    after_seq: int | None = None
    limit: int = 10
    skip: int = 0

    def clauses(self) -> tuple[str, list[object]]:
        """The same in SQL."""
        parts: list[tuple[str, list[object]]] = [
            ("parent = ?", [self.parent]),
            ("reference = ?", [self.reference]),
            ("created >= ?", [self.since]),
            ("created <= ?", [self.until]),
            ("seq < ?", [self.before_seq]),
            ("seq > ?", [self.after_seq]),
        ]
        kept = [(sql, values) for sql, values in parts if values != [None]]
        if self.references:
            marks = ",".join("?" * len(self.references))
            kept.append((f"reference IN ({marks})", list(self.references)))
        return "".join(f" AND {sql}" for sql, _ in kept), [v for _, vs in kept for v in vs]


class Records:
    """Keeps objects and finds them again, each under the account that owns it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, record: Record) -> Record:
        """Write a new object down."""
        self._state.write(
            "INSERT INTO payment_objects (id, provider, account, kind, parent, reference, body,"
            " beside, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            record.id,
            record.provider,
            record.account,
            record.kind,
            record.parent,
            record.reference,
            json.dumps(record.body),
            json.dumps(record.beside),
            record.created,
        )
        return record

    def save(self, record: Record) -> Record:
        """Write an object as it is now."""
        self._state.write(
            "UPDATE payment_objects SET parent = ?, reference = ?, body = ?, beside = ?"
            " WHERE id = ?",
            record.parent,
            record.reference,
            json.dumps(record.body),
            json.dumps(record.beside),
            record.id,
        )
        return record

    def find(self, record_id: str, kind: str | None = None) -> Record | None:
        """One object by its id, whosever it is."""
        row = self._state.row("SELECT * FROM payment_objects WHERE id = ?", record_id)
        found = None if row is None else read(row)
        return found if found is not None and kind in {None, found.kind} else None

    def owned(self, account: str, record_id: str, kind: str) -> Record | None:
        """One object by its id, if it is the account's."""
        found = self.find(record_id, kind)
        return found if found is not None and found.account == account else None

    def listed(self, account: str, kind: str, asked: Asked) -> list[Record]:
        """An account's objects of a kind, newest first."""
        where, values = asked.clauses()
        rows = self._state.rows(
            f"SELECT * FROM payment_objects WHERE account = ? AND kind = ?{where}"  # noqa: S608
            f" ORDER BY seq {'ASC' if asked.after_seq is not None else 'DESC'} LIMIT ? OFFSET ?",
            account,
            kind,
            *values,
            asked.limit,
            asked.skip,
        )
        return list(map(read, rows if asked.after_seq is None else reversed(rows)))

    def children(self, parent: str, kind: str) -> list[Record]:
        """The objects that hang on another, oldest first."""
        rows = self._state.rows(
            "SELECT * FROM payment_objects WHERE parent = ? AND kind = ? ORDER BY seq", parent, kind
        )
        return list(map(read, rows))

    def referring(self, reference: str, kind: str) -> list[Record]:
        """The objects that refer to another, oldest first."""
        rows = self._state.rows(
            "SELECT * FROM payment_objects WHERE reference = ? AND kind = ? ORDER BY seq",
            reference,
            kind,
        )
        return list(map(read, rows))


def read(row: sqlite3.Row) -> Record:
    """A row as an object."""
    return Record(
        provider=row["provider"],
        account=row["account"],
        kind=row["kind"],
        body=json.loads(row["body"]),
        parent=row["parent"],
        reference=row["reference"],
        beside=json.loads(row["beside"]),
        created=row["created"],
        seq=row["seq"],
    )


def bodies(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Objects as they go over the wire."""
    return [record.body for record in records]
