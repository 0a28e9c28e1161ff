"""Rooms on a floor; a room's status follows from its beds."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body, MoneyField, Text, in_minor, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.closing import set_status
from models.occupancy import UnitStatus
from models.place import Floor, Room
from models.place_query import RoomStanding, living, room_standings
from models.place_removal import remove
from models.refusal import saying

router = APIRouter(tags=["places"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PLACES_READ), allows(Permission.PLACES_WRITE)
SORTS = {"roomNumber": Room.room_number}
TAKEN = {"uq_rooms_room_number": "this floor has such a room already"}

MONEY = {"rent_amount": "rent_minor", "deposit_amount": "deposit_minor"}


class RoomFields(Body):
    """What may be said of a room at any time; `status` may be maintenance, or vacant to end it."""

    room_type: Text = "standard"
    square_footage: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    rent_amount: MoneyField | None = None
    deposit_amount: MoneyField | None = None
    amenities: list[Text] = Field(default_factory=list[str])
    status: str = ""
    total_beds: Annotated[int | None, Field(ge=0, description="counted; not kept")] = None

    def values(self, currency: str) -> dict[str, Any]:
        """The fields that were sent, as the row keeps them, money in its currency."""
        given = self.given()
        for name in ("total_beds", "status"):
            given.pop(name, None)
        return in_minor(given, currency, MONEY)


class NewRoom(RoomFields):
    """A room to be made."""

    room_number: Text


class RoomChange(RoomFields):
    """What changes; what is not sent stays."""

    room_number: Text = ""


class RoomAnswer(Answer):
    """A room, what its beds make of it, and how many are there."""

    id: UUID
    floor_id: UUID
    property_id: UUID
    room_number: str
    room_type: str
    square_footage: int | None
    rent_amount: MoneyField | None = None
    deposit_amount: MoneyField | None = None
    status: UnitStatus = UnitStatus.VACANT
    total_beds: int = 0
    vacant_beds: int = 0
    amenities: list[Any]
    created_at: Annotated[datetime, Field(validation_alias="recorded_at")]
    updated_at: datetime


@router.post("/floors/{floor_id}/rooms", status_code=201, **WRITE)
async def create_room(floor_id: UUID, body: NewRoom, here: Here) -> RoomAnswer:
    """Make a room. Its number is unique on the floor."""
    floor = await living(here.session, Floor, floor_id, hold=True)
    currency = here.tenant.currency
    made = Room(
        floor_id=floor_id,
        property_id=floor.property_id,
        currency=currency,
        **body.values(currency),
    )
    async with saying(here.session, TAKEN, "NUMBER_TAKEN") as session:
        session.add(made)
    return await _stated(here, made, body)


@router.get("/floors/{floor_id}/rooms", **READ)
async def list_rooms(floor_id: UUID, here: Here, paging: Paging) -> Page[RoomAnswer]:
    """The rooms of a floor."""
    await living(here.session, Floor, floor_id)
    query = select(Room).where(Room.floor_id == floor_id, Room.deleted_at.is_(None))
    rows, cursor = await paged(here.session, query, Room, paging, SORTS)
    now = await room_standings(here.session, [row.id for row in rows], here.parts.clock.now())
    return page_of(rows, cursor, lambda row: _shown(row, now[row.id]))


@router.put("/rooms/{room_id}", **WRITE)
async def change_room(room_id: UUID, body: RoomChange, here: Here) -> RoomAnswer:
    """Change what is sent. `status: maintenance` closes every bed of the room, or none: 409."""
    found = await living(here.session, Room, room_id, hold=True)
    async with saying(here.session, TAKEN, "NUMBER_TAKEN"):
        for name, value in body.values(found.currency).items():
            setattr(found, name, value)
    return await _stated(here, found, body)


@router.delete("/rooms/{room_id}", status_code=204, **WRITE)
async def delete_room(room_id: UUID, here: Here) -> None:
    """Remove a room with its beds: 409 while somebody lives there."""
    await remove(here.session, Room, room_id, here.parts.clock.now())


async def _stated(here: Here, room: Room, body: RoomFields) -> RoomAnswer:
    at = here.parts.clock.now()
    if "status" in body.model_fields_set:
        await set_status(here.session, room, body.status, at)
    return _shown(room, (await room_standings(here.session, [room.id], at))[room.id])


def _shown(row: Room, now: RoomStanding) -> RoomAnswer:
    return RoomAnswer.model_validate(row).model_copy(
        update={
            "rent_amount": _money(row.rent_minor, row.currency),
            "deposit_amount": _money(row.deposit_minor, row.currency),
            "status": now.status,
            "total_beds": now.total_beds,
            "vacant_beds": now.vacant_beds,
        }
    )


def _money(minor: int | None, currency: str) -> MoneyField | None:
    return None if minor is None else money(minor, currency)
