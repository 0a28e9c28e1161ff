"""How far a payment has come, whatever the order in which its provider tells of it.

Events are delivered at least once and in no order, and a payment that failed may be authorised up
to three days later (razorpay.com/docs/payments/late-authorization): the furthest state heard of is
the state. Money that was taken and given back is a refund of its own, never a step back.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class MovementState(StrEnum):
    """Where a payment stands at the provider. `failed` may still become the two after it."""

    pending = "pending"
    failed = "failed"
    authorized = "authorized"
    captured = "captured"


_RANK: Final = {state: rank for rank, state in enumerate(MovementState)}


def advance(current: MovementState, reported: MovementState) -> MovementState:
    """The further of two; the order in which they were heard does not matter."""
    return max(current, reported, key=_RANK.__getitem__)


def furthest(reported: Iterable[MovementState]) -> MovementState:
    """The furthest of all that was reported of one payment; pending when nothing was."""
    state = MovementState.pending
    for one in reported:
        state = advance(state, one)
    return state
