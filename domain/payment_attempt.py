"""A try to be paid on a page of a provider: open it, know how it ended, pay nothing twice.

A page moves no money by being open; money that arrives is booked by whoever hears of it first. So
the life of an attempt exists for what is uncertain: a page nobody could open yet, an answer that
was lost, a page that must be closed because the money came another way, and the end of its time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.next_action import NextAction
from domain.provider_patience import GRACE, again, look_up_at


class PayBy(StrEnum):
    """On what the payer pays."""

    checkout = "checkout"
    link = "link"
    upi_qr = "upi_qr"


class AttemptStatus(StrEnum):
    """Where an attempt stands. The last four are ends; from each `captured` may still come."""

    created = "created"
    pending = "pending"
    unknown = "unknown"
    captured = "captured"
    failed = "failed"
    expired = "expired"
    cancelled = "cancelled"


class Step(StrEnum):
    """The named steps of the life."""

    open_page = "open_page"
    look_up = "look_up"
    take_money = "take_money"
    close_page = "close_page"
    end_page = "end_page"
    look_up_late = "look_up_late"


OPEN: Final = frozenset({AttemptStatus.created, AttemptStatus.pending, AttemptStatus.unknown})
# How long a page lives; a provider may make it shorter.
PAGE_LIVES: Final = timedelta(hours=1)
# Razorpay: a failed payment may be authorised for three days after it was made.
LATE_AUTHORISATION: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What the rows say of one attempt.

    `tries` counts answers "not now" of the step that is due, the last at `tried_at`.
    `unknown_since` is when an answer was lost, `look_ups` how often it was asked after since.
    `page_known`: the provider named the page. `asked_again_at` is when the payer came back.
    `close_asked_at`: the money came another way, or the payer chose another page.
    `money_waits_since`: a payment is authorised and not taken. `late_until` is how long money may
    still come after the end, where it may.
    """

    status: AttemptStatus
    created_at: datetime
    expires_at: datetime
    tries: int = 0
    tried_at: datetime | None = None
    unknown_since: datetime | None = None
    look_ups: int = 0
    looked_up_at: datetime | None = None
    asked_again_at: datetime | None = None
    page_known: bool = False
    close_asked_at: datetime | None = None
    money_waits_since: datetime | None = None
    late_until: datetime | None = None
    tasks_open: frozenset[str] = frozenset()


def plan(facts: AttemptFacts) -> list[NextAction]:
    """What comes next, nearest first; a step that waits for a person is left out."""
    actions = [action for action in _actions(facts) if action.what not in facts.tasks_open]
    return sorted(actions, key=lambda action: action.at)


def _actions(facts: AttemptFacts) -> list[NextAction]:
    if facts.money_waits_since is not None and facts.status is not AttemptStatus.captured:
        why = "a payment is authorised; it goes back by itself if nobody takes it"
        return [_action(again(facts, facts.money_waits_since), Step.take_money, why)]
    match facts.status:
        case AttemptStatus.created:
            return [_open(facts)]
        case AttemptStatus.unknown:
            return [_look_up(facts)]
        case AttemptStatus.pending:
            return [_see(facts), _end(facts)] if _is_asked_after(facts) else [_end(facts)]
        case AttemptStatus.captured:
            return []
        case AttemptStatus.failed | AttemptStatus.expired | AttemptStatus.cancelled:
            return _late(facts)


def _open(facts: AttemptFacts) -> NextAction:
    if facts.close_asked_at is not None:
        return _action(facts.close_asked_at, Step.close_page, "it is no longer wanted")
    when = again(facts, facts.created_at)
    if when >= facts.expires_at:
        return _action(facts.expires_at, Step.end_page, "the provider opened no page in time")
    return _action(when, Step.open_page, "the payer wants to pay")


def _look_up(facts: AttemptFacts) -> NextAction:
    assert facts.unknown_since is not None, "an unknown attempt is unknown since some instant"
    when = look_up_at(facts.unknown_since, facts.look_ups)
    if facts.asked_again_at is not None and _is_asked_after(facts):
        when = min(when, facts.asked_again_at)
    why = "the provider's answer was lost: ask what became of it, never ask again for the same"
    return _action(when, Step.look_up, why)


def _is_asked_after(facts: AttemptFacts) -> bool:
    """Somebody came back since the provider was asked last."""
    looked = facts.looked_up_at or facts.created_at
    return facts.asked_again_at is not None and facts.asked_again_at > looked


def _see(facts: AttemptFacts) -> NextAction:
    assert facts.asked_again_at is not None, "somebody asked"
    return _action(facts.asked_again_at, Step.look_up, "somebody asks whether it is paid")


def _end(facts: AttemptFacts) -> NextAction:
    if facts.close_asked_at is not None:
        why = "the money came another way, so nobody may pay here"
        return _action(again(facts, facts.close_asked_at), Step.close_page, why)
    when = again(facts, facts.expires_at + GRACE)
    return _action(when, Step.end_page, "nobody paid in the page's time")


def _late(facts: AttemptFacts) -> list[NextAction]:
    if facts.late_until is None or not facts.page_known:
        return []
    why = "a payment that failed may be authorised for three days"
    return [_action(again(facts, facts.late_until), Step.look_up_late, why)]


def _action(at: datetime, what: Step, why: str) -> NextAction:
    return NextAction(at, what, why, ("payer: pay", "admin: record a payment"))
