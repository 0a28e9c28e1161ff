"""Watches whether Temporal's store is still the one this process began with.

Each life's row names the store it waits in, so that a lost store is noticed. A worker that went on
naming the old one would hide the loss: it ends instead, and is started anew.
"""

from collections.abc import Callable

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.temporal import store_id

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 30.0


class SameStore:
    """Asks for the store's id; `end` is called when it is not the one we know."""

    def __init__(self, client: Client, known: str, end: Callable[[], None]) -> None:
        self._client = client
        self._known = known
        self._end = end

    async def turn(self) -> int:
        """Look once. While Temporal is away, or has no namespace, nothing is known."""
        try:
            found = await store_id(self._client)
        except RPCError:
            return 0
        if found != self._known:
            log.error("Temporal has another store; a new process is needed", found=found)
            self._end()
        return 0
