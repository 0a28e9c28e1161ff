"""A house of any size, written set-based in a moment: places, residents, active agreements."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from models.bulk import driver_of
from models.place import Property

_PLACES = (
    """
    insert into floors (id, property_id, floor_number) values ($2, $1, 0)
    """,
    """
    insert into rooms (id, floor_id, property_id, room_number, currency)
    values ($3, $2, $1, '001', 'INR')
    """,
    """
    insert into units (id, property_id, kind) select unnest($1::uuid[]), $2::uuid, 'bed'
    """,
    """
    insert into beds (id, room_id, bed_number, rent_minor, currency)
    select id, $2::uuid, 'B' || n, 950000, 'INR'
      from unnest($1::uuid[]) with ordinality b(id, n)
    """,
)
_RESIDENTS = """
insert into residents (id, first_name, last_name, email, phone, status)
select id, 'Asha', 'Rao ' || n, 'resident' || n || '@example.com',
       '+9198' || lpad(n::text, 8, '0'), 'active'
  from unnest($1::uuid[]) with ordinality r(id, n)
"""
# Spread as in a real roster of 1,289: 28 rents, three due days, and in one chunk some fifty terms.
_AGREEMENTS = """
insert into agreements (
  id, resident_id, bed_id, property_id, agreement_number, status, stage, start_date, currency,
  rent_minor, maintenance_minor, food_minor, proration_basis, rent_due_day, billed_through)
select id, resident_id, bed_id, $4::uuid, 'AGR-' || $7::text || n, 'active', 'checked_in',
       $5::date, 'INR', 550000 + 50000 * (n / 30 % 28), 50000, 0,
       'actual_days', (array[5, 5, 5, 1, 10])[1 + n % 5], $6::date
  from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality a(id, resident_id, bed_id, n)
"""


@dataclass(frozen=True, slots=True)
class Roster:
    """What was written, in the order of the agreements."""

    property_id: UUID
    agreement_ids: list[UUID]
    resident_ids: list[UUID]


async def many_agreements(
    session: AsyncSession,
    amount: int,
    *,
    name: str = "Lake View",
    start: date = date(2026, 6, 1),
    billed_through: date | None = date(2026, 9, 1),
) -> Roster:
    """A property with that many residents on active agreements, in the session's transaction."""
    property_id, floor_id, room_id = uuid7(), uuid7(), uuid7()
    session.add(
        Property(
            id=property_id,
            name=name,
            type="pg",
            address_line1="12 Lake Road",
            city="Hyderabad",
            state="Telangana",
            postal_code="500033",
            country="IN",
            timezone="Asia/Kolkata",
        )
    )
    driver = await driver_of(session)
    ids = [uuid7() for _ in range(3 * amount)]
    agreements, residents, beds = ids[:amount], ids[amount : 2 * amount], ids[2 * amount :]
    await driver.execute(_PLACES[0], property_id, floor_id)
    await driver.execute(_PLACES[1], property_id, floor_id, room_id)
    await driver.execute(_PLACES[2], beds, property_id)
    await driver.execute(_PLACES[3], beds, room_id)
    await driver.execute(_RESIDENTS, residents)
    shared = (property_id, start, billed_through, property_id.hex[:12])
    await driver.execute(_AGREEMENTS, agreements, residents, beds, *shared)
    return Roster(property_id, agreements, residents)
