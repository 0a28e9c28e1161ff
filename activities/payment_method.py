"""Steps of a card that is saved. Each may run twice; the second run asks nobody for a page again.

A call is made between two transactions. Before a page is asked for it is noted as unknown, so a run
that died in between leaves a question that is looked up and not asked again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.attempt_order import Purse
from activities.life import LifeSteps
from activities.method_order import Order, Whose, order_of, whose
from activities.provider_call import ask_a_person, called, hand_over, keys_refused
from domain.errors import NotFound, Refused, Unavailable, UnknownOutcome
from domain.lives import Look
from domain.next_action import Outlook
from domain.payment_method import MethodStatus, Step
from domain.provider_patience import handed_over
from models import method_saving, payment_method, plan, provider_customer
from models.database import Database
from models.payment_method import SavedMethod, moved
from models.plan import Planned
from models.settling import lock_resident
from providers.cards import SetupStanding
from providers.payments import Opened, PageState, Refusal

Change = Callable[[AsyncSession, SavedMethod], Awaitable[None]]


class Keeping(LifeSteps[SavedMethod]):
    """What the life of a saved method does, in the order it usually happens."""

    def __init__(self, database: Database, store_id: str, purse: Purse) -> None:
        super().__init__(database, store_id)
        self._purse = purse

    @activity.defn(name="look_at_method")
    async def look(self, look: Look) -> Outlook:
        """What comes next, and when."""
        return await self._seen(look)

    @activity.defn
    async def open_setup_page(self, look: Look) -> Outlook:
        """Ask the provider for the page on which the card is left, once."""
        payer: list[Whose] = []

        async def mark(session: AsyncSession, method: SavedMethod) -> None:
            method.unknown_since, method.look_ups = look.at, 0
            payer.append(await whose(session, method, look.at))

        order = await self._begun(look, Step.open_setup_page, mark)
        if order is not None:
            await self._open(look, order, payer[-1])
        return await self._seen(look)

    @activity.defn
    async def look_up_card(self, look: Look) -> Outlook:
        """Ask what became of the page, or of the card; in the end a person has to."""
        order = await self._begun(look, Step.look_up_card)
        if order is None:
            return await self._seen(look)
        try:
            change = await self._asked(order, look.at)
        except Refused as refusal:
            await self._handed_over(look, Step.look_up_card, refusal)
        except Unavailable:
            asks = order.asks
            await self._change(look, order, lambda s, m: _looked_in_vain(s, m, asks, look.at))
        else:
            await self._change(look, order, change)
        return await self._seen(look)

    @activity.defn
    async def end_setup_page(self, look: Look) -> Outlook:
        """Let nobody leave a card any more, and see whether somebody had."""
        order = await self._begun(look, Step.end_setup_page)
        if order is None:
            return await self._seen(look)
        if order.page_id is None:
            await self._change(look, order, lambda s, m: method_saving.over(s, m, look.at))
            return await self._seen(look)
        try:
            standing = await called(order.cards.close(order.asked, order.page_id))
        except Refused as refusal:
            await self._handed_over(look, Step.end_setup_page, refusal)
        except Unavailable:
            await self._change(look, order, lambda _, m: _put_off(m, look.at))
        else:
            await self._change(look, order, lambda s, m: _learned(s, m, standing, look.at))
        return await self._seen(look)

    @activity.defn
    async def detach(self, look: Look) -> Outlook:
        """Have the provider forget the card."""
        order = await self._begun(look, Step.detach)
        if order is None or order.card_id is None:
            return await self._seen(look)
        try:
            await called(order.cards.detach(order.card_id))
        except Refused as refusal:
            await self._handed_over(look, Step.detach, refusal)
        except Unavailable:
            await self._change(look, order, lambda _, m: _put_off(m, look.at))
        else:
            await self._change(look, order, lambda s, m: method_saving.forgotten(s, m, look.at))
        return await self._seen(look)

    async def _open(self, look: Look, order: Order, payer: Whose) -> None:
        customer = payer.customer_id
        try:
            if customer is None:
                customer = await called(order.cards.owner(payer.owner))
                async with self._transaction(look) as session:
                    await provider_customer.made(session, payer.row_id, customer)
            opened = await called(order.cards.open(order.asked, customer))
        except Refused as refusal:
            code = refusal.code
            if code == Refusal.no_such_customer and customer is not None:
                async with self._transaction(look) as session:
                    await provider_customer.forgotten(session, payer.row_id, customer)
                await self._change(look, order, lambda s, m: _not_now(s, m, look.at))
            else:
                await self._change(look, order, lambda s, m: _refused(s, m, code, look.at))
        except UnknownOutcome:
            return
        except Unavailable:
            await self._change(look, order, lambda s, m: _not_now(s, m, look.at))
        else:
            await self._change(look, order, lambda s, m: _opened(s, m, opened, look.at))

    async def _asked(self, order: Order, at: datetime) -> Change:
        """What the provider's answer changes; of a card that was left, the card itself is asked."""
        if order.card_id is not None:
            card = await called(order.cards.card(order.card_id))

            async def known(session: AsyncSession, method: SavedMethod) -> None:
                method.answered = max(method.answered, order.asks)
                method.tries, method.tried_at = 0, None
                if card is None:
                    await method_saving.forgotten(session, method, at)
                else:
                    await method_saving.saved(session, method, card, at)

            return known
        standing = await called(order.cards.look_up(order.asked, order.page_id))

        async def learned(session: AsyncSession, method: SavedMethod) -> None:
            method.answered = max(method.answered, order.asks)
            method.tries, method.tried_at = 0, None
            await _learned(session, method, standing, at)

        return learned

    async def _begun(self, look: Look, step: Step, mark: Change | None = None) -> Order | None:
        """What to ask of whom, if the step is still the first that is due; `mark` is kept first.

        What keeps us from asking at all, such as keys that are missing, ends what was never asked
        for; of a page or a card that may be there it is for a person.
        """
        try:
            async with self._transaction(look) as session:
                method = await self._lock(session, look.subject.id)
                planned = await self._planned(session, method, look.at)
                if not plan.still_first(planned, step, look.at):
                    return None
                order = await order_of(session, method, self._purse)
                if mark is not None:
                    await mark(session, method)
                return order
        except NotFound:
            return None
        except Refused as refusal:
            await self._cannot_ask(look, step, refusal)
            return None

    async def _change(self, look: Look, order: Order, change: Change) -> None:
        async with self._transaction(look) as session:
            await lock_resident(session, order.resident_id)
            await change(session, await self._lock(session, look.subject.id))

    async def _cannot_ask(self, look: Look, step: Step, refusal: Refused) -> None:
        async with self._transaction(look) as session:
            method = await self._lock(session, look.subject.id)
            if method.status == MethodStatus.created and method.unknown_since is None:
                await _refused(session, method, refusal.code, look.at)
            else:
                await hand_over(session, method, step, refusal, look.at)

    async def _handed_over(self, look: Look, step: Step, refusal: Refused) -> None:
        async with self._transaction(look) as session:
            method = await self._lock(session, look.subject.id)
            await hand_over(session, method, step, refusal, look.at)

    async def _lock(self, session: AsyncSession, subject_id: UUID) -> SavedMethod:
        return await payment_method.locked(session, subject_id)

    async def _planned(self, session: AsyncSession, row: SavedMethod, at: datetime) -> Planned:
        del at  # a method's plan depends on its rows alone
        return await payment_method.planned(session, row)


