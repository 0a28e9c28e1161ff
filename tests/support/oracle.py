"""What a collection should do, by the pure rules alone: held against what the life then did."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.calendar import at_local, local_day
from domain.invoice_collection import TEN, CollectionFacts, Step, due_rung, plan
from tests.support.debt import RENT_MINOR, TERMS, Debt
from tests.support.house import INR, ZONE

Done = tuple[str, datetime]
FIRST_DAY, LAST_DAY = -8, 22


@dataclass(frozen=True, slots=True)
class Chance:
    """Something somebody tries at an hour; refused where it is illegal."""

    kind: str
    day: int
    hour: int
    days: int = 0

    def at(self, debt: Debt) -> datetime:
        """When it is tried."""
        return debt.after(self.day) + timedelta(hours=self.hour - 10)


def chances(seed: int) -> list[Chance]:
    """A few things that happen to one debt, in their order, never two at one hour."""
    dice = random.Random(seed)
    kinds = ("promise", "promise", "pause", "pause", "resume", "half", "waive", "all")
    hours = dice.sample(
        [(day, hour) for day in range(FIRST_DAY, LAST_DAY) for hour in (8, 11, 17)],
        dice.randint(1, 6),
    )
    return [
        Chance(dice.choice(kinds), day, hour, dice.randint(1, 8)) for day, hour in sorted(hours)
    ]


def facts_at_issue(debt: Debt, issued: datetime) -> CollectionFacts:
    """The facts of a debt on which nothing has happened."""
    return CollectionFacts(
        status="issued",
        invoice_type="rent",
        balance_minor=RENT_MINOR,
        outstanding_without_fees_minor=RENT_MINOR,
        currency=INR,
        due=debt.due,
        issued_at=issued,
        zone=ZONE,
        reminders_enabled=TERMS.reminders,
        rungs=TERMS.rungs,
        rungs_sent=frozenset(),
        late_fee=TERMS.fee,
        fee_charged=False,
        fee_waived=False,
        paused_until=None,
        promised_for=None,
        disputed=False,
        parent_open=False,
        tasks_open=frozenset(),
        handed_over=False,
    )


def foretold(debt: Debt, issued: datetime, happening: Sequence[Chance]) -> list[Done]:
    """Every step, and when it is taken, if everything that is legal happens."""
    facts, now = facts_at_issue(debt, issued), issued
    done: list[Done] = []
    for chance in [*happening, None]:
        until = None if chance is None else chance.at(debt)
        while actions := plan(facts, now):
            at = max(now, actions[0].at)
            if until is not None and at > until:
                break
            done.append((actions[0].what, at))
            facts, now = _taken(facts, actions[0].what, at), at
        if chance is not None and until is not None:
            facts = _changed(facts, chance, until) if facts.status == "issued" else facts
            now = until
    return done


def _taken(facts: CollectionFacts, what: str, at: datetime) -> CollectionFacts:
    match what:
        case Step.remind:
            rung = due_rung(facts, at)
            assert rung is not None
            return replace(facts, rungs_sent=facts.rungs_sent | {rung})
        case Step.charge_late_fee:
            return replace(facts, fee_charged=True)
        case Step.break_promise:
            return replace(facts, promised_for=None)
        case _:
            return replace(facts, handed_over=True)


def _changed(facts: CollectionFacts, chance: Chance, at: datetime) -> CollectionFacts:
    day = local_day(at, ZONE) + timedelta(days=chance.days)
    match chance.kind:
        case "promise":
            return replace(facts, promised_for=day)
        case "pause":
            return replace(facts, paused_until=day)
        case "resume":
            return _resumed(facts, at)
        case "waive":
            return replace(facts, fee_waived=True)
        case "half":
            return _owing(facts, facts.balance_minor - facts.balance_minor // 2)
        case _:
            return _owing(facts, 0)


def _resumed(facts: CollectionFacts, at: datetime) -> CollectionFacts:
    until = facts.paused_until
    paused = until is not None and at < at_local(until, TEN, ZONE)
    if not paused and facts.promised_for is None:
        return facts
    return replace(facts, paused_until=None, promised_for=None)


def _owing(facts: CollectionFacts, minor: int) -> CollectionFacts:
    status = facts.status if minor else "paid"
    handed_over = facts.handed_over and status == "issued"
    return replace(
        facts,
        status=status,
        balance_minor=minor,
        outstanding_without_fees_minor=minor,
        handed_over=handed_over,
    )
