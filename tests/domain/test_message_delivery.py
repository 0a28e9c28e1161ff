"""Delivering a message: receipts in any order, quiet nights, and a ladder with an end."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.message_delivery import (
    LADDER,
    DeliveryState,
    Step,
    advance,
    after_failed_try,
    next_sms_time,
    plan,
    retry_at,
    sms_may_leave,
)
from tests.domain.samples import INDIA, QUEUED_MAIL, in_india

STATES = list(DeliveryState)


def test_receipts_end_in_one_state_whatever_their_order() -> None:
    reports = [
        DeliveryState.sent,
        DeliveryState.failed,
        DeliveryState.delivered,
        DeliveryState.read,
    ]
    for order in permutations(reports):
        state = DeliveryState.processing
        for report in order:
            state = advance(state, report)
        assert state is DeliveryState.read


@given(st.sampled_from(STATES), st.lists(st.sampled_from(STATES)))
def test_a_state_never_moves_back_and_repeats_change_nothing(
    state: DeliveryState, reports: list[DeliveryState]
) -> None:
    for report in reports:
        after = advance(state, report)
        assert advance(after, report) is after
        assert advance(after, state) is after
        state = after


@pytest.mark.parametrize(
    ("at", "leaves"),
    [
        (in_india(5, 8, 59), in_india(5, 9)),
        (in_india(5, 9), in_india(5, 9)),
        (in_india(5, 20, 59), in_india(5, 20, 59)),
        (in_india(5, 21), in_india(6, 9)),
        (in_india(5, 0), in_india(5, 9)),
    ],
)
def test_no_text_message_leaves_between_nine_and_nine(at: datetime, leaves: datetime) -> None:
    assert next_sms_time(at, INDIA) == leaves
    assert sms_may_leave(leaves, INDIA)
    assert sms_may_leave(at, INDIA) == (at == leaves)


def test_the_ladder_of_tries_has_an_end() -> None:
    first = in_india(5)
    assert [retry_at(tries, first) for tries in range(1, 7)] == [first + wait for wait in LADDER]
    assert retry_at(7, first) is None
    assert retry_at(0, first) is None
    assert after_failed_try(6) is DeliveryState.pending
    assert after_failed_try(7) is DeliveryState.failed


def test_a_message_is_tried_again_when_its_turn_comes() -> None:
    (action,) = plan(QUEUED_MAIL, in_india(5))
    assert (action.what, action.at) == (Step.deliver, in_india(5, 10, 1))
    assert action.why == "try 2 of 7 on 5 October 2026: the last one did not settle it"


def test_a_message_never_tried_leaves_at_once() -> None:
    fresh = replace(QUEUED_MAIL, tries=0, last_try_at=None)
    assert [action.at for action in plan(fresh, in_india(9))] == [QUEUED_MAIL.queued_at]


@pytest.mark.parametrize(
    ("tried", "now", "leaves"),
    [
        (in_india(5, 20, 59), in_india(5, 20, 59), in_india(6, 9)),
        (in_india(5, 20, 50), in_india(5, 22), in_india(6, 9)),
        (in_india(5, 20, 50), in_india(6, 10), in_india(5, 20, 51)),
        (in_india(5, 12), in_india(5, 12), in_india(5, 12, 1)),
    ],
)
def test_a_text_message_keeps_the_quiet_hours(
    tried: datetime, now: datetime, leaves: datetime
) -> None:
    text = replace(QUEUED_MAIL, channels=frozenset({"sms"}), last_try_at=tried)
    assert [action.at for action in plan(text, now)] == [leaves]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": DeliveryState.sent},
        {"state": DeliveryState.cancelled},
        {"wanted": False},
        {"channels": frozenset[str]()},
        {"tries": 7},
        {"tasks_open": frozenset({"deliver"})},
    ],
)
def test_a_message_that_is_settled_or_unwanted_is_left_alone(changes: dict[str, object]) -> None:
    facts = replace(QUEUED_MAIL, **changes)  # pyright: ignore[reportArgumentType]
    assert plan(facts, in_india(9)) == []


@given(st.sampled_from([frozenset({"sms"}), frozenset({"mail"}), frozenset({"sms", "mail"})]))
def test_failing_for_ever_ends_after_seven_tries(channels: frozenset[str]) -> None:
    facts, at = replace(QUEUED_MAIL, tries=0, last_try_at=None, channels=channels), in_india(5, 22)
    while actions := plan(facts, at):
        at = max(at, actions[0].at) + timedelta(seconds=1)
        tries = facts.tries + 1
        facts = replace(facts, tries=tries, last_try_at=at, state=after_failed_try(tries))
    assert (facts.tries, facts.state) == (7, DeliveryState.failed)
