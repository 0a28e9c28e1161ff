"""Places as lists show them: living ones only, counted and with their status in a few queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.errors import NotFound
from models.occupancy import Standing, UnitStatus, standings
from models.place import Bed, Floor, Property, Room

Place = TypeVar("Place", Property, Floor, Room, Bed)
_STRONGEST_FIRST = (
    UnitStatus.VACANT,
    UnitStatus.OCCUPIED,
    UnitStatus.RESERVED,
    UnitStatus.MAINTENANCE,
)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many floors, rooms and beds a place has."""

    floors: int = 0
    rooms: int = 0
    beds: int = 0


@dataclass(frozen=True, slots=True)
class RoomStanding:
    """What a room is at an instant: it follows from its beds, or from itself when it has none."""

    status: UnitStatus
    total_beds: int
    vacant_beds: int


async def living(
    session: AsyncSession, model: type[Place], place_id: UUID, *, hold: bool = False
) -> Place:
    """The place of that id, NotFound when removed; `hold` keeps others from removing it."""
    query = select(model).where(model.id == place_id, model.deleted_at.is_(None))
    if hold:
        query = query.with_for_update(read=True, key_share=True)
    place = await session.scalar(query)
    if place is None:
        raise NotFound(f"there is no {model.__name__.lower()} {place_id}")
    return place


async def totals(
    session: AsyncSession, by: InstrumentedAttribute[UUID], place_ids: Iterable[UUID]
) -> dict[UUID, Totals]:
    """Floors, rooms and beds counted by `Floor.property_id`, `Floor.id` or `Room.id`."""
    rows = await session.execute(
        select(
            by,
            func.count(distinct(Floor.id)),
            func.count(distinct(Room.id)),
            func.count(distinct(Bed.id)),
        )
        .select_from(Floor)
        .outerjoin(Room, (Room.floor_id == Floor.id) & Room.deleted_at.is_(None))
        .outerjoin(Bed, (Bed.room_id == Room.id) & Bed.deleted_at.is_(None))
        .where(by.in_(list(place_ids)), Floor.deleted_at.is_(None))
        .group_by(by)
    )
    return {place_id: Totals(floors, rooms, beds) for place_id, floors, rooms, beds in rows}


async def room_standings(
    session: AsyncSession, room_ids: Sequence[UUID], at: datetime
) -> dict[UUID, RoomStanding]:
    """What each room is at that instant."""
    rows = await session.execute(
        select(Bed.room_id, Bed.id).where(Bed.room_id.in_(room_ids), Bed.deleted_at.is_(None))
    )
    beds: dict[UUID, list[UUID]] = {room_id: [] for room_id in room_ids}
    for room_id, bed_id in rows:
        beds[room_id].append(bed_id)
    units = [*room_ids, *(bed_id for listed in beds.values() for bed_id in listed)]
    now = await standings(session, units, at)
    return {
        room_id: _of_room(
            now.get(room_id, Standing()).status,
            [now.get(bed_id, Standing()).status for bed_id in beds[room_id]],
        )
        for room_id in room_ids
    }


def _of_room(itself: UnitStatus, beds: list[UnitStatus]) -> RoomStanding:
    """A room is vacant while one of its beds is; else occupied, reserved or closed as they are."""
    if not beds:
        return RoomStanding(itself, 0, 0)
    status = next(status for status in _STRONGEST_FIRST if status in beds)
    return RoomStanding(status, len(beds), beds.count(UnitStatus.VACANT))


async def units_of(session: AsyncSession, place: Property | Floor | Room | Bed) -> list[UUID]:
    """Everything under a place that can be claimed: its beds, and the rooms let as a whole."""
    if isinstance(place, Bed):
        return [place.id]
    rooms = select(Room.id).where(_column(place) == place.id)
    beds = select(Bed.id).where(Bed.room_id.in_(rooms))
    return list(await session.scalars(rooms.union_all(beds)))


def _column(place: Property | Floor | Room) -> InstrumentedAttribute[UUID]:
    match place:
        case Property():
            return Room.property_id
        case Floor():
            return Room.floor_id
        case Room():
            return Room.id
