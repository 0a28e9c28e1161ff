"""Steps of a try to be paid. Each may run twice; the second run asks nobody for money again.

A call is made between two transactions. Before a page is asked for the attempt is `unknown`, so a
run that died in between leaves a question that is looked up and not asked again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.attempt_order import Order, Purse, order_of
from activities.life import LifeSteps
from activities.provider_call import ask_a_person, called, hand_over, keys_refused
from activities.provider_money import heard_of
from domain.errors import NotFound, Refused, Unavailable, UnknownOutcome
from domain.lives import Look
from domain.money import Money
from domain.next_action import Outlook
from domain.payment_attempt import AttemptStatus, Step
from domain.provider_patience import handed_over
from models import payment_attempt, plan
from models.attempt_news import page_closed
from models.database import Database
from models.payment_attempt import PaymentAttempt, moved
from models.plan import Planned
from models.provider_money import hear
from providers.payments import Opened, PageState, Standing

_NOT_OPENED: Final = frozenset({AttemptStatus.created, AttemptStatus.unknown})


class Attempting(LifeSteps[PaymentAttempt]):
    """What the life of an attempt does, in the order it usually happens."""

    def __init__(self, database: Database, store_id: str, purse: Purse) -> None:
        super().__init__(database, store_id)
        self._purse = purse

    @activity.defn(name="look_at_attempt")
    async def look(self, look: Look) -> Outlook:
        """What comes next, and when."""
        return await self._seen(look)

    @activity.defn
    async def open_page(self, look: Look) -> Outlook:
        """Ask the provider for the page, once."""
        order = await self._begun(look, Step.open_page, _is_asked)
        if order is not None:
            try:
                opened = await called(order.gateway.open(order.asked))
            except Refused as refusal:
                code = refusal.code
                await self._change(look, lambda s, a: _refused(s, a, code, look.at))
            except UnknownOutcome:
                return await self._seen(look)
            except Unavailable:
                await self._change(look, lambda s, a: _not_now(s, a, look.at))
            else:
                await self._change(look, lambda s, a: _opened(s, a, opened, look.at))
        return await self._seen(look)

    @activity.defn
    async def look_up(self, look: Look) -> Outlook:
        """Ask what became of a page whose answer was lost; in the end a person has to."""
        order = await self._begun(look, Step.look_up)
        if order is not None:
            try:
                standing = await called(order.look_up())
            except Refused as refusal:
                await self._handed_over(look, Step.look_up, refusal)
            except Unavailable:
                await self._change(look, lambda s, a: _looked_in_vain(s, a, look.at))
            else:
                await self._learned(look, order, standing)
                await self._change(look, lambda _, a: _looked(a, look.at))
        return await self._seen(look)

    @activity.defn
    async def take_money(self, look: Look) -> Outlook:
        """Take a payment that is authorised, before it goes back by itself."""
        order = await self._begun(look, Step.take_money)
        if order is None or order.money_waits is None:
            return await self._seen(look)
        name, amount = order.money_waits
        try:
            taken = await called(order.gateway.capture(name, amount))
        except Refused as refusal:
            await self._handed_over(look, Step.take_money, refusal)
        except Unavailable:
            await self._change(look, lambda _, a: _put_off(a, look.at))
        else:
            async with self._transaction(look) as session:
                await hear(session, heard_of(taken, order.provider, order.account_id), look.at)
        return await self._seen(look)

    @activity.defn
    async def close_page(self, look: Look) -> Outlook:
        """Let nobody pay there any more; what was paid before is booked."""
        return await self._ended(look, Step.close_page)

    @activity.defn
    async def end_page(self, look: Look) -> Outlook:
        """The page's time is over: see how it ended."""
        return await self._ended(look, Step.end_page)

    @activity.defn
    async def look_up_late(self, look: Look) -> Outlook:
        """The last moment at which a payment that failed may have become one after all."""
        order = await self._begun(look, Step.look_up_late)
        if order is not None:
            try:
                standing = await called(order.look_up())
            except Refused as refusal:
                await self._handed_over(look, Step.look_up_late, refusal)
            except Unavailable:
                await self._change(look, lambda _, a: _put_off(a, look.at))
            else:
                await self._learned(look, order, standing)
                await self._change(look, lambda _, a: _looked_late(a, look.at))
        return await self._seen(look)

    async def _ended(self, look: Look, step: Step) -> Outlook:
        order = await self._begun(look, step)
        if order is None:
            return await self._seen(look)
        if order.page_id is None:
            await self._change(look, lambda s, a: _nobody_asked(s, a, look.at))
            return await self._seen(look)
        try:
            standing = await called(order.gateway.close(order.asked, order.page_id))
        except Refused as refusal:
            await self._handed_over(look, step, refusal)
        except Unavailable:
            await self._change(look, lambda _, a: _put_off(a, look.at))
        else:
            await self._learned(look, order, standing)
        return await self._seen(look)

    async def _begun(
        self, look: Look, step: Step, mark: Callable[[PaymentAttempt, datetime], None] | None = None
    ) -> Order | None:
        """What to ask of whom, if the step is still the first that is due; `mark` is kept first.

        What keeps us from asking at all, such as keys that are missing, ends what was never asked
        for; of a page that may be there it is for a person.
        """
        try:
            async with self._transaction(look) as session:
                attempt = await self._lock(session, look.subject.id)
                planned = await self._planned(session, attempt, look.at)
                if not plan.still_first(planned, step, look.at):
                    return None
                order = await order_of(session, attempt, self._purse)
                if mark is not None:
                    mark(attempt, look.at)
                return order
        except NotFound:
            return None
        except Refused as refusal:
            await self._cannot_ask(look, step, refusal)
            return None

    async def _change(
        self, look: Look, change: Callable[[AsyncSession, PaymentAttempt], Awaitable[None]]
    ) -> None:
        async with self._transaction(look) as session:
            await change(session, await self._lock(session, look.subject.id))

    async def _learned(self, look: Look, order: Order, standing: Standing | None) -> None:
        """Write what the provider told: money first, whose rows are locked before the attempt's."""
        async with self._transaction(look) as session:
            for movement in () if standing is None else standing.movements:
                await hear(session, heard_of(movement, order.provider, order.account_id), look.at)
            attempt = await self._lock(session, look.subject.id)
            if standing is None:
                await _never_opened(session, attempt, look.at)
            elif standing.state is not PageState.open:
                await _learned_id(attempt, standing.opened)
                await page_closed(session, attempt.id, look.at)
            elif attempt.status == AttemptStatus.unknown:
                await _opened(session, attempt, standing.opened, look.at)

    async def _cannot_ask(self, look: Look, step: Step, refusal: Refused) -> None:
        async with self._transaction(look) as session:
            attempt = await self._lock(session, look.subject.id)
            if attempt.status == AttemptStatus.created:
                await _refused(session, attempt, refusal.code, look.at)
            else:
                await hand_over(session, attempt, step, refusal, look.at)

    async def _handed_over(self, look: Look, step: Step, refusal: Refused) -> None:
        async with self._transaction(look) as session:
            attempt = await self._lock(session, look.subject.id)
            await hand_over(session, attempt, step, refusal, look.at)

    async def _lock(self, session: AsyncSession, subject_id: UUID) -> PaymentAttempt:
        return await payment_attempt.locked(session, subject_id)

    async def _planned(self, session: AsyncSession, row: PaymentAttempt, at: datetime) -> Planned:
        del at  # an attempt's plan depends on its rows alone
        return await payment_attempt.planned(session, row)


