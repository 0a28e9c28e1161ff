"""The places, property > floor > room > bed, and the claims on them.

A unit is a leaf that can be occupied once at a time; a bed is a unit and shares its id.
A bed's status is never stored: it follows from the occupancies.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    Numeric,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from models.base import EditedRow, TenantRow, one_of, within_tenant

EMPTY_LIST = text("'[]'::jsonb")
EMPTY_OBJECT = text("'{}'::jsonb")


class PropertyType(StrEnum):
    """What kind of house it is."""

    PG = "pg"
    HOSTEL = "hostel"
    COLIVING = "coliving"
    APARTMENT = "apartment"
    MOTEL = "motel"
    HOTEL = "hotel"
    VENUE = "venue"
    KARAOKE = "karaoke"


class PropertyStatus(StrEnum):
    """Whether the house lets; a word for people, no rule depends on it."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    MAINTENANCE = "maintenance"


def _living(*columns: str) -> Index:
    """Unique among the places that are not removed: a name is free again afterwards."""
    return Index(
        f"uq_{columns[0]}_{columns[-1]}",
        "tenant_id",
        *columns[1:],
        unique=True,
        postgresql_where=text("deleted_at is null"),
    )


class Property(EditedRow):
    """A house of the tenant, with its own time zone and, where registered, its own GSTIN."""

    __tablename__ = "properties"
    __table_args__ = (
        _living("properties", "name"),
        one_of("type", PropertyType),
        one_of("status", PropertyStatus),
    )

    name: Mapped[str]
    type: Mapped[str]
    address_line1: Mapped[str]
    address_line2: Mapped[str | None]
    city: Mapped[str]
    state: Mapped[str]
    postal_code: Mapped[str]
    country: Mapped[str]
    timezone: Mapped[str]
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(10, 8))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(11, 8))
    gst_number: Mapped[str | None]
    amenities: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    rules: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    images: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    documents: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=EMPTY_OBJECT)
    status: Mapped[str] = mapped_column(server_default=PropertyStatus.ACTIVE)
    deleted_at: Mapped[datetime | None]


class Floor(EditedRow):
    """A floor of a property."""

    __tablename__ = "floors"
    __table_args__ = (
        _living("floors", "property_id", "floor_number"),
        within_tenant("property_id", "properties"),
    )

    property_id: Mapped[UUID]
    floor_number: Mapped[int]
    name: Mapped[str | None]
    amenities: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    deleted_at: Mapped[datetime | None]


class Room(EditedRow):
    """A room on a floor; its beds are what is let."""

    __tablename__ = "rooms"
    __table_args__ = (
        _living("rooms", "floor_id", "room_number"),
        within_tenant("floor_id", "floors"),
        within_tenant("property_id", "properties"),
    )

    floor_id: Mapped[UUID]
    property_id: Mapped[UUID]
    room_number: Mapped[str]
    room_type: Mapped[str] = mapped_column(server_default="standard")
    square_footage: Mapped[int | None]
    rent_minor: Mapped[int | None]
    deposit_minor: Mapped[int | None]
    currency: Mapped[str]
    amenities: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    deleted_at: Mapped[datetime | None]


class UnitKind(StrEnum):
    """What kind of leaf is occupied."""

    BED = "bed"
    ROOM = "room"
    VENUE = "venue"
    KARAOKE = "karaoke"


class Unit(TenantRow):
    """A leaf that can be occupied once at a time."""

    __tablename__ = "units"
    __table_args__ = (within_tenant("property_id", "properties"), one_of("kind", UnitKind))

    property_id: Mapped[UUID]
    kind: Mapped[str]


class Bed(EditedRow):
    """A bed in a room: a unit, under the same id."""

    __tablename__ = "beds"
    __table_args__ = (
        _living("beds", "room_id", "bed_number"),
        ForeignKeyConstraint(["tenant_id", "id"], ["units.tenant_id", "units.id"]),
        within_tenant("room_id", "rooms"),
    )

    room_id: Mapped[UUID]
    bed_number: Mapped[str]
    bed_type: Mapped[str] = mapped_column(server_default="single")
    rent_minor: Mapped[int]
    deposit_minor: Mapped[int | None]
    currency: Mapped[str]
    amenities: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    deleted_at: Mapped[datetime | None]


class OccupancyKind(StrEnum):
    """Why a unit is taken."""

    RESIDENCE = "residence"
    BOOKING = "booking"
    HOLD = "hold"
    MAINTENANCE = "maintenance"
    BLACKOUT = "blackout"
    EXTERNAL = "external"


class Occupancy(TenantRow):
    """One claim on one unit over a span of time; two active claims never overlap.

    Claim with INSERT … ON CONFLICT DO NOTHING RETURNING: a plain insert deadlocks under load.
    """

    __tablename__ = "occupancies"
    __table_args__ = (
        within_tenant("unit_id", "units"),
        within_tenant("agreement_id", "agreements"),
        one_of("kind", OccupancyKind),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("unit_id", "="),
            ("span", "&&"),
            where=text("active"),
            using="gist",
            name="ex_occupancies_one_at_a_time",
        ),
        Index(
            "ix_occupancies_window",
            "tenant_id",
            "unit_id",
            "starts_at",
            postgresql_include=["ends_at"],
            postgresql_where=text("active"),
        ),
    )

    unit_id: Mapped[UUID]
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    span: Mapped[Range[datetime]] = mapped_column(
        TSTZRANGE, Computed("tstzrange(starts_at, ends_at)", persisted=True)
    )
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    hold_expires_at: Mapped[datetime | None]
    agreement_id: Mapped[UUID | None]
    reason: Mapped[str | None]
