"""Figures of the whole house that are too dear for every scrape: taken by one, read by all."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, String, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Reading(Base):
    """The last figures of one kind and when, by the wall clock, somebody set out to take them."""

    __tablename__ = "readings"

    name: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]]


_CLAIM = text("""
insert into readings as r (name, taken_at, figures) values (:name, clock_timestamp(), '{}')
on conflict (name) do update set taken_at = excluded.taken_at
 where r.taken_at < clock_timestamp() - :every
returning true
""").bindparams(bindparam("name", type_=String), bindparam("every", type_=Interval))


async def claim(session: AsyncSession, name: str, every: timedelta) -> bool:
    """Whether it is time, and ours to do: of all processes one is told so, once in that time."""
    return bool(await session.scalar(_CLAIM, {"name": name, "every": every}))


async def keep(session: AsyncSession, name: str, figures: dict[str, Any]) -> None:
    """The figures, for everybody to read."""
    await session.execute(update(Reading).where(Reading.name == name).values(figures=figures))


async def latest(session: AsyncSession, name: str) -> Reading | None:
    """The last figures; None or empty before the first were taken."""
    return await session.scalar(select(Reading).where(Reading.name == name))
