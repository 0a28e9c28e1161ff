"""What one event of a provider comes to: its money booked, its page closed, in one transaction.

Events come twice, late and in any order; whatever they say is held against the rows first.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.provider_money import heard_of
from domain.errors import Refused, Unavailable
from domain.payment_account import Provider
from domain.payment_attempt import OPEN, AttemptStatus
from models import provider_event
from models.attempt_news import Named, find_attempts, page_closed
from models.database import Actor, Database
from models.method_news import method_told
from models.payment_attempt import PaymentAttempt
from models.provider_event import Held, done, still_held
from models.provider_money import Outcome, hear_all
from providers import razorpay_events, stripe_events
from providers.payments import MethodNews, PageState, ProviderEvent

log = structlog.get_logger()


class Bookkeeping:
    """Settles events that were taken from the queue. `actor` stands in the evidence."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor

    async def settle(self, held: Sequence[Held], at: datetime) -> None:
        """Do what the events of one tenant say and mark them done, all in one transaction.

        Where that cannot be, each alone: what is wrong with one of them is its own. Raises
        Unavailable when the database is away: the lease brings them back.
        """
        read: list[tuple[Held, ProviderEvent]] = []
        for one in held:
            try:
                read.append((one, event_of(one)))
            except Refused as refusal:
                await self._put_off(one, refusal.detail)
        try:
            await self._together(read, at)
        except Unavailable:
            raise
        except Exception as error:
            if len(read) > 1:
                log.warning("provider events are settled one by one", because=repr(error))
                for one, _ in read:
                    await self.settle([one], at)
            elif isinstance(error, Refused):
                await self._put_off(read[0][0], error.detail)
            else:
                log.exception("a provider event cannot be settled", event_id=read[0][0].event_id)
                await self._put_off(read[0][0], type(error).__name__)

    async def _together(self, read: Sequence[tuple[Held, ProviderEvent]], at: datetime) -> None:
        if not read:
            return
        async with self._database.tenant(read[0][0].tenant_id, self._actor) as session:
            mine = {one.id for one in await still_held(session, [one for one, _ in read])}
            ours = [(one, event) for one, event in read if one.id in mine]
            await done(session, await _settled(session, ours, at), at)

    async def _put_off(self, held: Held, problem: str) -> None:
        async with self._database.tenant(held.tenant_id, self._actor) as session:
            await provider_event.put_off(session, held, problem)


def event_of(held: Held) -> ProviderEvent:
    """The event in our words; InvalidInput names what cannot be read."""
    if held.provider is Provider.stripe:
        return stripe_events.read(held.body)
    return razorpay_events.read(held.body, held.event_id)


async def _settled(
    session: AsyncSession, events: Sequence[tuple[Held, ProviderEvent]], at: datetime
) -> list[tuple[Held, str]]:
    """Each with what came of it."""
    news = [
        (held, heard_of(movement, held.provider, held.account_id))
        for held, event in events
        for movement in event.movements
    ]
    outcomes: dict[UUID, list[str]] = {held.id: [] for held, _ in events}
    heard = await hear_all(session, [one for _, one in news], at)
    for (held, _), outcome in zip(news, heard, strict=True):
        outcomes[held.id].append(outcome)
    closings = [
        (held, Named(held.account_id, event.page.attempt_id, event.page.page_id))
        for held, event in events
        if event.page is not None and event.page.state is PageState.closed
    ]
    attempts = await find_attempts(session, {named for _, named in closings})
    for held, named in closings:
        outcomes[held.id].append(await _closed(session, attempts.get(named), at))
    for held, event in events:
        if event.method is not None:
            outcomes[held.id].append(await _method(session, held, event.method, at))
    return [(held, _in_words(outcomes[held.id])) for held, _ in events]


async def _method(session: AsyncSession, held: Held, news: MethodNews, at: datetime) -> str:
    told = await method_told(session, held.account_id, news.method_id, news.name, at)
    return {None: Outcome.nothing, False: Outcome.known, True: "asked"}[told]


def _in_words(outcomes: Sequence[str]) -> str:
    said = [outcome for outcome in outcomes if outcome != Outcome.nothing]
    return ", ".join(said) or Outcome.nothing


async def _closed(session: AsyncSession, attempt: PaymentAttempt | None, at: datetime) -> str:
    if attempt is None:
        return Outcome.nothing
    if AttemptStatus(attempt.status) not in OPEN:
        return Outcome.known  # nor will it be open again
    return "closed" if await page_closed(session, attempt.id, at) else Outcome.known
