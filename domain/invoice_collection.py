"""Collect one issued invoice: remind, charge the late fee once, hand over, until it is paid.

Catch-up policy: reminders latest only, each part of the late fee once, the hand-over once.

What was agreed comes before the usual course, in this order: while an invoice is disputed nothing
happens; a promise suspends everything until it is kept or broken; instalments replace the usual
reminders by their own and suspend the rest until one is missed; a pause moves whatever is planned,
a missed instalment too, to the morning it ends. What is paid while something is agreed and kept
costs no more fee; once broken or ended, the fee is as if nothing had been agreed.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from domain.calendar import at_local, in_words, local_day
from domain.collection_facts import DEFAULT_RUNGS, CollectionFacts, DueReminder, Rung
from domain.instalments import OpenPart, open_parts
from domain.invoice import InvoiceStatus, InvoiceType
from domain.late_fee import (
    DailyFee,
    Owed,
    Settled,
    daily_fee,
    fee_day,
    flat_fee,
    last_daily_day,
    late_days,
)
from domain.money import Money
from domain.next_action import NextAction

__all__ = [
    "DEFAULT_RUNGS",
    "TEN",
    "CollectionFacts",
    "DueReminder",
    "Rung",
    "Stage",
    "Step",
    "daily_fee_due",
    "daily_fee_with",
    "derived_status",
    "due_reminder",
    "due_rung",
    "flat_fee_due",
    "plan",
    "stage",
]

TEN = time(10)

_RESIDENT = "resident: pays"
_ADMIN = "admin: pause, promise, dispute, write off, cancel"
_ADMIN_FEE = "admin: waive the fee, pause, promise, dispute, write off, cancel"
_ADMIN_INSTALMENTS = "admin: agree on other instalments or cancel them, pause, dispute, write off"
_ADMIN_PROMISE = "admin: change the promise, dispute, write off, cancel"


class Step(StrEnum):
    """The named steps of the life; steps due at one instant are taken in this order."""

    break_promise = "break_promise"
    break_instalments = "break_instalments"
    charge_late_fee = "charge_late_fee"
    charge_daily_fee = "charge_daily_fee"
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
    instalments = "instalments"
    paused = "paused"
    disputed = "disputed"
    handed_over = "handed_over"
    paid = "paid"
    cancelled = "cancelled"
    written_off = "written_off"


def plan(facts: CollectionFacts, at: datetime) -> list[NextAction]:
    """What comes next, ordered by time; empty when nothing is owed or all is suspended.

    Of the reminders that are due only the newest is listed, and none that is older than one sent.
    """
    if not _collects(facts):
        return []
    if facts.promised_for is not None:
        actions = [_break_promise(facts, facts.promised_for)]
    elif facts.instalments:
        actions = [*_break_instalments(facts), *_reminders(facts, at)]
    else:
        fees = (*_late_fee(facts), *_daily_fee(facts))
        actions = [*fees, *_reminders(facts, at), *_hand_over(facts)]
    actions = [action for action in actions if action.what not in facts.tasks_open]
    return sorted(actions, key=lambda action: (action.at, _ORDER[action.what]))


def due_rung(facts: CollectionFacts, at: datetime) -> Rung | None:
    """The rung a reminder taken now is for: the newest that is due; None when none is."""
    due = due_reminder(facts, at)
    return None if due is None else due.rung


def due_reminder(facts: CollectionFacts, at: datetime) -> DueReminder | None:
    """The same, with the instalment it speaks of where the invoice is paid in parts."""
    if not _collects(facts) or facts.promised_for is not None:
        return None
    due = [(when, reminder) for when, reminder in _wanted(facts, at).items() if when <= at]
    return max(due, key=lambda one: one[0])[1] if due else None


def flat_fee_due(facts: CollectionFacts) -> int:
    """The flat part in minor units, if it were charged as the facts stand; 0 when it never is."""
    if facts.fee_charged or facts.fee_waived or facts.invoice_type == InvoiceType.penalty:
        return 0
    owed = Owed(
        facts.outstanding_without_fees_minor, facts.recurring_minor, facts.outstanding_fees_minor
    )
    return flat_fee(facts.late_fee, owed, facts.fees_of_month_minor)


def daily_fee_due(facts: CollectionFacts) -> DailyFee:
    """The per-day part, if nothing more is paid: every late day to the last that counts.

    A flat part that is still to come takes its share of the cap first.
    """
    if not _runs_daily(facts):
        return DailyFee()
    last = last_daily_day(facts.due, facts.late_fee.grace_days)
    days = late_days(facts.late_fee, facts.due, facts.balance_minor, facts.settled, last)
    already = facts.fees_of_month_minor + flat_fee_due(facts)
    return DailyFee(days, daily_fee(facts.late_fee, days, already))


def daily_fee_with(facts: CollectionFacts, coming: Sequence[Settled], at: datetime) -> DailyFee:
    """The per-day part that money about to be booked brings with it, when it settles the invoice.

    The days count up to the day the money was paid. Nothing before 10:00 of the fee day, nor
    while a promise, instalments or a pause are kept.
    """
    left = facts.balance_minor - sum(one.minor for one in coming)
    if left > 0 or not _collects(facts) or not _runs_daily(facts) or _is_agreed(facts, at):
        return DailyFee()
    first = fee_day(facts.due, facts.late_fee.grace_days)
    if at < _ten(facts, (first - facts.due).days):
        return DailyFee()
    settled, today = [*facts.settled, *coming], local_day(at, facts.zone)
    days = late_days(facts.late_fee, facts.due, left, settled, today)
    return DailyFee(days, daily_fee(facts.late_fee, days, facts.fees_of_month_minor))


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
        (bool(facts.instalments), Stage.instalments),
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
    """Nothing happens before the invoice exists, nor before 10:00 of the day a pause ends.

    Who has just paid the rent is not asked for its fee before 10:00 of the next day.
    """
    when = max(when, facts.issued_at)
    if facts.parent_paid_at is not None:
        paid_on = local_day(facts.parent_paid_at, facts.zone)
        when = max(when, at_local(paid_on + timedelta(days=1), TEN, facts.zone))
    if facts.paused_until is not None:
        when = max(when, at_local(facts.paused_until, TEN, facts.zone))
    return when


def _ten(facts: CollectionFacts, days_from_due: int) -> datetime:
    day = facts.due + timedelta(days=days_from_due)
    return _not_before(facts, at_local(day, TEN, facts.zone))


def _wanted(facts: CollectionFacts, at: datetime) -> dict[datetime, DueReminder]:
    """When each reminder still wanted is due: the future ones, and the newest of those due by now.

    An instalment has the rungs up to its own day; the day after, it is paid or missed.
    """
    if not facts.reminders_enabled:
        return {}
    times: dict[datetime, DueReminder] = {}
    due: tuple[datetime, DueReminder] | None = None
    for day, reminder in _ladder(facts, at):
        when = _not_before(facts, at_local(day, TEN, facts.zone))
        if when > at:
            times[when] = reminder
        elif due is None or when >= due[0]:
            due = (when, reminder)
    return times if due is None else {due[0]: due[1], **times}


def _ladder(facts: CollectionFacts, at: datetime) -> list[tuple[date, DueReminder]]:
    """The rungs above the newest climbed, by day; of instalments those since they were agreed."""
    if not facts.instalments:
        newest = max(facts.rungs_sent, default=None)
        return [
            (facts.due + timedelta(days=rung), DueReminder(rung))
            for rung in sorted(facts.rungs)
            if newest is None or rung > newest
        ]
    parts = open_parts(facts.instalments, facts.balance_minor)
    if parts and _missed_at(facts, parts[0]) <= at:
        return []
    ladder = [
        (one.part.due + timedelta(days=rung), DueReminder(rung, one))
        for one in parts
        for rung in facts.rungs
        if rung <= 0
        and all(rung > sent for sent in one.part.rungs_sent)
        and at_local(one.part.due + timedelta(days=rung), TEN, facts.zone) > one.part.agreed_at
    ]
    return sorted(ladder, key=lambda rung: rung[0])


def _reminders(facts: CollectionFacts, at: datetime) -> list[NextAction]:
    return [
        NextAction(
            when,
            Step.remind,
            f"{_asked(facts, wanted)}; reminder {_distance(wanted.rung)}",
            (_RESIDENT, _ADMIN),
        )
        for when, wanted in _wanted(facts, at).items()
    ]


def _asked(facts: CollectionFacts, wanted: DueReminder) -> str:
    return _owed(facts) if wanted.part is None else _owed_of(facts, wanted.part)


def _late_fee(facts: CollectionFacts) -> list[NextAction]:
    fee = flat_fee_due(facts)
    if fee == 0:
        return []
    grace = facts.late_fee.grace_days
    when = _ten(facts, (fee_day(facts.due, grace) - facts.due).days)
    amount = Money(fee, facts.currency).text
    why = f"{_owed(facts)}; late fee of {amount} after {_days(grace)} of grace"
    return [NextAction(when, Step.charge_late_fee, why, (_RESIDENT, _ADMIN_FEE))]


def _daily_fee(facts: CollectionFacts) -> list[NextAction]:
    fee = daily_fee_due(facts)
    if fee.minor == 0:
        return []
    terms = facts.late_fee
    when = _ten(facts, (last_daily_day(facts.due, terms.grace_days) - facts.due).days)
    amount, daily = (Money(m, facts.currency).text for m in (fee.minor, terms.per_day_minor))
    since = in_words(fee_day(facts.due, terms.grace_days))
    why = f"{_owed(facts)}; {daily} for each late day from {since}, {amount} unless paid sooner"
    return [NextAction(when, Step.charge_daily_fee, why, (_RESIDENT, _ADMIN_FEE))]


def _runs_daily(facts: CollectionFacts) -> bool:
    """A part for each day was agreed and is still to be charged."""
    return (
        facts.late_fee.enabled
        and facts.late_fee.per_day_minor > 0
        and not facts.daily_fee_charged
        and not facts.fee_waived
        and facts.invoice_type != InvoiceType.penalty
    )


def _is_agreed(facts: CollectionFacts, at: datetime) -> bool:
    """Something was agreed that is kept at this instant, whether or not the life has looked."""
    if facts.paused_until is not None and at < at_local(facts.paused_until, TEN, facts.zone):
        return True
    if facts.promised_for is not None:
        return at < _day_after(facts, facts.promised_for)
    parts = open_parts(facts.instalments, facts.balance_minor) if facts.instalments else []
    return bool(parts) and at < _missed_at(facts, parts[0])


def _day_after(facts: CollectionFacts, day: date) -> datetime:
    """10:00 of the day after one on which money was to come."""
    return max(at_local(day + timedelta(days=1), TEN, facts.zone), facts.issued_at)


def _missed_at(facts: CollectionFacts, one: OpenPart) -> datetime:
    """When a part that stays open is missed; a pause puts it off."""
    return _not_before(facts, _day_after(facts, one.part.due))


def _break_instalments(facts: CollectionFacts) -> list[NextAction]:
    """One entry for each open part: unless it is paid by then, the instalments are broken."""
    return [
        NextAction(
            _missed_at(facts, one),
            Step.break_instalments,
            f"{_owed_of(facts, one)}; unpaid by then, collection goes on as usual",
            (_RESIDENT, _ADMIN_INSTALMENTS),
        )
        for one in open_parts(facts.instalments, facts.balance_minor)
    ]


def _break_promise(facts: CollectionFacts, promised: date) -> NextAction:
    when = _day_after(facts, promised)
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


def _owed_of(facts: CollectionFacts, one: OpenPart) -> str:
    amount = Money(one.open_minor, facts.currency).text
    day = in_words(one.part.due)
    return f"{amount} is due on {day}, instalment {one.number} of {one.of}"


@lru_cache(maxsize=4096)
def _owed_text(balance_minor: int, currency: str, due: date) -> str:
    return f"{Money(balance_minor, currency).text} is due on {in_words(due)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _distance(rung: Rung) -> str:
    if rung == 0:
        return "on the day"
    return f"{_days(abs(rung))} {'before' if rung < 0 else 'after'}"
