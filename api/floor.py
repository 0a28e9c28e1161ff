"""Floors of a property."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body, Text
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.place import Floor, Property
from models.place_query import Totals, living, totals
from models.place_removal import remove
from models.refusal import saying

router = APIRouter(tags=["places"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PLACES_READ), allows(Permission.PLACES_WRITE)
SORTS = {"floorNumber": Floor.floor_number}
TAKEN = {"uq_floors_floor_number": "this floor is there already"}
FloorNumber = Annotated[int, Field(ge=-20, le=200)]


class FloorFields(Body):
    """What may be said of a floor at any time."""

    name: Text | None = None
    amenities: list[Text] = Field(default_factory=list[str])
    total_rooms: Annotated[int | None, Field(ge=0, description="counted; not kept")] = None

    def values(self) -> dict[str, Any]:
        """The fields that were sent, as the row keeps them."""
        given = self.given()
        given.pop("total_rooms", None)
        return given


class NewFloor(FloorFields):
    """A floor to be made; the ground floor is 0."""

    floor_number: FloorNumber


class FloorChange(FloorFields):
    """What changes; what is not sent stays."""

    floor_number: FloorNumber = 0


class FloorAnswer(Answer):
    """A floor and how much stands on it."""

    id: UUID
    property_id: UUID
    floor_number: int
    name: str | None
    amenities: list[Any]
    total_rooms: int = 0
    total_beds: int = 0
    created_at: Annotated[datetime, Field(validation_alias="recorded_at")]
    updated_at: datetime


@router.post("/properties/{property_id}/floors", status_code=201, **WRITE)
async def create_floor(property_id: UUID, body: NewFloor, here: Here) -> FloorAnswer:
    """Make a floor. Its number is unique in the property."""
    await living(here.session, Property, property_id, hold=True)
    made = Floor(property_id=property_id, **body.values())
    async with saying(here.session, TAKEN, "NUMBER_TAKEN") as session:
        session.add(made)
    return _shown(made, Totals())


@router.get("/properties/{property_id}/floors", **READ)
async def list_floors(property_id: UUID, here: Here, paging: Paging) -> Page[FloorAnswer]:
    """The floors of a property."""
    await living(here.session, Property, property_id)
    query = select(Floor).where(Floor.property_id == property_id, Floor.deleted_at.is_(None))
    rows, cursor = await paged(here.session, query, Floor, paging, SORTS)
    counted = await totals(here.session, Floor.id, [row.id for row in rows])
    return page_of(rows, cursor, lambda row: _shown(row, counted.get(row.id, Totals())))


@router.put("/floors/{floor_id}", **WRITE)
async def change_floor(floor_id: UUID, body: FloorChange, here: Here) -> FloorAnswer:
    """Change what is sent; the rest stays."""
    found = await living(here.session, Floor, floor_id, hold=True)
    async with saying(here.session, TAKEN, "NUMBER_TAKEN"):
        for name, value in body.values().items():
            setattr(found, name, value)
    counted = await totals(here.session, Floor.id, [floor_id])
    return _shown(found, counted.get(floor_id, Totals()))


@router.delete("/floors/{floor_id}", status_code=204, **WRITE)
async def delete_floor(floor_id: UUID, here: Here) -> None:
    """Remove a floor with its rooms and beds: 409 while somebody lives there."""
    await remove(here.session, Floor, floor_id, here.parts.clock.now())


def _shown(row: Floor, counted: Totals) -> FloorAnswer:
    return FloorAnswer.model_validate(row).model_copy(
        update={"total_rooms": counted.rooms, "total_beds": counted.beds}
    )
