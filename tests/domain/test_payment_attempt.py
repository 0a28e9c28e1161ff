"""What comes next for a try to be paid, from facts alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payment_attempt import (
    LATE_AUTHORISATION,
    PAGE_LIVES,
    AttemptFacts,
    AttemptStatus,
    Step,
    plan,
)
from domain.provider_patience import GRACE, LOOK_UP_AFTER, TRY_AGAIN, handed_over

NOW = datetime(2026, 10, 10, 4, 30, tzinfo=UTC)
CREATED = AttemptFacts(AttemptStatus.created, NOW, NOW + PAGE_LIVES)
PENDING = replace(CREATED, status=AttemptStatus.pending, page_known=True)
UNKNOWN = replace(CREATED, status=AttemptStatus.unknown, unknown_since=NOW)


def first(facts: AttemptFacts) -> tuple[str, timedelta] | None:
    """What is planned first, and how long after it was asked for."""
    actions = plan(facts)
    return (actions[0].what, actions[0].at - NOW) if actions else None


def test_a_page_is_asked_for_at_once_and_ended_in_its_time() -> None:
    assert first(CREATED) == (Step.open_page, timedelta())
    assert first(PENDING) == (Step.end_page, PAGE_LIVES + GRACE)
    assert first(replace(PENDING, status=AttemptStatus.captured)) is None


@pytest.mark.parametrize("tries", range(1, 7))
def test_who_says_later_is_asked_later_and_not_for_ever(tries: int) -> None:
    wait = TRY_AGAIN[min(tries, len(TRY_AGAIN)) - 1]
    assert first(replace(CREATED, tries=tries, tried_at=NOW)) == (Step.open_page, wait)
    late = replace(CREATED, tries=tries, tried_at=CREATED.expires_at)
    assert first(late) == (Step.end_page, PAGE_LIVES)


def test_a_lost_answer_is_looked_up_by_a_ladder_and_then_by_a_person() -> None:
    for look_ups, wait in enumerate(LOOK_UP_AFTER):
        facts = replace(UNKNOWN, look_ups=look_ups)
        assert first(facts) == (Step.look_up, wait)
        assert not handed_over(facts.unknown_since, look_ups)
    assert handed_over(UNKNOWN.unknown_since, len(LOOK_UP_AFTER))
    assert first(replace(UNKNOWN, tasks_open=frozenset({Step.look_up}))) is None


def test_who_comes_back_is_not_kept_waiting() -> None:
    back = NOW + timedelta(seconds=20)
    assert first(replace(UNKNOWN, asked_again_at=back)) == (Step.look_up, back - NOW)
    looked = replace(UNKNOWN, asked_again_at=back, looked_up_at=back, look_ups=1)
    assert first(looked) == (Step.look_up, LOOK_UP_AFTER[1])
    assert first(replace(PENDING, asked_again_at=back)) == (Step.look_up, back - NOW)


def test_a_page_nobody_needs_is_closed_at_once() -> None:
    soon = NOW + timedelta(minutes=1)
    for facts in (CREATED, PENDING):
        closing = replace(facts, close_asked_at=soon)
        assert first(closing) == (Step.close_page, soon - NOW)


def test_money_that_waits_comes_before_everything() -> None:
    for status in AttemptStatus:
        facts = replace(PENDING, status=status, unknown_since=NOW, money_waits_since=NOW)
        wanted = None if status is AttemptStatus.captured else (Step.take_money, timedelta())
        assert first(facts) == wanted


def test_what_may_come_late_is_looked_for_once_more() -> None:
    until = CREATED.expires_at + LATE_AUTHORISATION
    for status in (AttemptStatus.expired, AttemptStatus.failed, AttemptStatus.cancelled):
        ended = replace(PENDING, status=status, late_until=until)
        assert first(ended) == (Step.look_up_late, until - NOW)
        assert first(replace(ended, page_known=False)) is None
        assert first(replace(ended, late_until=None)) is None


@given(
    status=st.sampled_from(AttemptStatus),
    tries=st.integers(0, 9),
    look_ups=st.integers(0, 5),
    close=st.booleans(),
    waits=st.booleans(),
    late=st.booleans(),
)
def test_only_an_end_plans_nothing(
    *, status: AttemptStatus, tries: int, look_ups: int, close: bool, waits: bool, late: bool
) -> None:
    """Whatever happened: while anything is uncertain there is a step, and it has a reason."""
    facts = replace(
        PENDING,
        status=status,
        tries=tries,
        tried_at=NOW if tries else None,
        unknown_since=NOW if status is AttemptStatus.unknown else None,
        look_ups=look_ups,
        close_asked_at=NOW if close else None,
        money_waits_since=NOW if waits else None,
        late_until=NOW + LATE_AUTHORISATION if late else None,
    )
    uncertain = status in {AttemptStatus.created, AttemptStatus.pending, AttemptStatus.unknown}
    waiting = status is not AttemptStatus.captured and (waits or late)
    actions = plan(facts)
    assert bool(actions) == (uncertain or waiting)
    assert all(action.why and action.what in set(Step) for action in actions)
    assert actions == sorted(actions, key=lambda action: action.at)
