"""Claims on units, and what a unit's status is at an instant: it follows from the claims alone.

A claim never waits in a circle: INSERT … ON CONFLICT DO NOTHING decides who was first. A span is
changed only under the lock of its unit's row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.errors import BookingConflict
from models.database import tenant_of
from models.free_bed import free_beds
from models.place import Occupancy, OccupancyKind, Unit
from models.refusal import constraint_of
from models.resident import Agreement

_CLOSED = (OccupancyKind.MAINTENANCE, OccupancyKind.BLACKOUT)
_ONE_AT_A_TIME = "ex_occupancies_one_at_a_time"


class UnitStatus(StrEnum):
    """What a place is at an instant; never stored."""

    VACANT = "vacant"
    RESERVED = "reserved"
    OCCUPIED = "occupied"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a unit is at an instant, and whose it is while somebody lives there."""

    status: UnitStatus = UnitStatus.VACANT
    resident_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A span asked for on a unit; `ends_at` None is open."""

    unit_id: UUID
    kind: OccupancyKind
    starts_at: datetime
    ends_at: datetime | None = None
    agreement_id: UUID | None = None
    reason: str | None = None


def _counts(at: datetime) -> ColumnElement[bool]:
    """A claim that holds now or later; a hold that ran out holds nothing."""
    return and_(
        Occupancy.active,
        or_(Occupancy.ends_at.is_(None), Occupancy.ends_at > at),
        or_(Occupancy.hold_expires_at.is_(None), Occupancy.hold_expires_at > at),
    )


def _status(at: datetime) -> ColumnElement[str]:
    """What the nearest claim makes of its unit."""
    return case(
        (Occupancy.starts_at > at, UnitStatus.RESERVED.value),
        (Occupancy.kind.in_(_CLOSED), UnitStatus.MAINTENANCE.value),
        (Occupancy.kind == OccupancyKind.HOLD, UnitStatus.RESERVED.value),
        else_=UnitStatus.OCCUPIED.value,
    )


def is_at(
    unit_id: InstrumentedAttribute[UUID], status: UnitStatus, at: datetime
) -> ColumnElement[bool]:
    """The condition that a unit has this status at that instant, for filters."""
    nearest = (
        select(_status(at))
        .where(Occupancy.unit_id == unit_id, _counts(at))
        .order_by(Occupancy.starts_at)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(nearest, UnitStatus.VACANT.value) == status.value


async def standings(
    session: AsyncSession, unit_ids: Iterable[UUID], at: datetime
) -> dict[UUID, Standing]:
    """What each unit is at that instant, in one query; a unit without a claim is left out."""
    rows = await session.execute(
        select(Occupancy.unit_id, _status(at), Agreement.resident_id)
        .ext(distinct_on(Occupancy.unit_id))
        .outerjoin(Agreement, Agreement.id == Occupancy.agreement_id)
        .where(Occupancy.unit_id.in_(list(unit_ids)), _counts(at))
        .order_by(Occupancy.unit_id, Occupancy.starts_at)
    )
    return {
        unit_id: Standing(
            UnitStatus(status), resident_id if status == UnitStatus.OCCUPIED else None
        )
        for unit_id, status, resident_id in rows
    }


async def claim(session: AsyncSession, asked: Claim) -> UUID:
    """Take the unit for the span, or a BookingConflict that names free beds near it."""
    taken = await session.scalar(
        insert(Occupancy)
        .values(tenant_id=tenant_of(session), **_columns(asked))
        .on_conflict_do_nothing()
        .returning(Occupancy.id)
    )
    if taken is None:
        raise await taken_already(session, asked)
    return taken


def _columns(asked: Claim) -> dict[str, Any]:
    return {
        "unit_id": asked.unit_id,
        "kind": asked.kind,
        "starts_at": asked.starts_at,
        "ends_at": asked.ends_at,
        "agreement_id": asked.agreement_id,
        "reason": asked.reason,
    }


async def taken_already(session: AsyncSession, asked: Claim) -> BookingConflict:
    """The refusal of a claim, with what else is free for the span."""
    free = await free_beds(session, asked.unit_id, asked.starts_at, asked.ends_at)
    return BookingConflict(f"{asked.unit_id} is taken for a part of that time", free)


async def anyone_in(session: AsyncSession, unit_ids: Sequence[UUID], at: datetime) -> bool:
    """Whether somebody lives, or is expected, in one of the units; maintenance is nobody."""
    found = await session.scalar(
        select(
            exists().where(
                Occupancy.unit_id.in_(unit_ids), _counts(at), Occupancy.kind.not_in(_CLOSED)
            )
        )
    )
    return bool(found)


async def lock_units(session: AsyncSession, unit_ids: Iterable[UUID]) -> None:
    """Hold the units' rows, in the order of their ids, before spans on them change."""
    await session.execute(
        select(Unit.id)
        .where(Unit.id.in_(sorted(unit_ids)))
        .order_by(Unit.id)
        .with_for_update(key_share=True)
    )


async def release(session: AsyncSession, agreement_id: UUID) -> None:
    """Give up every claim of an agreement; their rows stay as what was once claimed."""
    await session.execute(
        update(Occupancy)
        .where(Occupancy.agreement_id == agreement_id, Occupancy.active)
        .values(active=False)
    )


async def move_end(session: AsyncSession, asked: Claim) -> None:
    """Bring the end of an agreement's claim forward or put it off, under its unit's lock.

    A BookingConflict when somebody comes before the new end.
    """
    await lock_units(session, [asked.unit_id])
    try:
        async with session.begin_nested():
            await session.execute(
                update(Occupancy)
                .where(Occupancy.agreement_id == asked.agreement_id, Occupancy.active)
                .values(ends_at=asked.ends_at)
            )
    except IntegrityError as error:
        if constraint_of(error) != _ONE_AT_A_TIME:
            raise
        raise await taken_already(session, asked) from error


async def close(session: AsyncSession, unit_ids: Sequence[UUID], at: datetime) -> None:
    """Put units under maintenance, all or none, from now until they are opened again."""
    await lock_units(session, unit_ids)
    closed = await standings(session, unit_ids, at)
    wanted = [i for i in unit_ids if closed.get(i) != Standing(UnitStatus.MAINTENANCE)]
    rows = [
        {"tenant_id": tenant_of(session), **_columns(Claim(i, OccupancyKind.MAINTENANCE, at))}
        for i in wanted
    ]
    if not rows:
        return
    taken = await session.scalars(
        insert(Occupancy).values(rows).on_conflict_do_nothing().returning(Occupancy.unit_id)
    )
    missed = set(wanted) - set(taken)
    if missed:
        raise await taken_already(session, Claim(min(missed), OccupancyKind.MAINTENANCE, at))


async def reopen(session: AsyncSession, unit_ids: Sequence[UUID], at: datetime) -> None:
    """End the maintenance of units; harmless when there is none.

    A span that would become empty (closed and opened at one instant) is given up instead.
    """
    await lock_units(session, unit_ids)
    mine = (
        Occupancy.unit_id.in_(unit_ids),
        Occupancy.kind == OccupancyKind.MAINTENANCE,
        Occupancy.active,
        Occupancy.starts_at <= at,
        or_(Occupancy.ends_at.is_(None), Occupancy.ends_at > at),
    )
    await session.execute(
        update(Occupancy).where(*mine, Occupancy.starts_at == at).values(active=False)
    )
    await session.execute(update(Occupancy).where(*mine).values(ends_at=at))
