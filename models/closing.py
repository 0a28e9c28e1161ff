"""Opening and closing places for maintenance, asked for as a status: the only one that is set."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import IllegalTransition, InvalidInput
from models.database import tenant_of
from models.occupancy import UnitStatus, close, reopen, standings
from models.place import Bed, Room, Unit, UnitKind
from models.place_query import units_of


async def set_status(session: AsyncSession, place: Room | Bed, status: str, at: datetime) -> None:
    """`maintenance` claims every unit of the place, all or none; `vacant` ends such claims.

    Any other status is refused: it follows from who lives there.
    """
    units = await _units(session, place)
    match status:
        case UnitStatus.MAINTENANCE:
            await close(session, units, at)
        case UnitStatus.VACANT:
            await _must_not_be_lived_in(session, units, at)
            await reopen(session, units, at)
        case _:
            message = f"is {status[:20]!r}; only maintenance and vacant are set, others follow"
            raise InvalidInput.of("status", "DERIVED", message)


async def _units(session: AsyncSession, place: Room | Bed) -> list[UUID]:
    """The beds, or the room itself when it has none: then it becomes a unit."""
    if isinstance(place, Bed):
        return [place.id]
    beds = [unit for unit in await units_of(session, place) if unit != place.id]
    if beds:
        return beds
    await session.execute(
        insert(Unit)
        .values(
            tenant_id=tenant_of(session),
            id=place.id,
            property_id=place.property_id,
            kind=UnitKind.ROOM,
        )
        .on_conflict_do_nothing()
    )
    return [place.id]


async def _must_not_be_lived_in(session: AsyncSession, units: Sequence[UUID], at: datetime) -> None:
    now = await standings(session, units, at)
    if any(standing.status is UnitStatus.OCCUPIED for standing in now.values()):
        raise IllegalTransition("somebody lives there: it is vacant again when the stay ends")
