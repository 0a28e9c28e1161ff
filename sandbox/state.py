"""What the sandbox remembers: one SQLite file, so that the inbox survives a restart."""

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.payments import schema

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',
    html TEXT,
    headers TEXT NOT NULL DEFAULT '[]',
    state TEXT NOT NULL,
    error_code INTEGER,
    doomed_by INTEGER,
    account TEXT,
    service TEXT,
    callback_url TEXT,
    at TEXT NOT NULL,
    sent_at TEXT,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_messages_recipient ON messages (recipient COLLATE NOCASE, seq);
CREATE INDEX IF NOT EXISTS ix_messages_provider ON messages (provider_id);
CREATE TABLE IF NOT EXISTS attachments (
    message TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (message, ordinal)
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    operation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    delay REAL NOT NULL,
    times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS accounts (sid TEXT PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = ("messages", "attachments", "faults", "accounts", "settings", *schema.TABLES)


class State:
    """The sandbox's one connection.

    Every write is committed before the call returns, but for those of one `together` block.

    All callers run on one event loop; a call takes well under a millisecond.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA + schema.SCHEMA)

    def write(self, sql: str, *values: object) -> int:
        """Carry out one statement; answers how many rows it touched."""
        return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: object) -> Sequence[sqlite3.Row]:
        """All rows of a question."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a question, if there is one."""
        return self._connection.execute(sql, values).fetchone()

    def count(self, sql: str, *values: object) -> int:
        """The single figure a question asks for."""
        return int(self._connection.execute(sql, values).fetchone()[0])

    def setting(self, name: str) -> Any:
        """What was remembered under a name, or None."""
        found = self.row("SELECT value FROM settings WHERE name = ?", name)
        return None if found is None else json.loads(found["value"])

    def remember(self, name: str, value: object) -> None:
        """Keep a value (JSON) under a name, over the one before."""
        self.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    @contextmanager
    def together(self) -> Generator[None]:
        """Writes that count all or none; a block within a block belongs to the outer one."""
        if self._connection.in_transaction:
            yield
            return
        self.write("BEGIN")
        try:
            yield
        except BaseException:
            self.write("ROLLBACK")
            raise
        self.write("COMMIT")

    def forget_everything(self) -> None:
        """Empty every table, in one transaction."""
        self.write("BEGIN")
        for table in TABLES:
            self.write(f"DELETE FROM {table}")  # noqa: S608 names of tables are ours
        self.write("COMMIT")

    def close(self) -> None:
        """Leave the file in order."""
        self._connection.close()
