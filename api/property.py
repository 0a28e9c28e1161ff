"""Properties: the houses of a tenant, counted from what stands in them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import or_, select

from api.body import Answer, Body, CountryCode, Text, Words
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.calendar import zone_of
from domain.identifiers import valid_gstin
from models import event
from models.place import Floor, Property, PropertyStatus, PropertyType
from models.place_query import Totals, living, totals
from models.place_removal import remove
from models.refusal import saying

router = APIRouter(tags=["places"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PLACES_READ), allows(Permission.PLACES_WRITE)
SORTS = {"name": Property.name, "city": Property.city}
TAKEN = {"uq_properties_name": "another property has this name"}


class PropertyFields(Body):
    """What may be said of a property at any time. Counts are taken from what exists in it."""

    address_line2: Text | None = None
    country: CountryCode = ""
    timezone: Text = ""
    latitude: Annotated[Decimal, Field(ge=-90, le=90, decimal_places=8)] | None = None
    longitude: Annotated[Decimal, Field(ge=-180, le=180, decimal_places=8)] | None = None
    gst_number: Text | None = None
    amenities: list[Text] = Field(default_factory=list[str])
    rules: dict[str, Any] = Field(default_factory=dict[str, Any])
    images: list[Any] = Field(default_factory=list[Any])
    documents: list[Any] = Field(default_factory=list[Any])
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])
    status: PropertyStatus = PropertyStatus.ACTIVE
    total_floors: Annotated[int | None, Field(ge=0, description="counted; not kept")] = None

    def values(self) -> dict[str, Any]:
        """The fields that were sent, checked, as the row keeps them."""
        given = self.given()
        given.pop("total_floors", None)
        if "metadata" in given:
            given["details"] = given.pop("metadata")
        if "timezone" in given:
            zone_of(given["timezone"])
        if given.get("gst_number"):
            given["gst_number"] = valid_gstin(given["gst_number"], "gstNumber")
        return given


class NewProperty(PropertyFields):
    """A property to be made; country and time zone are the tenant's unless given."""

    name: Text
    type: PropertyType
    address_line1: Text
    city: Text
    state: Text
    postal_code: Text


class PropertyChange(PropertyFields):
    """What changes; what is not sent stays."""

    name: Text = ""
    type: PropertyType = PropertyType.PG
    address_line1: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Text = ""


class PropertyAnswer(Answer):
    """A property and how much stands in it."""

    id: UUID
    name: str
    type: str
    address_line1: str
    address_line2: str | None
    city: str
    state: str
    postal_code: str
    country: str
    timezone: str
    latitude: float | None
    longitude: float | None
    gst_number: str | None
    amenities: list[Any]
    rules: dict[str, Any]
    images: list[Any]
    documents: list[Any]
    metadata: Annotated[dict[str, Any], Field(validation_alias="details")]
    status: str
    total_floors: int = 0
    total_rooms: int = 0
    total_beds: int = 0
    created_at: Annotated[datetime, Field(validation_alias="recorded_at")]
    updated_at: datetime


@router.post("/properties", status_code=201, **WRITE)
async def create_property(body: NewProperty, here: Here) -> PropertyAnswer:
    """Make a property. Asked twice with one Idempotency-Key, it is made once."""
    values = {"country": here.tenant.country, "timezone": here.tenant.timezone, **body.values()}
    made = Property(**values)
    async with saying(here.session, TAKEN, "NAME_TAKEN") as session:
        session.add(made)
    at = here.parts.clock.now()
    await event.record(here.session, "property.created", "property", made.id, at)
    return _shown(made, Totals())


@router.get("/properties", **READ)
async def list_properties(
    here: Here,
    paging: Paging,
    status: PropertyStatus | None = None,
    city: Words | None = None,
    q: Words | None = None,
) -> Page[PropertyAnswer]:
    """The tenant's properties; `q` looks in names and addresses."""
    query = select(Property).where(Property.deleted_at.is_(None))
    if status is not None:
        query = query.where(Property.status == status)
    if city is not None:
        query = query.where(Property.city == city)
    if q is not None:
        fields = (Property.name, Property.address_line1, Property.city)
        query = query.where(or_(*(field.icontains(q, autoescape=True) for field in fields)))
    rows, cursor = await paged(here.session, query, Property, paging, SORTS)
    counted = await totals(here.session, Floor.property_id, [row.id for row in rows])
    return page_of(rows, cursor, lambda row: _shown(row, counted.get(row.id, Totals())))


@router.get("/properties/{property_id}", **READ)
async def read_property(property_id: UUID, here: Here) -> PropertyAnswer:
    """One property."""
    found = await living(here.session, Property, property_id)
    return await _counted(here, found)


@router.put("/properties/{property_id}", **WRITE)
async def change_property(property_id: UUID, body: PropertyChange, here: Here) -> PropertyAnswer:
    """Change what is sent; the rest stays."""
    found = await living(here.session, Property, property_id, hold=True)
    async with saying(here.session, TAKEN, "NAME_TAKEN"):
        for name, value in body.values().items():
            setattr(found, name, value)
    return await _counted(here, found)


@router.delete("/properties/{property_id}", status_code=204, **WRITE)
async def delete_property(property_id: UUID, here: Here) -> None:
    """Remove a property: 409 while somebody lives there; one with a past is hidden, not erased."""
    at = here.parts.clock.now()
    await remove(here.session, Property, property_id, at)
    await event.record(here.session, "property.removed", "property", property_id, at)


async def _counted(here: Here, found: Property) -> PropertyAnswer:
    counted = await totals(here.session, Floor.property_id, [found.id])
    return _shown(found, counted.get(found.id, Totals()))


def _shown(row: Property, counted: Totals) -> PropertyAnswer:
    return PropertyAnswer.model_validate(row).model_copy(
        update={
            "total_floors": counted.floors,
            "total_rooms": counted.rooms,
            "total_beds": counted.beds,
        }
    )
