"""A card a resident leaves for later payments, at a provider: known here by its last digits.

Nothing is paid by saving one. So the life of a method exists for what is uncertain: a page that is
not open yet, an answer that was lost, a card that was left there without anybody telling us, and a
card that must be forgotten at the provider.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.next_action import NextAction
from domain.provider_patience import GRACE, again, look_up_at


class MethodKind(StrEnum):
    """What is saved."""

    card = "card"


class MethodStatus(StrEnum):
    """Where a saved method stands. `expired` is a page on which nobody left a card in its time."""

    created = "created"
    pending = "pending"
    active = "active"
    failed = "failed"
    expired = "expired"
    removing = "removing"
    removed = "removed"


class Step(StrEnum):
    """The named steps of the life."""

    open_setup_page = "open_setup_page"
    look_up_card = "look_up_card"
    end_setup_page = "end_setup_page"
    detach = "detach"


BEGUN: Final = frozenset({MethodStatus.created, MethodStatus.pending})
ENDED: Final = frozenset({MethodStatus.failed, MethodStatus.expired, MethodStatus.removed})
# How long the page lives: whoever is handed its address may be at work.
PAGE_LIVES: Final = timedelta(hours=12)
# An open page is looked at by ourselves as well: the provider's word may be lost.
SEE_AFTER: Final = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card at a provider, known to people by brand and last digits; its number is nowhere."""

    provider_id: str
    brand: str
    last4: str | None = None
    expiry_month: int | None = None
    expiry_year: int | None = None


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What the rows say of one method.

    `tries` counts answers "not now" of the step that is due, the last at `tried_at`.
    `unknown_since` is when an answer was lost, `look_ups` how often it was asked after since, or
    how often an open page was looked at. `asked_at`: somebody, or an event, asks how it stands and
    was not answered yet. `page_known` and `card_known`: the provider named them.
    """

    status: MethodStatus
    created_at: datetime
    expires_at: datetime
    tries: int = 0
    tried_at: datetime | None = None
    unknown_since: datetime | None = None
    look_ups: int = 0
    asked_at: datetime | None = None
    opened_at: datetime | None = None
    page_known: bool = False
    card_known: bool = False
    remove_asked_at: datetime | None = None
    tasks_open: frozenset[str] = frozenset()


def plan(facts: MethodFacts) -> list[NextAction]:
    """What comes next, nearest first; a step that waits for a person is left out."""
    actions = [action for action in _actions(facts) if action.what not in facts.tasks_open]
    return sorted(actions, key=lambda action: action.at)


def good_through(month: int, year: int, today: date) -> bool:
    """Whether a card may still be used: to the end of the month that stands on it."""
    return (today.year, today.month) <= (year, month)


def _actions(facts: MethodFacts) -> list[NextAction]:
    match facts.status:
        case MethodStatus.created:
            return [_open(facts) if facts.unknown_since is None else _look_up(facts)]
        case MethodStatus.pending:
            return [*_seen(facts), _end(facts)]
        case MethodStatus.active:
            return _asked(facts)
        case MethodStatus.removing:
            return [_remove(facts)]
        case MethodStatus.failed | MethodStatus.expired | MethodStatus.removed:
            return []


def _open(facts: MethodFacts) -> NextAction:
    when = again(facts, facts.created_at)
    if when >= facts.expires_at:
        return _action(facts.expires_at, Step.end_setup_page, "the provider opened no page in time")
    return _action(when, Step.open_setup_page, "the resident wants to leave a card")


def _look_up(facts: MethodFacts) -> NextAction:
    assert facts.unknown_since is not None, "asked only of what is unknown since some instant"
    when = look_up_at(facts.unknown_since, facts.look_ups)
    if facts.asked_at is not None:
        when = min(when, facts.asked_at)
    why = "the provider's answer was lost: ask what became of it, never ask again for the same"
    return _action(when, Step.look_up_card, why)


def _asked(facts: MethodFacts) -> list[NextAction]:
    if facts.asked_at is None:
        return []
    why = "the provider has news of it"
    return [_action(again(facts, facts.asked_at), Step.look_up_card, why)]


def _seen(facts: MethodFacts) -> list[NextAction]:
    if asked := _asked(facts):
        return asked
    if facts.opened_at is None or facts.look_ups >= len(SEE_AFTER):
        return []
    when = facts.opened_at + SEE_AFTER[facts.look_ups]
    if when >= facts.expires_at:
        return []
    why = "the provider may have told us and not been heard"
    return [_action(again(facts, when), Step.look_up_card, why)]


def _end(facts: MethodFacts) -> NextAction:
    when = again(facts, facts.expires_at + GRACE)
    return _action(when, Step.end_setup_page, "nobody left a card in the page's time")


def _remove(facts: MethodFacts) -> NextAction:
    assert facts.remove_asked_at is not None, "it is removed because somebody asked"
    if facts.card_known:
        why = "the card is no longer wanted, so the provider must forget it"
        return _action(again(facts, facts.remove_asked_at), Step.detach, why)
    if facts.page_known:
        why = "the card is no longer wanted, so nobody may leave it"
        return _action(again(facts, facts.remove_asked_at), Step.end_setup_page, why)
    return _look_up(facts)


def _action(at: datetime, what: Step, why: str) -> NextAction:
    return NextAction(at, what, why, ("resident: leave a card", "admin: remove it"))
