"""The places of a roster: found by their names or made, one statement per table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.roster import RosterRow
from models.bulk import Driver, columns, new_ids

_PROPERTIES = """
insert into properties (name, type, address_line1, city, state, postal_code, country, timezone)
select n.name, n.type, n.area, n.city, n.state, '', $6, $7
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       as n(name, type, area, city, state)
on conflict (tenant_id, name) where deleted_at is null do nothing returning id
"""
_FLOORS = """
insert into floors (property_id, floor_number)
select n.property_id, n.number from unnest($1::uuid[], $2::bigint[]) as n(property_id, number)
on conflict (tenant_id, property_id, floor_number) where deleted_at is null do nothing returning id
"""
_ROOMS = """
insert into rooms (property_id, floor_id, room_number, amenities, currency)
select n.property_id, n.floor_id, n.number, n.amenities::jsonb, $5
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
       as n(property_id, floor_id, number, amenities)
on conflict (tenant_id, floor_id, room_number) where deleted_at is null do nothing returning id
"""
_UNITS = """
insert into units (id, property_id, kind)
select n.id, n.property_id, 'bed'
  from unnest($1::uuid[], $2::uuid[]) as n(id, property_id)
"""
_BEDS = """
insert into beds (id, room_id, bed_number, rent_minor, deposit_minor, amenities, currency)
select n.id, n.room_id, n.number, n.rent, n.deposit, n.amenities::jsonb, $7
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
       as n(id, room_id, number, rent, deposit, amenities)
"""


@dataclass(slots=True)
class Places:
    """The ids of the places of some rows, found or made, and which were made."""

    houses: dict[str, UUID] = field(default_factory=dict[str, UUID])
    floors: dict[tuple[UUID, int], UUID] = field(default_factory=dict[tuple[UUID, int], UUID])
    rooms: dict[tuple[UUID, str], UUID] = field(default_factory=dict[tuple[UUID, str], UUID])
    beds: dict[tuple[UUID, str], UUID] = field(default_factory=dict[tuple[UUID, str], UUID])
    made: dict[str, list[UUID]] = field(default_factory=dict[str, list[UUID]])

    def of(self, row: RosterRow) -> tuple[UUID, UUID]:
        """The property and the bed of a row."""
        house = self.houses[row.house]
        return house, self.beds[self.room(row), row.bed]

    def room(self, row: RosterRow) -> UUID:
        """The room of a row."""
        return self.rooms[self.floors[self.houses[row.house], row.floor], row.room]


async def places_for(
    driver: Driver, rows: Sequence[RosterRow], *, country: str, zone: str, currency: str
) -> Places:
    """Find or make everything the rows stand in; what is there already stays as it is."""
    places = Places()
    await _houses(driver, places, rows, country, zone)
    await _floors(driver, places, rows)
    await _rooms(driver, places, rows, currency)
    await _beds(driver, places, rows, currency)
    return places


async def _houses(
    driver: Driver, places: Places, rows: Sequence[RosterRow], country: str, zone: str
) -> None:
    new = {row.house: (row.property_type, row.area, row.city, row.state) for row in rows}
    told = columns([(name, *rest) for name, rest in new.items()])
    places.made["properties"] = _ids(await driver.fetch(_PROPERTIES, *told, country, zone))
    found = await driver.fetch(
        "select name, id from properties where name = any($1) and deleted_at is null", told[0]
    )
    places.houses = {row["name"]: row["id"] for row in found}


async def _floors(driver: Driver, places: Places, rows: Sequence[RosterRow]) -> None:
    told = columns(sorted({(places.houses[row.house], row.floor) for row in rows}))
    places.made["floors"] = _ids(await driver.fetch(_FLOORS, *told))
    found = await driver.fetch(
        "select property_id, floor_number, id from floors"
        " where property_id = any($1) and deleted_at is null",
        list(places.houses.values()),
    )
    places.floors = {(row["property_id"], row["floor_number"]): row["id"] for row in found}


async def _rooms(driver: Driver, places: Places, rows: Sequence[RosterRow], currency: str) -> None:
    new: dict[tuple[UUID, UUID, str], str] = {}
    for row in rows:
        house = places.houses[row.house]
        key = (house, places.floors[house, row.floor], row.room)
        new.setdefault(key, _listed("sharing", row.sharing))
    told = columns([(*key, amenities) for key, amenities in new.items()])
    places.made["rooms"] = _ids(await driver.fetch(_ROOMS, *told, currency))
    found = await driver.fetch(
        "select floor_id, room_number, id from rooms"
        " where floor_id = any($1) and deleted_at is null",
        list(places.floors.values()),
    )
    places.rooms = {(row["floor_id"], row["room_number"]): row["id"] for row in found}


async def _beds(driver: Driver, places: Places, rows: Sequence[RosterRow], currency: str) -> None:
    found = await driver.fetch(
        "select room_id, bed_number, id from beds where room_id = any($1) and deleted_at is null",
        list({places.room(row) for row in rows}),
    )
    places.beds = {(row["room_id"], row["bed_number"]): row["id"] for row in found}
    new = [row for row in rows if (places.room(row), row.bed) not in places.beds]
    places.made["beds"] = []
    if not new:
        return
    ids = new_ids(len(new))
    await driver.execute(_UNITS, ids, [places.houses[row.house] for row in new])
    told = [
        (
            bed_id,
            places.room(row),
            row.bed,
            row.rent_minor,
            row.deposit_minor,
            _listed("meals", row.meals),
        )
        for bed_id, row in zip(ids, new, strict=True)
    ]
    await driver.execute(_BEDS, *columns(told), currency)
    places.beds |= {
        (places.room(row), row.bed): bed_id for bed_id, row in zip(ids, new, strict=True)
    }
    places.made["beds"] = ids


def _listed(name: str, value: str) -> str:
    return json.dumps([f"{name}: {value}"] if value else [])


def _ids(rows: list[Any]) -> list[UUID]:
    return [row["id"] for row in rows]
