"""What PostgreSQL refuses, said as ours: the constraint that was broken decides the words."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict


def constraint_of(error: IntegrityError) -> str:
    """The name of the constraint that a statement broke, empty when PostgreSQL named none."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return str(getattr(cause, "constraint_name", None) or "")


@asynccontextmanager
async def saying(
    session: AsyncSession, words: Mapping[str, str], code: str = Conflict.code
) -> AsyncGenerator[AsyncSession]:
    """A block within a savepoint: breaking one of these constraints is a Conflict in these words.

    The block's changes are undone and the transaction goes on; other errors pass as they are.
    """
    try:
        async with session.begin_nested():
            yield session
            await session.flush()
    except IntegrityError as error:
        said = words.get(constraint_of(error))
        if said is None:
            raise
        raise Conflict(said, code=code) from error
