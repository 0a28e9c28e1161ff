"""Steps of a message that is hard to deliver. Each may run twice; nobody reads it twice.

A try is three transactions with the carrier's call between them: claim, begin, close. A run that
died in between leaves a try that nobody knows the end of: it is looked up before anything is sent.
"""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.life import LifeSteps, life_of
from activities.message_sending import Sending
from domain.errors import NotFound
from domain.lives import Look
from domain.message_delivery import Step
from domain.next_action import Outlook
from models import message_tries, plan
from models.database import Database, one
from models.message import Message
from models.message_queue import Hand
from models.pay_link import PayLinks
from models.plan import Planned
from providers.documents import Press
from providers.messages import Messenger


class Delivering(LifeSteps[Message]):
    """The steps of a message's life."""

    def __init__(
        self,
        database: Database,
        store_id: str,
        messenger: Messenger,
        press: Press | None = None,
        *,
        links: PayLinks | None = None,
    ) -> None:
        super().__init__(database, store_id)
        self._messenger = messenger
        self._press = press
        self._links = links

    @activity.defn(name="look_at_message")
    async def look(self, look: Look) -> Outlook:
        """When the next try is due; what is no longer wanted is cancelled."""
        return await self._seen(look)

    @activity.defn
    async def deliver(self, look: Look) -> Outlook:
        """Try again by every channel that is due."""
        try:
            hands = await self._claimed(look)
        except NotFound:
            return await self._gone(look)
        sending = Sending(
            *(self._database, self._messenger, life_of(look), lambda: look.at),
            press=self._press,
            links=self._links,
        )
        await asyncio.gather(*(sending.carry(hand) for hand in hands))
        return await self._seen(look)

    async def _claimed(self, look: Look) -> list[Hand]:
        """The tries to make now; none when the step is no longer the plan's."""
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            message = await self._lock(session, look.subject.id)
            before = await self._planned(session, message, look.at)
            if not plan.still_first(before, Step.deliver, look.at):
                return []
            return await message_tries.claim(session, message, look.at)

    async def _lock(self, session: AsyncSession, subject_id: UUID) -> Message:
        return await one(session, Message, subject_id, lock=True)

    async def _planned(self, session: AsyncSession, row: Message, at: datetime) -> Planned:
        return await message_tries.planned(session, row, at)
