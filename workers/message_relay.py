"""The relay of messages: turns queued deliveries into mail and SMS, after commit.

It holds no state: rows are leased, and a relay that dies leaves them to the next one. What the
first try does not settle is handed to the message's life.
"""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from activities.message_sending import Sending
from domain.errors import Unavailable
from models.database import Actor, Database
from models.message_queue import Hand, give_back, lease
from models.pay_link import PayLinks
from providers.documents import Press
from providers.messages import Messenger
from runtime.clock import Clock

log = structlog.get_logger()

BATCH = 100
IN_FLIGHT = 10
ACTOR = Actor("platform:relay: message")


class MessageRelay:
    """Delivers messages: of each tenant the oldest first, and tenants in turn.

    Without a press mails go without their documents, without `links` nothing carries a pay link.
    """

    def __init__(
        self,
        database: Database,
        messenger: Messenger,
        clock: Clock,
        press: Press | None = None,
        stop: asyncio.Event | None = None,
        *,
        links: PayLinks | None = None,
    ) -> None:
        self._stop = stop or asyncio.Event()
        self._database = database
        self._clock = clock
        self._sending = Sending(database, messenger, ACTOR, clock.now, press, links=links)

    async def turn(self) -> int:
        """Carry out one batch of due deliveries; returns how many there were.

        Told to stop meanwhile, it begins no other one: the next relay may take them at once.
        Raises Unavailable when the database is away; what was leased comes back by itself.
        """
        async with self._database.platform("relay: message") as session:
            hands = await lease(session, self._clock.now(), BATCH)
        gate = asyncio.Semaphore(IN_FLIGHT)
        left: list[Hand] = []

        async def carry(same_message: Sequence[Hand]) -> None:
            for hand in same_message:  # one after another: they lock the same rows
                async with gate:
                    if self._stop.is_set():
                        left.append(hand)
                    else:
                        await self._sending.carry(hand)

        ends = await asyncio.gather(*map(carry, _by_message(hands)), return_exceptions=True)
        await self._give_back(left)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, Unavailable):
                log.error("a delivery went wrong", exc_info=end)
            elif end is not None:
                raise end
        return len(hands)

    async def _give_back(self, hands: Sequence[Hand]) -> None:
        if hands:
            async with self._database.platform("relay: message") as session:
                await give_back(session, hands)


def _by_message(hands: Iterable[Hand]) -> list[list[Hand]]:
    messages: dict[UUID, list[Hand]] = {}
    for hand in hands:
        messages.setdefault(hand.message_id, []).append(hand)
    return list(messages.values())
