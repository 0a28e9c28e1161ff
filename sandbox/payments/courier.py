"""Carries webhooks: signed, at least once, tried again until somebody says 2xx."""

import asyncio
import http.client
import json
import logging
import sqlite3
import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from sandbox.callbacks import Callbacks
from sandbox.clock import Clock
from sandbox.payments.dues import Dues
from sandbox.payments.hooks import Hooks
from sandbox.payments.signing import SIGN
from sandbox.state import State

# First a few tries in real seconds, so that a restarting receiver misses nothing; then the
# vendor's own patience by the sandbox's clock.
PAUSES_SECONDS = (0.2, 0.4, 0.8, 1.6)
HOURS = {"stripe": (1, 2, 4, 8, 16, 24, 16), "razorpay": (1, 2, 4, 8, 8)}
PATIENCE_SECONDS = 5.0
GLANCE_SECONDS = 0.1
AT_ONCE = 8

log = logging.getLogger("sandbox.courier")


class Courier:
    """Brings deliveries where they belong; threads side by side, each thread in its order."""

    def __init__(
        self, state: State, clock: Clock, hooks: Hooks, callbacks: Callbacks, dues: Dues
    ) -> None:
        self._state = state
        self._clock = clock
        self._hooks = hooks
        self._callbacks = callbacks
        self._dues = dues
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._round: asyncio.Task[None] | None = None
        self._called = asyncio.Event()

    def start(self) -> None:
        """Take up the work, with what was left when the sandbox stopped."""
        self._round = asyncio.create_task(self._go_round())

    async def stop(self) -> None:
        """Let go of everything; what was not answered is tried again after the next start."""
        tasks = [*([self._round] if self._round else []), *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def call(self) -> None:
        """There is something to carry, or the clock was moved."""
        self._called.set()

    async def settled(self) -> None:
        """Return once everything that is due has been answered, or waits for the clock."""
        self._dues.settle()
        while self._under_way or self._waiting():
            self.call()
            await asyncio.sleep(0.01)

    def _waiting(self) -> int:
        return self._state.count(
            "SELECT count(*) FROM webhook_deliveries WHERE state = 'waiting' AND due <= ?",
            self._clock.now().timestamp(),
        )

    async def _go_round(self) -> None:
        while True:
            self._called.clear()
            try:
                self._dues.settle()
                self._set_out()
            except Exception:
                log.exception("a round of the courier failed")
            try:
                await asyncio.wait_for(self._called.wait(), GLANCE_SECONDS)
            except TimeoutError:
                continue

    def _set_out(self) -> None:
        for delivery in self._due():
            thread = delivery["thread"]
            if thread not in self._under_way and len(self._under_way) < AT_ONCE:
                task = asyncio.create_task(self._carry(delivery))
                self._under_way[thread] = task
                task.add_done_callback(lambda _, thread=thread: self._ended(thread))

    def _due(self) -> list[sqlite3.Row]:
        return list(
            self._state.rows(
                "SELECT seq, thread FROM webhook_deliveries WHERE state = 'waiting'"
                " AND due <= ? AND not_before <= ? ORDER BY due, seq LIMIT 100",
                self._clock.now().timestamp(),
                time.time(),
            )
        )

    def _ended(self, thread: str) -> None:
        task = self._under_way.pop(thread)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("carrying a webhook failed", exc_info=error)
        self.call()

    async def _carry(self, due: sqlite3.Row) -> None:
        delivery = self._state.row("SELECT * FROM webhook_deliveries WHERE seq = ?", due["seq"])
        if delivery is None:
            return  # forgotten by a reset meanwhile
        try:
            endpoint = self._hooks.endpoint(delivery["endpoint"])
        except LookupError:
            return
        body = delivery["body"]
        at = int(time.time())  # a receiver holds it against its own clock
        secrets = self._hooks.secrets(delivery, endpoint)
        headers = SIGN[endpoint["provider"]](secrets, body, delivery["event"], at)
        if self._callbacks.plays("tamper", endpoint["provider"]):
            body = tampered(body)
        status = await asyncio.to_thread(post, endpoint["url"], headers, body)
        self._answered(delivery, endpoint, status)

    def _answered(self, delivery: sqlite3.Row, endpoint: sqlite3.Row, status: int | None) -> None:
        tries = int(delivery["tries"]) + 1
        state = "waiting"
        not_before: float = 0.0
        due: float = float(delivery["due"])
        hours: tuple[int, ...] = HOURS[str(endpoint["provider"])]
        if status is not None and status // 100 == 2:  # noqa: PLR2004 the 2 of 2xx
            state = "delivered"
        elif tries <= len(PAUSES_SECONDS):
            not_before = time.time() + PAUSES_SECONDS[tries - 1]
        elif tries - len(PAUSES_SECONDS) <= len(hours):
            due = self._clock.now().timestamp() + 3600 * hours[tries - len(PAUSES_SECONDS) - 1]
        else:
            state = "given_up"
            if endpoint["provider"] == "razorpay":
                self._hooks.disable(endpoint["id"])
        self._state.write(
            "UPDATE webhook_deliveries SET tries = ?, answered = ?, state = ?, due = ?,"
            " not_before = ? WHERE seq = ?",
            tries,
            status,
            state,
            due,
            not_before,
            delivery["seq"],
        )


def tampered(body: str) -> str:
    """The same event about ten times the money, or about another event where there is none."""
    event = json.loads(body)
    found = [place for place in walk(event) if isinstance(place.get("amount"), int)]
    for place in found:
        place["amount"] *= 10
    other = event if found else {**event, "id": "evt_tampered"}
    return json.dumps(other, separators=(",", ":"))


def walk(place: Any) -> list[dict[str, Any]]:
    """Every object within an object."""
    if not isinstance(place, dict):
        return []
    here = cast("dict[str, Any]", place)
    return [here, *(deep for value in here.values() for deep in walk(value))]


def post(url: str, headers: Mapping[str, str], body: str) -> int | None:
    """One POST; answers the status, or None when nobody answered in five seconds."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {**headers, "Content-Type": "application/json; charset=utf-8"}
    try:
        connection.request("POST", target, body.encode(), sent)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
