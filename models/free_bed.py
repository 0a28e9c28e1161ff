"""Beds that are free for a whole span, nearest first: what a refused claim offers instead."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.money import Money
from models.place import Bed, Floor, Occupancy, Room

OFFERED_MAX = 5


async def free_beds(
    session: AsyncSession, unit_id: UUID, starts_at: datetime, ends_at: datetime | None
) -> list[dict[str, Any]]:
    """Beds of the same property that are free from start to end (None: for ever).

    Same room first, then same floor, then the rest of the house; written as the API answers them.
    """
    room, bed = aliased(Room), aliased(Bed)
    here = (
        select(Room.id, Room.floor_id, Room.property_id)
        .outerjoin(bed, bed.room_id == Room.id)
        .where(or_(bed.id == unit_id, Room.id == unit_id))
        .limit(1)
        .subquery()
    )
    nearness = case((room.id == here.c.id, 0), (room.floor_id == here.c.floor_id, 1), else_=2)
    rows = await session.execute(
        select(Bed, room.room_number, Floor.floor_number)
        .join(room, room.id == Bed.room_id)
        .join(Floor, Floor.id == room.floor_id)
        .join(here, here.c.property_id == room.property_id)
        .where(Bed.deleted_at.is_(None), Bed.id != unit_id, ~_taken(starts_at, ends_at))
        .order_by(nearness, Floor.floor_number, room.room_number, Bed.bed_number)
        .limit(OFFERED_MAX)
    )
    return [_offered(bed, room_number, floor) for bed, room_number, floor in rows]


def _taken(starts_at: datetime, ends_at: datetime | None) -> ColumnElement[bool]:
    before = true() if ends_at is None else Occupancy.starts_at < ends_at
    after = or_(Occupancy.ends_at.is_(None), Occupancy.ends_at > starts_at)
    return exists().where(and_(Occupancy.unit_id == Bed.id, Occupancy.active, before, after))


def _offered(bed: Bed, room_number: str, floor_number: int) -> dict[str, Any]:
    rent = Money(bed.rent_minor, bed.currency)
    return {
        "bedId": str(bed.id),
        "bedNumber": bed.bed_number,
        "roomNumber": room_number,
        "floorNumber": floor_number,
        "rentAmount": {"amount": rent.major, "currency": rent.currency},
    }
