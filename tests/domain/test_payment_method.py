"""What is planned for a card that is saved: opened, looked after, ended, forgotten, never twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payment_method import (
    ENDED,
    PAGE_LIVES,
    SEE_AFTER,
    MethodFacts,
    MethodStatus,
    Step,
    good_through,
    plan,
)
from domain.provider_patience import GRACE, LOOK_UP_AFTER, TRY_AGAIN, handed_over

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
ENDS = NOW + PAGE_LIVES
ASKED = MethodFacts(MethodStatus.created, NOW, ENDS)
LOST = replace(ASKED, unknown_since=NOW)
OPEN = replace(ASKED, status=MethodStatus.pending, opened_at=NOW, page_known=True)
KEPT = replace(OPEN, status=MethodStatus.active, card_known=True)
UNWANTED = replace(OPEN, status=MethodStatus.removing, remove_asked_at=NOW + timedelta(hours=1))


def first(facts: MethodFacts) -> tuple[str, datetime] | None:
    actions = plan(facts)
    return (actions[0].what, actions[0].at) if actions else None


def test_a_page_that_is_asked_for_is_opened_at_once() -> None:
    assert first(ASKED) == (Step.open_setup_page, NOW)


@pytest.mark.parametrize(
    ("tries", "after"), [(1, TRY_AGAIN[0]), (4, TRY_AGAIN[3]), (9, TRY_AGAIN[3])]
)
def test_a_provider_that_says_later_is_asked_later(tries: int, after: timedelta) -> None:
    tried = NOW + timedelta(minutes=30)
    facts = replace(ASKED, tries=tries, tried_at=tried)
    assert first(facts) == (Step.open_setup_page, tried + after)


def test_a_page_nobody_opened_in_its_time_ends() -> None:
    facts = replace(ASKED, tries=50, tried_at=ENDS - timedelta(seconds=1))
    assert first(facts) == (Step.end_setup_page, ENDS)


@pytest.mark.parametrize("looked", [0, 1, 2])
def test_a_lost_answer_is_looked_up_and_never_asked_for_again(looked: int) -> None:
    facts = replace(LOST, look_ups=looked)
    assert first(facts) == (Step.look_up_card, NOW + LOOK_UP_AFTER[looked])
    assert not handed_over(facts.unknown_since, facts.look_ups)
    assert {action.what for action in plan(facts)} == {Step.look_up_card}


def test_after_a_day_a_person_finds_out() -> None:
    facts = replace(LOST, look_ups=3)
    assert handed_over(facts.unknown_since, facts.look_ups)
    assert plan(replace(facts, tasks_open=frozenset({Step.look_up_card}))) == []


def test_who_asks_again_is_answered_at_once() -> None:
    at = NOW + timedelta(minutes=1)
    for facts in (LOST, OPEN, KEPT):
        assert first(replace(facts, asked_at=at)) == (Step.look_up_card, at)


@pytest.mark.parametrize("looked", range(len(SEE_AFTER)))
def test_an_open_page_is_looked_at_by_ourselves(looked: int) -> None:
    """The provider's word may be lost."""
    assert first(replace(OPEN, look_ups=looked)) == (Step.look_up_card, NOW + SEE_AFTER[looked])


def test_a_page_ends_when_its_time_and_a_grace_are_over() -> None:
    assert first(replace(OPEN, look_ups=9)) == (Step.end_setup_page, ENDS + GRACE)
    short = replace(OPEN, expires_at=NOW + timedelta(minutes=4))
    assert first(short) == (Step.end_setup_page, NOW + timedelta(minutes=4) + GRACE)


def test_a_card_that_is_kept_waits_for_nothing() -> None:
    assert plan(KEPT) == []


def test_what_is_unwanted_is_forgotten_by_what_is_known_of_it() -> None:
    asked = UNWANTED.remove_asked_at
    assert first(UNWANTED) == (Step.end_setup_page, asked)
    assert first(replace(UNWANTED, card_known=True)) == (Step.detach, asked)
    unknown = replace(UNWANTED, page_known=False, unknown_since=NOW, asked_at=asked)
    assert first(unknown) == (Step.look_up_card, NOW + LOOK_UP_AFTER[0])


@pytest.mark.parametrize("status", sorted(ENDED))
def test_what_has_ended_waits_for_nothing(status: MethodStatus) -> None:
    assert plan(replace(OPEN, status=status, asked_at=NOW)) == []


@pytest.mark.parametrize(
    ("today", "good"),
    [(date(2026, 11, 30), True), (date(2026, 12, 1), False), (date(2025, 12, 31), True)],
)
def test_a_card_is_good_to_the_end_of_its_month(today: date, *, good: bool) -> None:
    assert good_through(11, 2026, today) is good


moments = st.integers(0, 10_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
known_facts = st.builds(
    MethodFacts,
    status=st.sampled_from(MethodStatus),
    created_at=moments,
    expires_at=moments,
    tries=st.integers(0, 9),
    tried_at=st.none() | moments,
    unknown_since=moments,
    look_ups=st.integers(0, 9),
    asked_at=st.none() | moments,
    opened_at=st.none() | moments,
    page_known=st.booleans(),
    card_known=st.booleans(),
    remove_asked_at=moments,
    tasks_open=st.frozensets(st.sampled_from(Step)),
)


@given(known_facts)
def test_whatever_the_rows_say_the_plan_is_in_order_and_leaves_out_what_waits_for_a_person(
    facts: MethodFacts,
) -> None:
    actions = plan(facts)
    assert [action.at for action in actions] == sorted(action.at for action in actions)
    assert not {action.what for action in actions} & facts.tasks_open
    assert {action.what for action in actions} <= set(Step)
    if facts.status in ENDED:
        assert actions == []
    if facts.unknown_since is not None:
        assert Step.open_setup_page not in {action.what for action in actions}
