"""One try of one message: read it, ask whether it should still leave, call, write what came of it.

The carrier is called outside any transaction. Relay and life carry out a try the same way.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.message_letter import addressed, outgoing
from activities.message_paper import Enclosed, enclosed
from domain.delivery_tries import UNAVAILABLE, UNKNOWN
from domain.errors import Refused, Unavailable, UnknownOutcome
from domain.message_delivery import DeliveryState, advance, next_sms_time, sms_may_leave
from models import message_tries
from models.database import Actor, Database, one
from models.message import Channel, Delivery, Message
from models.message_queue import OPEN, Hand, held, locked, renew
from models.message_wanted import still_wanted
from models.pay_link import PayLinks
from models.resident import Resident
from providers import messages as port
from providers.documents import CannotPrint, Press

log = structlog.get_logger()

# Together well within a lease, so that a try in flight is never taken for a dead one.
PRINT_SECONDS, CALL_SECONDS = 10, 40
# What two clocks may differ by.
SKEW = timedelta(minutes=1)
WRITE_TRIES, WRITE_PAUSE_SECONDS = 6, 0.5

# A carrier that has taken a message will bring it; one that gave it up has failed.
_MEANING = {
    DeliveryState.pending: DeliveryState.sent,
    DeliveryState.processing: DeliveryState.sent,
    DeliveryState.cancelled: DeliveryState.failed,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. `processing` means that nobody knows."""

    state: DeliveryState
    code: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None

    @property
    def is_final(self) -> bool:
        """Nothing is left to try by this channel."""
        return self.state is not DeliveryState.processing and self.code != UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Question:
    """What to look up at a carrier: the words as they were handed over, and since when."""

    outgoing: port.Outgoing
    since: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """What is about to leave: the words, and the document that goes with them."""

    words: port.Outgoing
    enclosed: Enclosed | None


