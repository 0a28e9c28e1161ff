"""What one event of a provider comes to: its money booked, its page closed, in one transaction.

Events come twice, late and in any order; whatever they say is held against the rows first.
"""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.provider_money import heard_of
from domain.errors import Refused, Unavailable
from domain.payment_account import Provider
from models import provider_event
from models.attempt_news import find_attempt, page_closed
from models.database import Actor, Database
from models.method_news import method_told
from models.provider_event import Held
from models.provider_money import Outcome, hear
from providers import razorpay_events, stripe_events
from providers.payments import PageNews, PageState, ProviderEvent

log = structlog.get_logger()


class Booking:
    """Settles events that were taken from the queue. `actor` stands in the evidence."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor

    async def settle(self, held: Held, at: datetime) -> None:
        """Do what the event says and mark it done, or put it off with the reason.

        Raises Unavailable when the database is away: the lease brings the event back.
        """
        try:
            async with self._database.tenant(held.tenant_id, self._actor) as session:
                outcome = await _settled(session, held, at)
                await provider_event.done(session, held, outcome, at)
        except Unavailable:
            raise
        except Refused as refusal:
            await self._put_off(held, refusal.detail)
        except Exception as error:
            log.exception("a provider event cannot be settled", event=held.event_id)
            await self._put_off(held, type(error).__name__)

    async def _put_off(self, held: Held, problem: str) -> None:
        async with self._database.tenant(held.tenant_id, self._actor) as session:
            await provider_event.put_off(session, held, problem)


def read(held: Held) -> ProviderEvent:
    """The event in our words; InvalidInput names what cannot be read."""
    if held.provider is Provider.stripe:
        return stripe_events.read(held.body)
    return razorpay_events.read(held.body, held.event_id)


async def _settled(session: AsyncSession, held: Held, at: datetime) -> str:
    event = read(held)
    outcomes: list[str] = []
    for movement in event.movements:
        heard = heard_of(movement, held.provider, held.account_id)
        outcomes.append(await hear(session, heard, at))
    if event.page is not None and event.page.state is PageState.closed:
        outcomes.append(await _closed(session, held, event.page, at))
    if event.method is not None:
        name, method_id = event.method.name, event.method.method_id
        told = await method_told(session, held.account_id, method_id, name, at)
        outcomes.append({None: Outcome.nothing, False: Outcome.known, True: "asked"}[told])
    said = [outcome for outcome in outcomes if outcome != Outcome.nothing]
    return ", ".join(said) or Outcome.nothing


async def _closed(session: AsyncSession, held: Held, page: PageNews, at: datetime) -> str:
    attempt = await find_attempt(session, held.account_id, page.attempt_id, page.page_id)
    if attempt is None:
        return Outcome.nothing
    return "closed" if await page_closed(session, attempt.id, at) else Outcome.known