async def _opened(session: AsyncSession, method: SavedMethod, page: Opened, at: datetime) -> None:
    facts = page.provider_id, page.pay_url, page.expires_at
    await method_saving.opened(session, method, facts, at)


async def _learned(
    session: AsyncSession, method: SavedMethod, standing: SetupStanding | None, at: datetime
) -> None:
    if standing is None:
        await method_saving.never_opened(session, method, at)
        return
    if standing.state is PageState.open:
        await _opened(session, method, standing.opened, at)
        return
    method.page_id = method.page_id or standing.opened.provider_id
    if standing.card is not None:
        await method_saving.saved(session, method, standing.card, at)
    else:
        await method_saving.over(session, method, at)


async def _refused(session: AsyncSession, method: SavedMethod, code: str, at: datetime) -> None:
    """There is no page and will be none."""
    if method.page_id is not None:
        return
    method.failure_code = code
    wanted = method.status == MethodStatus.created
    await moved(session, method, MethodStatus.failed if wanted else MethodStatus.removed, at)
    await keys_refused(session, method, code, at)


async def _not_now(session: AsyncSession, method: SavedMethod, at: datetime) -> None:
    """It was surely not opened: as before it was asked for, and tried again later, if wanted."""
    if method.page_id is None:
        await method_saving.never_opened(session, method, at)
        await _put_off(method, at)


async def _put_off(method: SavedMethod, at: datetime) -> None:
    method.tries += 1
    method.tried_at = at


async def _looked_in_vain(
    session: AsyncSession, method: SavedMethod, asks: int, at: datetime
) -> None:
    """Where nobody knows whether there is a page, a person has to find out in the end."""
    if method.unknown_since is None:
        await _put_off(method, at)
        return
    method.answered = max(method.answered, asks)
    method.look_ups += 1
    if handed_over(method.unknown_since, method.look_ups):
        detail = (
            f"A page to leave a card on was asked of {method.provider} and nobody knows whether it"
            f" exists: look for {method.id} there."
        )
        await ask_a_person(session, method, Step.look_up_card, detail, at)
