"""One call to a provider: answered in its time, or nobody knows what became of it."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from domain.errors import UnknownOutcome
from models.payment_account import SEALED
from providers.payments import Refusal

# Two of them, one after the other, fit into the time of a step.
CALL_SECONDS: Final = 25
# What of our keys makes a provider refuse everything.
OUR_KEYS: Final = frozenset({Refusal.credentials, SEALED})
Answer = TypeVar("Answer")


async def called(call: Awaitable[Answer]) -> Answer:
    """The answer of a call that has its time; without one nobody knows what became of it."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except TimeoutError as error:
        raise UnknownOutcome("the provider gave no answer in time") from error
