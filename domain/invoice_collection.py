"""Collect one issued invoice: remind, charge the late fee once, hand over, until it is paid.

Catch-up policy: reminders latest only, the late fee once, the hand-over once.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from domain.calendar import at_local, in_words, local_day
from domain.invoice import InvoiceStatus, InvoiceType
from domain.late_fee import LateFeeTerms, fee_day, late_fee
from domain.money import Money
from domain.next_action import NextAction

Rung: TypeAlias = int
DEFAULT_RUNGS: tuple[Rung, ...] = (-3, 0, 1, 7, 15)
TEN = time(10)

_RESIDENT = "resident: pays"
_ADMIN = "admin: pause, promise, dispute, write off, cancel"
_ADMIN_FEE = "admin: waive the fee, pause, promise, dispute, write off, cancel"
_ADMIN_PROMISE = "admin: change the promise, dispute, write off, cancel"


class Step(StrEnum):
    """The named steps of the life; steps due at one instant are taken in this order."""

    break_promise = "break_promise"
    charge_late_fee = "charge_late_fee"
    remind = "remind"
    hand_to_operator = "hand_to_operator"


_ORDER: dict[str, int] = {step.value: order for order, step in enumerate(Step)}


class Stage(StrEnum):
    """Where the collection stands, in one word."""

    draft = "draft"
    waiting = "waiting"
    due = "due"
    overdue = "overdue"
    promised = "promised"
    paused = "paused"
    disputed = "disputed"
    handed_over = "handed_over"
    paid = "paid"
    cancelled = "cancelled"
    written_off = "written_off"


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What the rows say about one invoice; amounts in minor units, rungs in days from due.

    `paused_until` is the day the pause ends; `promised_for` is empty again once a promise was
    broken; `tasks_open` names the steps an operator has to look at first.
    """

    status: str
    invoice_type: str
    balance_minor: int
    outstanding_without_fees_minor: int
    currency: str
    due: date
    issued_at: datetime
    zone: str
    reminders_enabled: bool
    rungs: tuple[Rung, ...]
    rungs_sent: frozenset[Rung]
    late_fee: LateFeeTerms
    fee_charged: bool
    fee_waived: bool
    paused_until: date | None
    promised_for: date | None
    disputed: bool
    parent_open: bool
    tasks_open: frozenset[str]
    handed_over: bool


def plan(facts: CollectionFacts, at: datetime) -> list[NextAction]:
    """What comes next, ordered by time; empty when nothing is owed or all is suspended.

    Of the reminders that are due only the newest is listed, and none that is older than one sent.
    A promise suspends everything else until it is kept or broken.
    """
    if not _collects(facts):
        return []
    if facts.promised_for is not None:
        actions = [_break_promise(facts, facts.promised_for)]
    else:
        actions = [*_late_fee(facts), *_reminders(facts, at), *_hand_over(facts)]
    actions = [action for action in actions if action.what not in facts.tasks_open]
    return sorted(actions, key=lambda action: (action.at, _ORDER[action.what]))


def due_rung(facts: CollectionFacts, at: datetime) -> Rung | None:
    """The rung a reminder taken now is for: the newest that is due; None when none is."""
    if not _collects(facts) or facts.promised_for is not None:
        return None
    times = _rung_times(facts, at)
    return max((rung for when, rung in times.items() if when <= at), default=None)


def stage(facts: CollectionFacts, at: datetime) -> Stage:
    """The one word for where it stands; a closed invoice outranks whatever was agreed about it."""
    if facts.status != InvoiceStatus.issued:
        return Stage(facts.status)
    if facts.balance_minor <= 0:
        return Stage.paid
    paused = facts.paused_until
    agreed = (
        (facts.disputed, Stage.disputed),
        (facts.promised_for is not None, Stage.promised),
        (paused is not None and at < at_local(paused, TEN, facts.zone), Stage.paused),
        (facts.handed_over, Stage.handed_over),
    )
    by_day = _by_day(facts.due, local_day(at, facts.zone))
    return next((word for holds, word in agreed if holds), by_day)


def _by_day(due: date, today: date) -> Stage:
    if today < due:
        return Stage.waiting
    return Stage.due if today == due else Stage.overdue


