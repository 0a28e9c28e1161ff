"""One call to a provider: answered in its time, or nobody knows; what it refuses, a person gets."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused, UnknownOutcome
from models.life import SubjectKind
from models.payment_account import SEALED, ask_for_other_keys
from models.payment_attempt import PaymentAttempt
from models.payment_method import SavedMethod
from models.task import open_task
from providers.payments import Refusal

# Two of them, one after the other, fit into the time of a step.
CALL_SECONDS: Final = 25
# What of our keys makes a provider refuse everything.
_OUR_KEYS: Final = frozenset({Refusal.credentials, SEALED})
Answer = TypeVar("Answer")
Asking = PaymentAttempt | SavedMethod


async def called(call: Awaitable[Answer]) -> Answer:
    """The answer of a call that has its time; without one nobody knows what became of it."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except TimeoutError as error:
        raise UnknownOutcome("the provider gave no answer in time") from error


async def hand_over(
    session: AsyncSession, of: Asking, step: str, refusal: Refused, at: datetime
) -> None:
    """The step waits for a person; and so do our keys, where it is these that are refused."""
    await ask_a_person(session, of, step, refusal.detail, at)
    await keys_refused(session, of, refusal.code, at)


async def ask_a_person(
    session: AsyncSession, of: Asking, step: str, detail: str, at: datetime
) -> None:
    """A step that only a person can settle becomes a task."""
    attempted = isinstance(of, PaymentAttempt)
    await open_task(
        session,
        kind=SubjectKind.PAYMENT_ATTEMPT if attempted else SubjectKind.PAYMENT_METHOD,
        subject_id=of.id,
        what=step,
        title=f"{step.replace('_', ' ')} needs a person",
        detail=detail,
        at=at,
    )


async def keys_refused(session: AsyncSession, of: Asking, code: str, at: datetime) -> None:
    """Where it is our keys that are refused, a person is asked for others."""
    if code in _OUR_KEYS:
        await ask_for_other_keys(session, of.account_id, of.provider, at)
