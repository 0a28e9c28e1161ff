"""The pretended phone network: brings an accepted text message from queued to its end."""

import asyncio
import logging
import sqlite3

from sandbox.callbacks import Callbacks
from sandbox.inbox import Inbox
from sandbox.state import State

STEP_SECONDS = 0.05
ON_THE_WAY = ("accepted", "queued", "sent")

log = logging.getLogger("sandbox.carrier")


class Carrier:
    """Moves messages queued → sent → delivered (or undelivered), with a callback for each."""

    def __init__(self, state: State, inbox: Inbox, callbacks: Callbacks) -> None:
        self._state = state
        self._inbox = inbox
        self._callbacks = callbacks
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, message_id: str) -> None:
        """Carry one message; returns at once."""
        task = asyncio.create_task(self._carry(message_id))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def resume(self) -> None:
        """Carry on with what was on the way when the sandbox stopped."""
        marks = ",".join("?" * len(ON_THE_WAY))
        found = self._state.rows(
            f"SELECT id FROM messages WHERE channel = 'sms' AND state IN ({marks})",  # noqa: S608
            *ON_THE_WAY,
        )
        for row in found:
            self.take(row["id"])

    async def settled(self) -> None:
        """Return once everything under way has come to its end, callbacks included."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Let go of everything; `resume` takes it up again."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("carrying a message failed", exc_info=error)

    async def _carry(self, message_id: str) -> None:
        await asyncio.sleep(STEP_SECONDS)
        if self._inbox.find(message_id) is None:
            return  # forgotten by a reset meanwhile
        sent = self._inbox.move(message_id, "sent")
        if not self._callbacks.plays("reorder"):
            await self._tell(sent)
            await asyncio.sleep(STEP_SECONDS)
            if final := self._settle(message_id):
                await self._tell(final)
        elif final := self._settle(message_id):
            await self._tell(final)
            await self._tell(sent)

    def _settle(self, message_id: str) -> sqlite3.Row | None:
        """The last state, or nothing when a reset forgot the message meanwhile."""
        found = self._inbox.find(message_id)
        if found is None:
            return None
        doomed_by = found["doomed_by"]
        return self._inbox.move(
            message_id, "delivered" if doomed_by is None else "undelivered", doomed_by
        )

    async def _tell(self, message: sqlite3.Row) -> None:
        url, account = message["callback_url"], message["account"]
        known = self._state.row("SELECT token FROM accounts WHERE sid = ?", account)
        if not url or known is None:
            return
        form = {
            "AccountSid": account,
            "ApiVersion": "2010-04-01",
            "From": message["sender"],
            "MessageSid": message["provider_id"],
            "MessageStatus": message["state"],
            "SmsSid": message["provider_id"],
            "SmsStatus": message["state"],
            "To": message["recipient"],
        }
        if message["error_code"] is not None:
            form["ErrorCode"] = str(message["error_code"])
        await self._callbacks.post(url, known["token"], form)