def _is_asked(attempt: PaymentAttempt, at: datetime) -> None:
    attempt.status, attempt.unknown_since, attempt.look_ups = AttemptStatus.unknown, at, 0
    attempt.looked_up_at = attempt.asked_again_at = None


async def _opened(
    session: AsyncSession, attempt: PaymentAttempt, opened: Opened, at: datetime
) -> None:
    if attempt.status != AttemptStatus.unknown:
        return
    await _learned_id(attempt, opened)
    attempt.pay_url, attempt.upi_uri = opened.pay_url, opened.upi_uri
    attempt.expires_at = opened.expires_at
    attempt.opened_at = at
    await moved(session, attempt, AttemptStatus.pending, at)


async def _learned_id(attempt: PaymentAttempt, opened: Opened) -> None:
    if attempt.page_id is None:
        attempt.page_id = opened.provider_id


async def _refused(session: AsyncSession, attempt: PaymentAttempt, code: str, at: datetime) -> None:
    """There is no page and will be none. Money that came meanwhile says otherwise, and stands."""
    if attempt.status not in _NOT_OPENED:
        return
    attempt.failure_code = code
    await moved(session, attempt, AttemptStatus.failed, at)
    await keys_refused(session, attempt, code, at)


async def _not_now(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """It was surely not opened: as before it was asked for, and tried again later."""
    if attempt.status != AttemptStatus.unknown:
        return
    tries = attempt.tries
    await moved(session, attempt, AttemptStatus.created, at)
    attempt.tries = tries
    await _put_off(attempt, at)


async def _never_opened(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """The provider knows of no such page: it may be asked for again, if it is still wanted."""
    if attempt.status == AttemptStatus.unknown:
        wanted = attempt.close_asked_at is None
        status = AttemptStatus.created if wanted else AttemptStatus.cancelled
        await moved(session, attempt, status, at)
    elif attempt.status == AttemptStatus.pending:
        await page_closed(session, attempt.id, at)


async def _nobody_asked(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    await page_closed(session, attempt.id, at)


async def _put_off(attempt: PaymentAttempt, at: datetime) -> None:
    attempt.tries += 1
    attempt.tried_at = at


async def _looked(attempt: PaymentAttempt, at: datetime) -> None:
    attempt.looked_up_at = at


async def _looked_in_vain(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    """Where nobody knows whether there is a page, a person has to find out in the end."""
    await _looked(attempt, at)
    if attempt.status != AttemptStatus.unknown:
        return
    attempt.look_ups += 1
    if handed_over(attempt.unknown_since, attempt.look_ups):
        asked = Money(attempt.amount_minor, attempt.currency).text
        detail = (
            f"A page for {asked} was asked of {attempt.provider} and nobody knows whether it"
            f" exists: look for {attempt.id} there."
        )
        await ask_a_person(session, attempt, Step.look_up, detail, at)


async def _looked_late(attempt: PaymentAttempt, at: datetime) -> None:
    attempt.looked_late_at = at
