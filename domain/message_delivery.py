"""Deliver one message whose first try did not settle it: try again by a ladder, then fail.

States only move forward, because receipts arrive late, twice and out of order.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from domain.calendar import at_local, in_words, local_day, zone_of
from domain.next_action import NextAction

_ONLY_SMS = frozenset({"sms"})
SMS_FROM, SMS_UNTIL = time(9), time(21)
LADDER: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=24),
)


class DeliveryState(StrEnum):
    """Where a message stands."""

    pending = "pending"
    processing = "processing"
    sent = "sent"
    delivered = "delivered"
    read = "read"
    failed = "failed"
    cancelled = "cancelled"


class Step(StrEnum):
    """The named steps of the life."""

    deliver = "deliver"


# What a provider saw outranks what we meant; arrival outranks an earlier report of failure.
_RANKS: dict[DeliveryState, int] = {
    DeliveryState.pending: 0,
    DeliveryState.processing: 1,
    DeliveryState.cancelled: 2,
    DeliveryState.sent: 3,
    DeliveryState.failed: 4,
    DeliveryState.delivered: 5,
    DeliveryState.read: 6,
}
_UNSETTLED = frozenset({DeliveryState.pending, DeliveryState.processing})


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What the rows say about one message; `channels` are those not settled yet.

    `tries` counts tries made, `last_try_at` is when the last one was, `wanted` whether it should
    still leave.
    """

    state: DeliveryState
    channels: frozenset[str]
    zone: str
    tries: int
    queued_at: datetime
    last_try_at: datetime | None
    wanted: bool
    tasks_open: frozenset[str]


def rank(state: DeliveryState) -> int:
    """The place of a state on the way; a report of a lower one changes nothing."""
    return _RANKS[state]


def advance(current: DeliveryState, reported: DeliveryState) -> DeliveryState:
    """The state after a report: the one further on the way, whatever the order of arrival."""
    return reported if rank(reported) > rank(current) else current


def sms_may_leave(at: datetime, zone: str) -> bool:
    """From 9:00 until before 21:00 on the property's clock."""
    return SMS_FROM <= at.astimezone(zone_of(zone)).time() < SMS_UNTIL


def next_sms_time(at: datetime, zone: str) -> datetime:
    """`at` itself when an SMS may leave, else the next 9:00 on the property's clock."""
    if sms_may_leave(at, zone):
        return at
    today = local_day(at, zone)
    morning = at_local(today, SMS_FROM, zone)
    return morning if at < morning else at_local(today + timedelta(days=1), SMS_FROM, zone)


def retry_at(tries: int, last_try_at: datetime) -> datetime | None:
    """When to try again after `tries` failed tries; None when the ladder is used up."""
    return last_try_at + LADDER[tries - 1] if 1 <= tries <= len(LADDER) else None


def after_failed_try(tries: int) -> DeliveryState:
    """What a message becomes after its `tries`th failed try: waiting for the next, or failed."""
    return DeliveryState.pending if tries <= len(LADDER) else DeliveryState.failed


def plan(facts: DeliveryFacts, at: datetime) -> list[NextAction]:
    """The next try, if there is one; only-SMS messages keep the quiet hours."""
    if facts.state not in _UNSETTLED or not facts.wanted or Step.deliver in facts.tasks_open:
        return []
    if facts.last_try_at is None:
        when: datetime | None = facts.queued_at
    else:
        when = retry_at(facts.tries, facts.last_try_at)
    if when is None or not facts.channels:
        return []
    if facts.channels == _ONLY_SMS:
        allowed = next_sms_time(max(when, at), facts.zone)
        when = when if allowed == at else allowed
    day = in_words(local_day(when, facts.zone))
    why = f"try {facts.tries + 1} of {len(LADDER) + 1} on {day}: the last one did not settle it"
    return [NextAction(when, Step.deliver, why, ("admin: cancel",))]