class Sending:
    """Carries out tries. `now` is business time; `actor` stands in the evidence.

    Mails carry their documents; without a press, or where it cannot print, they leave without.
    What asks for money carries the payer's link; without `links` there is none.
    """

    def __init__(
        self,
        database: Database,
        messenger: port.Messenger,
        actor: Actor,
        now: Callable[[], datetime],
        press: Press | None = None,
        *,
        links: PayLinks | None = None,
    ) -> None:
        self._database = database
        self._messenger = messenger
        self._actor = actor
        self._now = now
        self._press = press
        self._links = links

    async def carry(self, hand: Hand) -> None:
        """Carry the try out to its end, or to where the message's life takes over.

        Raises Unavailable when the database is away: the hand's lease, or the life, comes back.
        """
        try:
            answer = await self._looked_up(hand) if hand.unknown else None
            if answer is None:
                answer = await self._sent(hand)
        except Refused as refusal:
            answer = Answer(DeliveryState.failed, refusal.code)
        except Unavailable:
            raise
        except Exception:
            log.exception("a message could not be written", delivery=str(hand.delivery_id))
            answer = Answer(DeliveryState.failed, "COULD_NOT_BE_WRITTEN")
        if answer is not None:
            await self._close(hand, answer)

    @asynccontextmanager
    async def _transaction(self, hand: Hand) -> AsyncGenerator[AsyncSession]:
        """One transaction of the hand's tenant; a lease renewed in it goes back with it."""
        leased_until = hand.leased_until
        try:
            async with self._database.tenant(hand.tenant_id, self._actor) as session:
                yield session
        except BaseException:
            hand.leased_until = leased_until
            raise

    async def _looked_up(self, hand: Hand) -> Answer | None:
        """What became of the earlier try; None: the carrier never took it, so it may be sent."""
        question = await self._question(hand)
        if question is None:
            return None
        answer = await self._asked(question)
        known = answer is not None and answer.state is not DeliveryState.processing
        return Answer(DeliveryState.failed, UNKNOWN) if hand.last and not known else answer

    async def _question(self, hand: Hand) -> Question | None:
        """A mail server cannot be asked; its letter goes again under the same Message-ID."""
        async with self._transaction(hand) as session:
            mine = await held(session, hand)
            if mine is None:
                return None
            message, delivery = mine
            await renew(session, hand)
            first = await message_tries.first_tried_at(session, delivery)
            resident = await one(session, Resident, message.resident_id)
            words = addressed(message, delivery, resident, text=delivery.handed_over or "")
            return Question(words, (first or message.effective_at) - SKEW)

    async def _asked(self, question: Question) -> Answer | None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await self._messenger.look_up(question.outgoing, question.since)
        except (Unavailable, TimeoutError):
            return Answer(DeliveryState.processing, UNKNOWN)
        return None if found is None else _answer(found)

    async def _sent(self, hand: Hand) -> Answer | None:
        """The carrier's answer; None: it slipped, is not wanted, or waits for the morning."""
        letter = await self._begun(hand)
        if letter is None:
            return None
        words = await self._with_document(letter)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return _answer(await self._messenger.send(words))
        except (UnknownOutcome, TimeoutError):
            return Answer(DeliveryState.processing, UNKNOWN)
        except Unavailable:
            return Answer(DeliveryState.failed, UNAVAILABLE)

    async def _with_document(self, letter: Letter) -> port.Outgoing:
        """A letter is wanted more than its enclosure: whatever breaks, the words leave."""
        page = letter.enclosed
        if page is None or self._press is None:
            return letter.words
        try:
            async with asyncio.timeout(PRINT_SECONDS):
                pdf = await self._press.pdf(page.html)
        except (CannotPrint, TimeoutError) as error:
            log.warning("a mail leaves without its document", why=str(error)[:200])
            return letter.words
        except Exception:
            log.exception("a document could not be printed", message=str(letter.words.id))
            return letter.words
        file = port.Attachment(page.name, "application/pdf", pdf)
        return replace(letter.words, attachments=[file])

    async def _begun(self, hand: Hand) -> Letter | None:
        """From here on the row says that a carrier may have it."""
        async with self._transaction(hand) as session:
            mine = await held(session, hand)
            return None if mine is None else await self._begin(session, hand, *mine)

    async def _begin(
        self, session: AsyncSession, hand: Hand, message: Message, delivery: Delivery
    ) -> Letter | None:
        now = self._now()
        if not await still_wanted(session, message, now):
            message_tries.cancel(delivery, now)
            await message_tries.settle(session, message, now)
            return None
        is_sms = delivery.channel == Channel.SMS
        if is_sms and not sms_may_leave(now, message.timezone):
            message_tries.put_back(delivery, next_sms_time(now, message.timezone))
            return None
        words = await outgoing(session, message, delivery, now, self._links)
        paper = None if is_sms else await self._enclosed(session, message)
        await renew(session, hand)
        delivery.state, delivery.tried_at = DeliveryState.processing, now
        delivery.handed_over = words.text if is_sms else None
        message.state = advance(DeliveryState(message.state), DeliveryState.processing)
        return Letter(words, paper)

    async def _enclosed(self, session: AsyncSession, message: Message) -> Enclosed | None:
        if self._press is None:
            return None
        resident = await one(session, Resident, message.resident_id)
        return await enclosed(session, message, resident.language)

    async def _close(self, hand: Hand, answer: Answer) -> None:
        """Write the answer; a database that blinks now would cost the reader a second mail."""
        for remaining in reversed(range(WRITE_TRIES)):
            try:
                async with self._transaction(hand) as session:
                    return await self._write(session, hand, answer)
            except Unavailable:
                if not remaining:
                    raise
                await asyncio.sleep(WRITE_PAUSE_SECONDS * (WRITE_TRIES - remaining))
            except Exception:
                log.exception("an answer could not be booked", delivery=str(hand.delivery_id))
                return await self._close_at_least(hand, answer)
        return None

    async def _close_at_least(self, hand: Hand, answer: Answer) -> None:
        """The delivery alone, whatever else cannot be written: else it would be sent for ever."""
        async with self._transaction(hand) as session:
            _, delivery = await locked(session, hand)
            if delivery.state in OPEN:
                _apply(delivery, answer, self._now())

    async def _write(self, session: AsyncSession, hand: Hand, answer: Answer) -> None:
        now = self._now()
        left = answer.state in message_tries.LEFT
        message = await one(session, Message, hand.message_id)
        invoices = await message_tries.lock_invoices(session, message) if left else ()
        message, delivery = await locked(session, hand)
        slipped = delivery.leased_until != hand.leased_until
        if delivery.state not in OPEN or (slipped and not left):
            return
        _apply(delivery, answer, now)
        await message_tries.settle(session, message, now)
        if left:
            await message_tries.note_sent(session, message, delivery, invoices, now)
        if hand.leased_until is not None and not answer.is_final:
            await message_tries.hand_to_life(session, message, now)


def _answer(receipt: port.Receipt) -> Answer:
    """Taken by the carrier counts as sent; what became of it there is told later."""
    state = _MEANING.get(receipt.state, receipt.state)
    code = (receipt.reason or "FAILED_AT_CARRIER") if state is DeliveryState.failed else None
    return Answer(state, code, receipt.provider, receipt.provider_message_id)


def _apply(delivery: Delivery, answer: Answer, now: datetime) -> None:
    open_still = answer.state is DeliveryState.processing
    delivery.state = answer.state
    delivery.error_code = answer.code
    delivery.provider = answer.provider
    delivery.provider_message_id = answer.provider_message_id
    delivery.leased_until = None
    if not open_still:
        delivery.handed_over = None
        delivery.finished_at = now
