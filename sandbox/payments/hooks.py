"""Who is told of a provider's events, and what of it is still on the way."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.callbacks import Callbacks
from sandbox.clock import Clock
from sandbox.payments.records import minted
from sandbox.state import State

OVERLAP_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Notice:
    """One event as it goes over the wire. A thread is what happened to one payment, in order."""

    provider: str
    account: str
    event: str
    type: str
    thread: str
    body: dict[str, Any]


class Hooks:
    """The registered endpoints and the deliveries to them."""

    def __init__(self, state: State, clock: Clock, callbacks: Callbacks) -> None:
        self._state = state
        self._clock = clock
        self._callbacks = callbacks

    def register(self, provider: str, url: str, secret: str, account: str | None) -> sqlite3.Row:
        """Have events sent to an address; the same address with a new secret is a rotation.

        The old secret stays good for a day of the sandbox's clock.
        """
        known = self._state.row(
            "SELECT * FROM webhook_endpoints WHERE provider = ? AND url = ? AND account IS ?",
            provider,
            url,
            account,
        )
        endpoint = minted("we_", 24) if known is None else str(known["id"])
        old = known["secret"] if known is not None and known["secret"] != secret else None
        self._state.write(
            "INSERT INTO webhook_endpoints (id, provider, account, url, secret) VALUES (?,?,?,?,?)"
            " ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, disabled = 0,"
            " old_secret = coalesce(?, old_secret),"
            " old_until = CASE WHEN ? IS NULL THEN old_until ELSE ? END",
            endpoint,
            provider,
            account,
            url,
            secret,
            old,
            old,
            self.now + OVERLAP_SECONDS,
        )
        return self.endpoint(endpoint)

    def endpoint(self, endpoint: str) -> sqlite3.Row:
        """One endpoint; LookupError if there is none."""
        found = self._state.row("SELECT * FROM webhook_endpoints WHERE id = ?", endpoint)
        if found is None:
            raise LookupError(endpoint)
        return found

    def endpoints(self) -> Sequence[sqlite3.Row]:
        """All of them."""
        return self._state.rows("SELECT * FROM webhook_endpoints ORDER BY provider, url")

    def remove(self, endpoint: str) -> bool:
        """Tell this one nothing more; answers whether it was there."""
        self._state.write("DELETE FROM webhook_deliveries WHERE endpoint = ?", endpoint)
        return bool(self._state.write("DELETE FROM webhook_endpoints WHERE id = ?", endpoint))

    def disable(self, endpoint: str) -> None:
        """Stop after the vendor lost patience; registering again wakes it."""
        self._state.write("UPDATE webhook_endpoints SET disabled = 1 WHERE id = ?", endpoint)

    def listeners(self, provider: str, account: str) -> Sequence[sqlite3.Row]:
        """The endpoints that hear an account's events."""
        return self._state.rows(
            "SELECT * FROM webhook_endpoints WHERE provider = ? AND NOT disabled"
            " AND (account IS NULL OR account = ?) ORDER BY id",
            provider,
            account,
        )

    def send(self, notices: Sequence[Notice]) -> None:
        """Queue events that happened together, with the tricks ordered for webhooks."""
        if not notices:
            return
        if self._callbacks.plays("reorder", notices[0].provider):
            notices = list(reversed(notices))
        for notice in notices:
            for endpoint in self.listeners(notice.provider, notice.account):
                self._queue(notice, endpoint)

    def _queue(self, notice: Notice, endpoint: sqlite3.Row) -> None:
        provider = notice.provider
        dropped = self._callbacks.plays("drop", provider)
        body = json.dumps(notice.body, separators=(",", ":"), ensure_ascii=False)
        copies = 2 if self._callbacks.plays("duplicate", provider) else 1
        for _ in range(copies):
            self._state.write(
                "INSERT INTO webhook_deliveries (endpoint, event, type, thread, body, secret,"
                " created, due, not_before, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                endpoint["id"],
                notice.event,
                notice.type,
                f"{endpoint['id']}/{notice.thread}",
                body,
                endpoint["secret"],
                self.now,
                self._clock.now().timestamp() + self._callbacks.delay(provider),
                "dropped" if dropped else "waiting",
            )

    def secrets(self, delivery: sqlite3.Row, endpoint: sqlite3.Row) -> list[str]:
        """What signs a delivery now: Stripe uses both secrets, Razorpay the one of that time."""
        if endpoint["provider"] == "razorpay":
            return [delivery["secret"]]
        old = endpoint["old_secret"] if endpoint["old_until"] > self.now else None
        return [endpoint["secret"], *([old] if old else [])]

    def deliveries(self) -> list[dict[str, object]]:
        """Every delivery, newest first, without its body."""
        rows = self._state.rows(
            "SELECT seq, endpoint, event, type, tries, answered, state FROM webhook_deliveries"
            " ORDER BY seq DESC LIMIT 1000"
        )
        return [dict(row) for row in rows]

    @property
    def now(self) -> int:
        """The sandbox's clock in Unix seconds."""
        return int(self._clock.now().timestamp())
