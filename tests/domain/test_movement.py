"""How far a payment has come, in whatever order its provider tells of it."""

from itertools import permutations, product

import pytest

from domain.movement import MovementState, advance, furthest

PENDING, FAILED, AUTHORIZED, CAPTURED = MovementState


@pytest.mark.parametrize(("current", "reported"), list(product(MovementState, repeat=2)))
def test_of_two_states_the_order_in_which_they_are_heard_does_not_matter(
    current: MovementState, reported: MovementState
) -> None:
    assert advance(current, reported) is advance(reported, current)
    assert advance(current, current) is current


@pytest.mark.parametrize("told", list(permutations([FAILED, AUTHORIZED, CAPTURED, PENDING])))
def test_what_was_captured_is_captured_whatever_else_is_told(told: list[MovementState]) -> None:
    assert furthest(told) is CAPTURED


def test_a_failure_is_no_end() -> None:
    assert advance(FAILED, AUTHORIZED) is AUTHORIZED
    assert advance(AUTHORIZED, FAILED) is AUTHORIZED
    assert furthest([]) is PENDING
