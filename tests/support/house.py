"""A tenant with places and people, written through the models: what most tests begin with."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import at_local
from domain.proration import Basis
from models.database import Actor, Database
from models.place import Bed, Floor, Occupancy, OccupancyKind, Property, Room, Unit, UnitKind
from models.resident import Agreement, AgreementStage, AgreementStatus, Resident, ResidentStatus
from models.tenant_setup import NewTenant, set_up_tenant
from tests.support.database import DatabaseUrls

ZONE = "Asia/Kolkata"
INR = "INR"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class House:
    """A tenant and what it was told at its start."""

    database: Database
    tenant_id: UUID
    slug: str
    api_key: str
    public_key: str
    owner_id: UUID
    password: str
    actor: Actor = field(default=Actor("platform:test"))

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction of this tenant."""
        return self.database.tenant(self.tenant_id, self.actor)


@dataclass(frozen=True, slots=True)
class Place:
    """A property with one floor, one room and some beds."""

    property_id: UUID
    floor_id: UUID
    room_id: UUID
    bed_ids: list[UUID]


@asynccontextmanager
async def a_database(urls: DatabaseUrls, *, pool_size: int = 10) -> AsyncGenerator[Database]:
    """The door to a test's database, closed when the block ends."""
    database = Database(urls.app, urls.platform, pool_size=pool_size)
    try:
        yield database
    finally:
        await database.close()


async def a_tenant(
    database: Database,
    slug: str | None = None,
    *,
    country: str = "IN",
    currency: str = INR,
    timezone: str = ZONE,
) -> House:
    """A tenant in India that bills in rupees, unless told otherwise; each call another one."""
    slug = slug or f"house-{next(_numbers)}"
    asked = NewTenant(slug, slug, f"owner@{slug}.example.com", country, currency, timezone)
    told = await set_up_tenant(database, asked)
    return House(
        database=database,
        tenant_id=told.tenant_id,
        slug=slug,
        api_key=told.api_key,
        public_key=told.public_key,
        owner_id=told.owner_id,
        password=told.password,
    )


async def a_property(
    house: House,
    beds: int = 1,
    *,
    name: str | None = None,
    rent_minor: int = 10_000_00,
    currency: str = INR,
    timezone: str = ZONE,
) -> Place:
    """A house with one room of that many beds."""
    property_id, floor_id, room_id = uuid7(), uuid7(), uuid7()
    bed_ids = [uuid7() for _ in range(beds)]
    async with house.session() as session:
        session.add(_property(property_id, name or f"House {next(_numbers)}", timezone))
        await session.flush()
        session.add(Floor(id=floor_id, property_id=property_id, floor_number=0))
        await session.flush()
        session.add(
            Room(
                id=room_id,
                floor_id=floor_id,
                property_id=property_id,
                room_number="001",
                currency=currency,
            )
        )
        session.add_all(Unit(id=i, property_id=property_id, kind=UnitKind.BED) for i in bed_ids)
        await session.flush()
        session.add_all(
            Bed(
                id=bed_id,
                room_id=room_id,
                bed_number=f"B{position}",
                rent_minor=rent_minor,
                currency=currency,
            )
            for position, bed_id in enumerate(bed_ids, 1)
        )
    return Place(property_id, floor_id, room_id, bed_ids)


def _property(property_id: UUID, name: str, timezone: str) -> Property:
    return Property(
        id=property_id,
        name=name,
        type="pg",
        address_line1="12 Lake Road",
        city="Hyderabad",
        state="Telangana",
        postal_code="500033",
        country="IN",
        timezone=timezone,
    )


async def a_resident(
    house: House,
    first_name: str = "Asha",
    last_name: str = "Rao",
    *,
    email: str | None = "",
    phone: str | None = None,
    status: ResidentStatus = ResidentStatus.ACTIVE,
) -> Resident:
    """A person with a phone and a mail address of their own; `email=None` has no mail."""
    number = next(_numbers)
    resident = Resident(
        first_name=first_name,
        last_name=last_name,
        email=f"resident{number}@example.com" if email == "" else email,
        phone=phone or f"+9198{number:08d}",
        status=status,
    )
    async with house.session() as session:
        session.add(resident)
    return resident


async def an_agreement(
    house: House,
    resident_id: UUID,
    place: Place,
    *,
    bed: int = 0,
    start: date = date(2026, 10, 1),
    end: date | None = None,
    rent_minor: int = 10_000_00,
    maintenance_minor: int = 0,
    food_minor: int = 0,
    deposit_minor: int = 0,
    rent_due_day: int = 5,
    billed_through: date | None = None,
    currency: str = INR,
) -> Agreement:
    """An active agreement on a bed of the place, with its residence from the start date on."""
    agreement = Agreement(
        id=uuid7(),
        resident_id=resident_id,
        bed_id=place.bed_ids[bed],
        property_id=place.property_id,
        agreement_number=f"AGR-{next(_numbers):05d}",
        status=AgreementStatus.ACTIVE,
        stage=AgreementStage.CHECKED_IN,
        start_date=start,
        end_date=end,
        currency=currency,
        rent_minor=rent_minor,
        maintenance_minor=maintenance_minor,
        food_minor=food_minor,
        deposit_minor=deposit_minor,
        proration_basis=Basis.actual_days,
        rent_due_day=rent_due_day,
        billed_through=billed_through,
    )
    async with house.session() as session:
        session.add(agreement)
        await session.flush()
        session.add(
            Occupancy(
                unit_id=agreement.bed_id,
                kind=OccupancyKind.RESIDENCE,
                starts_at=at_local(start, time(), ZONE),
                ends_at=None if end is None else at_local(end + timedelta(days=1), time(), ZONE),
                agreement_id=agreement.id,
            )
        )
    return agreement
