"""Beds: what is let. A bed's status and resident follow from the claims on it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Select, select
from uuid_utils.compat import uuid7

from api.body import Answer, Body, MoneyField, Text, in_minor, money
from api.page import Page, PageRequest, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.errors import Conflict
from models.closing import set_status
from models.occupancy import Standing, UnitStatus, anyone_in, is_at, standings
from models.place import Bed, Room, Unit, UnitKind
from models.place_query import living
from models.place_removal import remove
from models.refusal import saying

router = APIRouter(tags=["places"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PLACES_READ), allows(Permission.PLACES_WRITE)
SORTS = {"bedNumber": Bed.bed_number}
TAKEN = {"uq_beds_bed_number": "this room has such a bed already"}

MONEY = {"rent_amount": "rent_minor", "deposit_amount": "deposit_minor"}


class BedFields(Body):
    """What may be said of a bed at any time; `status` may be maintenance, or vacant to end it."""

    bed_type: Text = "single"
    deposit_amount: MoneyField | None = None
    amenities: list[Text] = Field(default_factory=list[str])
    status: str = ""

    def values(self, currency: str) -> dict[str, Any]:
        """The fields that were sent, as the row keeps them, money in its currency."""
        given = self.given()
        given.pop("status", None)
        return in_minor(given, currency, MONEY)


class NewBed(BedFields):
    """A bed to be made."""

    bed_number: Text
    rent_amount: MoneyField


class BedChange(BedFields):
    """What changes; what is not sent stays. A new rent is for agreements made later."""

    bed_number: Text = ""
    rent_amount: MoneyField = MoneyField(amount="0", currency="")


class BedAnswer(Answer):
    """A bed and, while somebody lives in it, whose it is."""

    id: UUID
    room_id: UUID
    bed_number: str
    bed_type: str
    resident_id: UUID | None = None
    rent_amount: MoneyField
    deposit_amount: MoneyField | None
    status: UnitStatus
    amenities: list[Any]
    created_at: datetime
    updated_at: datetime


@router.post("/rooms/{room_id}/beds", status_code=201, **WRITE)
async def create_bed(room_id: UUID, body: NewBed, here: Here) -> BedAnswer:
    """Make a bed. Its number is unique in the room; a room let as a whole takes none: 409."""
    room = await living(here.session, Room, room_id, hold=True)
    if await anyone_in(here.session, [room_id], here.parts.clock.now()):
        raise Conflict("this room is let as a whole", code="IN_USE")
    made = Bed(id=uuid7(), room_id=room_id, currency=room.currency, **body.values(room.currency))
    async with saying(here.session, TAKEN, "NUMBER_TAKEN") as session:
        session.add(Unit(id=made.id, property_id=room.property_id, kind=UnitKind.BED))
        await session.flush()
        session.add(made)
    return await _stated(here, made, body)


@router.get("/rooms/{room_id}/beds", **READ)
async def list_beds_of_room(room_id: UUID, here: Here, paging: Paging) -> Page[BedAnswer]:
    """The beds of a room."""
    await living(here.session, Room, room_id)
    query = select(Bed).where(Bed.room_id == room_id, Bed.deleted_at.is_(None))
    return await _page(here, query, paging)


@router.get("/beds", **READ)
async def list_beds(
    here: Here,
    paging: Paging,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    room_id: Annotated[UUID | None, Query(alias="roomId")] = None,
    status: UnitStatus | None = None,
) -> Page[BedAnswer]:
    """Every bed of the tenant, or those of a property, a room, a status of this moment."""
    query = select(Bed).where(Bed.deleted_at.is_(None))
    if property_id is not None:
        within = select(Room.id).where(Room.property_id == property_id)
        query = query.where(Bed.room_id.in_(within))
    if room_id is not None:
        query = query.where(Bed.room_id == room_id)
    if status is not None:
        query = query.where(is_at(Bed.id, status, here.parts.clock.now()))
    return await _page(here, query, paging)


@router.put("/beds/{bed_id}", **WRITE)
async def change_bed(bed_id: UUID, body: BedChange, here: Here) -> BedAnswer:
    """Change what is sent. `status: maintenance` claims the bed: 409 and free ones if taken."""
    found = await living(here.session, Bed, bed_id, hold=True)
    async with saying(here.session, TAKEN, "NUMBER_TAKEN"):
        for name, value in body.values(found.currency).items():
            setattr(found, name, value)
    return await _stated(here, found, body)


@router.delete("/beds/{bed_id}", status_code=204, **WRITE)
async def delete_bed(bed_id: UUID, here: Here) -> None:
    """Remove a bed: 409 while somebody lives or is expected in it."""
    await remove(here.session, Bed, bed_id, here.parts.clock.now())


async def _page(here: Here, query: Select[Bed], paging: PageRequest) -> Page[BedAnswer]:
    rows, cursor = await paged(here.session, query, Bed, paging, SORTS)
    now = await standings(here.session, [row.id for row in rows], here.parts.clock.now())
    return page_of(rows, cursor, lambda row: _shown(row, now.get(row.id, Standing())))


async def _stated(here: Here, bed: Bed, body: BedFields) -> BedAnswer:
    at = here.parts.clock.now()
    if "status" in body.model_fields_set:
        await set_status(here.session, bed, body.status, at)
    now = await standings(here.session, [bed.id], at)
    return _shown(bed, now.get(bed.id, Standing()))


def _shown(row: Bed, now: Standing) -> BedAnswer:
    deposit = row.deposit_minor
    return BedAnswer(
        id=row.id,
        room_id=row.room_id,
        bed_number=row.bed_number,
        bed_type=row.bed_type,
        resident_id=now.resident_id,
        rent_amount=money(row.rent_minor, row.currency),
        deposit_amount=None if deposit is None else money(deposit, row.currency),
        status=now.status,
        amenities=row.amenities,
        created_at=row.recorded_at,
        updated_at=row.updated_at,
    )
