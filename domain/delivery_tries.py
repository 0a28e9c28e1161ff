"""The tries of one message: which wait for its life, when each goes on, what they make of it.

A try by one channel that ended in a clear yes or no is settled. One that nobody answered, or whose
answer was "later", waits for the message's life.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.message_delivery import (
    LADDER,
    DeliveryFacts,
    DeliveryState,
    next_sms_time,
    rank,
    retry_at,
)

UNAVAILABLE, UNKNOWN = "UNAVAILABLE", "UNKNOWN_OUTCOME"
TRIES_MAX = len(LADDER) + 1
SMS = "sms"
_LEFT = frozenset({DeliveryState.sent, DeliveryState.delivered, DeliveryState.read})
_UNDER_WAY = frozenset({DeliveryState.pending, DeliveryState.processing})


@dataclass(frozen=True, slots=True)
class Try:
    """The latest try by one channel. `with_relay`: queued there or in its hands."""

    channel: str
    attempt: int
    state: DeliveryState
    code: str | None
    tried_at: datetime | None
    with_relay: bool


def waits_for_life(latest: Try) -> bool:
    """Nobody knows how it ended, or it may be tried again; both are the life's."""
    if latest.with_relay:
        return False
    if latest.state is DeliveryState.processing:
        return True
    failed_for_now = latest.state is DeliveryState.failed and latest.code == UNAVAILABLE
    return failed_for_now and latest.attempt < TRIES_MAX


def next_at(latest: Try, zone: str, at: datetime) -> datetime:
    """When a waiting channel goes on; an SMS keeps the quiet hours.

    One that is unknown after the last rung is still looked up once more.
    """
    assert latest.tried_at is not None, "a try that waits was made"
    when = retry_at(min(latest.attempt, len(LADDER)), latest.tried_at)
    assert when is not None, "every rung has a time"
    if latest.channel != SMS:
        return when
    allowed = next_sms_time(max(when, at), zone)
    return when if allowed == at else allowed


def due(tries: Iterable[Try], zone: str, at: datetime) -> list[Try]:
    """The waiting channels that go on now."""
    return [one for one in tries if waits_for_life(one) and next_at(one, zone, at) <= at]


def facts_of(
    tries: Sequence[Try],
    zone: str,
    at: datetime,
    *,
    queued_at: datetime,
    wanted: bool,
    tasks_open: frozenset[str],
) -> DeliveryFacts:
    """What the plan asks, of the channels that go on first; the others come after them."""
    times = {one: next_at(one, zone, at) for one in tries if waits_for_life(one)}
    first = min(times.values(), default=None)
    group = [one for one, when in times.items() if when == first]
    return DeliveryFacts(
        state=DeliveryState.processing if group else outcome(tries),
        channels=frozenset(one.channel for one in group),
        zone=zone,
        tries=min((min(one.attempt, len(LADDER)) for one in group), default=0),
        queued_at=queued_at,
        last_try_at=max((one.tried_at for one in group if one.tried_at), default=None),
        wanted=wanted,
        tasks_open=tasks_open,
    )


def outcome(tries: Sequence[Try]) -> DeliveryState:
    """The message's state: the furthest any channel came; failed only when every one failed."""
    states = [one.state for one in tries]
    left = [state for state in states if state in _LEFT]
    if left:
        return max(left, key=rank)
    if any(one.state in _UNDER_WAY or waits_for_life(one) for one in tries):
        tried = any(one.tried_at is not None for one in tries)
        return DeliveryState.processing if tried else DeliveryState.pending
    return DeliveryState.failed if DeliveryState.failed in states else DeliveryState.cancelled
