"""A message's tries as its life sees them: the plan, the next try's row, the end of one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain import delivery_tries, keys, message_delivery
from domain.delivery_tries import TRIES_MAX, UNKNOWN, Try
from domain.message_delivery import DeliveryState, Step, advance
from models import plan
from models.database import tenant_of
from models.event import record
from models.invoice import Invoice, Reminder
from models.life import SubjectKind
from models.message import Delivery, Message, Purpose
from models.message_queue import Hand
from models.message_wanted import still_wanted
from models.plan import Planned
from models.task import open_task, open_whats

LEFT = frozenset({DeliveryState.sent, DeliveryState.delivered, DeliveryState.read})


async def latest_of(session: AsyncSession, message: Message) -> list[Delivery]:
    """The latest try by each channel of a locked message."""
    found = await session.scalars(
        select(Delivery)
        .where(Delivery.message_id == message.id)
        .order_by(Delivery.channel, Delivery.attempt.desc())
        .ext(distinct_on(Delivery.channel))
    )
    return list(found)


def as_try(delivery: Delivery) -> Try:
    """The row as the rules see it."""
    state = DeliveryState(delivery.state)
    leased = state is DeliveryState.processing and delivery.leased_until is not None
    return Try(
        channel=delivery.channel,
        attempt=delivery.attempt,
        state=state,
        code=delivery.error_code,
        tried_at=delivery.tried_at,
        with_relay=state is DeliveryState.pending or leased,
    )


async def planned(session: AsyncSession, message: Message, at: datetime) -> Planned:
    """The plan of a locked message. What is no longer wanted is cancelled first, so it settles."""
    latest = await latest_of(session, message)
    waiting = [one for one in latest if delivery_tries.waits_for_life(as_try(one))]
    wanted = not waiting or await still_wanted(session, message, at)
    if not wanted:
        for delivery in waiting:
            cancel(delivery, at)
        await settle(session, message, at)
    facts = delivery_tries.facts_of(
        [as_try(one) for one in latest],
        message.timezone,
        at,
        queued_at=message.effective_at,
        wanted=wanted,
        tasks_open=await open_whats(session, message.id),
    )
    return Planned(
        kind=SubjectKind.MESSAGE,
        subject_id=message.id,
        workflow_id=keys.message_delivery(tenant_of(session), message.id),
        property_id=None,
        stage=message.state,
        actions=message_delivery.plan(facts, at),
    )


async def hand_to_life(session: AsyncSession, message: Message, at: datetime) -> None:
    """A channel of the locked message waits: write the plan and wake the message's life."""
    await plan.changed(session, await planned(session, message, at))


async def claim(session: AsyncSession, message: Message, at: datetime) -> list[Hand]:
    """A new try of every channel of the locked message that is due; the life's, so no lease."""
    latest = {one.channel: one for one in await latest_of(session, message)}
    due = delivery_tries.due([as_try(one) for one in latest.values()], message.timezone, at)
    rows = [_next_try(session, latest[one.channel], at) for one in due]
    await session.flush()
    return [
        Hand(
            tenant_id=tenant_of(session),
            message_id=message.id,
            delivery_id=delivery.id,
            leased_until=None,
            unknown=delivery.error_code == UNKNOWN,
            last=last,
        )
        for delivery, last in rows
    ]


def _next_try(session: AsyncSession, before: Delivery, at: datetime) -> tuple[Delivery, bool]:
    """The row of the next try; an unknown one inherits the text by which it is looked up.

    After the last rung the same row is looked up once more.
    """
    unknown = before.state == DeliveryState.processing
    if before.attempt >= TRIES_MAX:
        before.tried_at, before.error_code = at, UNKNOWN
        return before, True
    delivery = Delivery(
        message_id=before.message_id,
        channel=before.channel,
        attempt=before.attempt + 1,
        state=DeliveryState.processing,
        not_before=at,
        tried_at=at,
        handed_over=before.handed_over if unknown else None,
        error_code=UNKNOWN if unknown else None,
    )
    session.add(delivery)
    if unknown:
        before.state, before.error_code, before.finished_at = DeliveryState.failed, UNKNOWN, at
        before.handed_over = None
    return delivery, False


async def first_tried_at(session: AsyncSession, delivery: Delivery) -> datetime | None:
    """When the first try by that channel was: a carrier is asked for what came after it."""
    return await session.scalar(
        select(func.min(Delivery.tried_at)).where(
            Delivery.message_id == delivery.message_id, Delivery.channel == delivery.channel
        )
    )


def cancel(delivery: Delivery, at: datetime) -> None:
    """It is no longer wanted; an error it had stays written."""
    delivery.state = DeliveryState.cancelled
    delivery.finished_at = at
    delivery.handed_over = delivery.leased_until = None


def put_back(delivery: Delivery, not_before: datetime) -> None:
    """Into the relay's queue, for when it may leave."""
    delivery.state = DeliveryState.pending
    delivery.not_before = not_before
    delivery.leased_until = delivery.handed_over = delivery.error_code = None


async def settle(session: AsyncSession, message: Message, at: datetime) -> None:
    """The message's state follows from its tries, only ever forward; a failed one opens a task."""
    await session.flush()
    latest = await latest_of(session, message)
    before = DeliveryState(message.state)
    now = advance(before, delivery_tries.outcome([as_try(one) for one in latest]))
    message.state = now
    if now is DeliveryState.failed and before is not DeliveryState.failed:
        await _failed(session, message, latest, at)
    await session.flush()


async def note_sent(
    session: AsyncSession,
    message: Message,
    delivery: Delivery,
    invoices: Sequence[Invoice],
    at: datetime,
) -> None:
    """The event of a try that left, and the hour its invoices were first sent."""
    for invoice in invoices:
        invoice.sent_at = invoice.sent_at or at
    await record(
        session,
        "message.sent",
        SubjectKind.MESSAGE,
        message.id,
        at,
        purpose=message.purpose,
        channel=delivery.channel,
        residentId=str(message.resident_id),
        deliveryId=str(delivery.id),
    )


async def lock_invoices(session: AsyncSession, message: Message) -> Sequence[Invoice]:
    """The invoices a message carries, locked in the order of their ids, before the message is."""
    if message.purpose == Purpose.INVOICE:
        wanted = Invoice.id == message.about_id
    elif message.purpose == Purpose.REMINDER:
        linked = select(Reminder.invoice_id).where(Reminder.message_id == message.id)
        wanted = Invoice.id.in_(linked)
    else:
        return ()
    found = await session.scalars(
        select(Invoice)
        .where(wanted)
        .order_by(Invoice.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def _failed(
    session: AsyncSession, message: Message, latest: Sequence[Delivery], at: datetime
) -> None:
    """Every way failed: a person is told by which rule, not to whom."""
    codes = "; ".join(f"{one.channel}: {one.error_code}" for one in latest if one.error_code)
    await record(
        session, "message.failed", SubjectKind.MESSAGE, message.id, at, purpose=message.purpose
    )
    await open_task(
        session,
        kind=SubjectKind.MESSAGE,
        subject_id=message.id,
        what=Step.deliver,
        title=f"a message ({message.purpose.replace('_', ' ')}) could not be delivered",
        detail=codes,
        at=at,
    )
