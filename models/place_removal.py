"""Taking places away: refused while somebody lives there; else gone, or hidden when it has a past.

A place that was ever let or named by an agreement keeps its row, so that old documents still say
where; the others leave no trace but the audit.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict, NotFound
from models.database import one
from models.occupancy import anyone_in, reopen
from models.place import Bed, Floor, Property, Room, Unit
from models.place_query import Place, units_of


async def remove(session: AsyncSession, model: type[Place], place_id: UUID, at: datetime) -> None:
    """Remove a place and all under it; Conflict while somebody lives or is expected there."""
    place = await one(session, model, place_id, lock=True)
    if place.deleted_at is not None:
        raise NotFound(f"there is no {model.__name__.lower()} {place_id}")
    units = await units_of(session, place)
    # Claimants hold these rows while they claim: after this nobody new comes in.
    await session.execute(
        select(Unit.id).where(Unit.id.in_(units)).order_by(Unit.id).with_for_update()
    )
    await session.execute(
        select(Bed.id).where(Bed.id.in_(units)).order_by(Bed.id).with_for_update()
    )
    if await anyone_in(session, units, at):
        word = model.__name__.lower()
        raise Conflict(f"somebody lives or is expected in this {word}", code="IN_USE")
    try:
        async with session.begin_nested():
            for table, condition in _under(place, units):
                await session.execute(delete(table).where(condition))
    except IntegrityError:
        await reopen(session, units, at)
        for table, condition in _under(place, units):
            if table is not Unit:
                await session.execute(update(table).where(condition).values(deleted_at=at))


def _under(
    place: Property | Floor | Room | Bed, units: Sequence[UUID]
) -> list[tuple[type[Property | Floor | Room | Bed | Unit], ColumnElement[bool]]]:
    """What goes with the place, in the order in which rows may go."""
    under: list[tuple[type[Property | Floor | Room | Bed | Unit], ColumnElement[bool]]] = [
        (Bed, Bed.id.in_(units)),
        (Unit, Unit.id.in_(units)),
    ]
    if not isinstance(place, Bed):
        under.append((Room, Room.id.in_(units)))
    if isinstance(place, Property):
        under.append((Floor, Floor.property_id == place.id))
    if isinstance(place, Floor | Property):
        under.append((type(place), type(place).id == place.id))
    return under