def derived_status(
    status: str,
    *,
    sent: bool,
    viewed: bool,
    total_minor: int,
    balance_minor: int,
    due: date,
    today: date,
) -> str:
    """What the API shows: instead of issued the latest of sent, viewed, partially_paid, overdue."""
    if status != InvoiceStatus.issued:
        return status
    if balance_minor > 0 and today > due:
        return "overdue"
    if 0 < balance_minor < total_minor:
        return "partially_paid"
    if viewed:
        return "viewed"
    return "sent" if sent else status


def _collects(facts: CollectionFacts) -> bool:
    """A penalty waits for its parent: one reminder speaks for both."""
    return (
        facts.status == InvoiceStatus.issued
        and facts.balance_minor > 0
        and not facts.disputed
        and not (facts.invoice_type == InvoiceType.penalty and facts.parent_open)
    )


def _not_before(facts: CollectionFacts, when: datetime) -> datetime:
    """Nothing happens before the invoice exists, nor before 10:00 of the day a pause ends."""
    when = max(when, facts.issued_at)
    if facts.paused_until is not None:
        when = max(when, at_local(facts.paused_until, TEN, facts.zone))
    return when


def _ten(facts: CollectionFacts, days_from_due: int) -> datetime:
    day = facts.due + timedelta(days=days_from_due)
    return _not_before(facts, at_local(day, TEN, facts.zone))


def _rung_times(facts: CollectionFacts, at: datetime) -> dict[datetime, Rung]:
    """When each rung still wanted is due: the future ones, and the newest of those due by now."""
    if not facts.reminders_enabled:
        return {}
    newest_sent = max(facts.rungs_sent, default=None)
    times: dict[datetime, Rung] = {}
    overdue: tuple[datetime, Rung] | None = None
    for rung in sorted(facts.rungs):
        if newest_sent is not None and rung <= newest_sent:
            continue
        when = _ten(facts, rung)
        if when <= at:
            overdue = (when, rung)
        else:
            times[when] = rung
    return times if overdue is None else {overdue[0]: overdue[1], **times}


def _reminders(facts: CollectionFacts, at: datetime) -> list[NextAction]:
    owed = _owed(facts)
    return [
        NextAction(when, Step.remind, f"{owed}; reminder {_distance(rung)}", (_RESIDENT, _ADMIN))
        for when, rung in _rung_times(facts, at).items()
    ]


def _late_fee(facts: CollectionFacts) -> list[NextAction]:
    if facts.fee_charged or facts.fee_waived or facts.invoice_type == InvoiceType.penalty:
        return []
    fee = late_fee(facts.late_fee, facts.outstanding_without_fees_minor)
    if fee == 0:
        return []
    grace = facts.late_fee.grace_days
    when = _ten(facts, (fee_day(facts.due, grace) - facts.due).days)
    amount = Money(fee, facts.currency).text
    why = f"{_owed(facts)}; late fee of {amount} after {_days(grace)} of grace"
    return [NextAction(when, Step.charge_late_fee, why, (_RESIDENT, _ADMIN_FEE))]


def _break_promise(facts: CollectionFacts, promised: date) -> NextAction:
    when = max(at_local(promised + timedelta(days=1), TEN, facts.zone), facts.issued_at)
    amount = Money(facts.balance_minor, facts.currency).text
    why = f"{amount} was promised for {in_words(promised)}; reminders wait until the day after"
    return NextAction(when, Step.break_promise, why, (_RESIDENT, _ADMIN_PROMISE))


def _hand_over(facts: CollectionFacts) -> list[NextAction]:
    if facts.handed_over:
        return []
    when = _ten(facts, max(0, *facts.rungs, 0) + 1)
    why = f"{_owed(facts)}; an operator takes over the day after the last reminder"
    return [NextAction(when, Step.hand_to_operator, why, (_RESIDENT, _ADMIN))]


def _owed(facts: CollectionFacts) -> str:
    return _owed_text(facts.balance_minor, facts.currency, facts.due)


@lru_cache(maxsize=4096)
def _owed_text(balance_minor: int, currency: str, due: date) -> str:
    return f"{Money(balance_minor, currency).text} is due on {in_words(due)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _distance(rung: Rung) -> str:
    if rung == 0:
        return "on the day"
    return f"{_days(abs(rung))} {'before' if rung < 0 else 'after'}"
