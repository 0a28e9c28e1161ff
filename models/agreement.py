"""Agreements made and changed: terms, number, the claim on the bed, the resident's state.

A draft holds its bed; a signed one is a residence. Terms are frozen once signed: only the end
date moves after that, and the claim with it, in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import at_local, fiscal_year, local_day
from domain.errors import Conflict, IllegalTransition, InvalidInput
from models import event
from models.database import one
from models.number import take_numbers
from models.occupancy import Claim, claim, lock_units, move_end, release
from models.place import Bed, OccupancyKind, Property, Room
from models.place_query import living
from models.refusal import saying
from models.resident import Agreement, AgreementStage, AgreementStatus, ResidentStatus
from models.resident_query import held
from models.tenant import BillingSettings, Tenant

# Lower case, so that no tenant's invoice prefix can be the same series.
SERIES = "agr"
_NUMBER = {"uq_agreements_tenant_id_agreement_number": "another agreement has this number"}
_CLAIMING = {"bed_id", "start_date", "end_date", "status"}
_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Site:
    """The bed of an agreement and where it stands."""

    bed: Bed
    property_id: UUID
    zone: str


async def site_of(session: AsyncSession, bed_id: UUID) -> Site:
    """Where a bed stands; it is held so that nobody removes it meanwhile."""
    bed = await living(session, Bed, bed_id, hold=True)
    found = await session.execute(
        select(Property.id, Property.timezone)
        .join(Room, Room.property_id == Property.id)
        .where(Room.id == bed.room_id)
    )
    property_id, zone = found.one()
    return Site(bed, property_id, zone)


async def make(
    session: AsyncSession,
    tenant: Tenant,
    resident_id: UUID,
    bed_id: UUID,
    *,
    given: Mapping[str, Any],
    at: datetime,
) -> Agreement:
    """Make an agreement, drafted or already signed, and claim its bed; BookingConflict when taken.

    `given` are columns of the row; rent and deposit are the bed's, the basis the tenant's, unless
    given.
    """
    resident = await held(session, resident_id)
    if resident.status == ResidentStatus.BLACKLISTED:
        raise Conflict("this resident is blacklisted", code="RESIDENT_BLACKLISTED")
    site = await site_of(session, bed_id)
    terms = {**await _defaults(session, site), **given}
    if terms.get("agreement_number") is None:
        today = local_day(at, tenant.timezone)
        terms["agreement_number"] = (await next_numbers(session, tenant.country, today, 1))[0]
    row = Agreement(
        id=uuid7(), resident_id=resident_id, bed_id=bed_id, property_id=site.property_id, **terms
    )
    _dates_in_order(row)
    async with saying(session, _NUMBER, "NUMBER_TAKEN"):
        session.add(row)
    await claim(session, claim_of(row, site.zone))
    await _stand(session, row, site.zone, at)
    return row


async def _defaults(session: AsyncSession, site: Site) -> dict[str, Any]:
    settings = (await session.scalars(select(BillingSettings))).one()
    return {
        "currency": site.bed.currency,
        "rent_minor": site.bed.rent_minor,
        "deposit_minor": site.bed.deposit_minor or 0,
        "proration_basis": settings.proration_basis,
        "status": AgreementStatus.DRAFT,
    }


async def next_numbers(session: AsyncSession, country: str, today: date, amount: int) -> list[str]:
    """The next free numbers, in order; those that were typed in by hand before are passed over."""
    year = fiscal_year(today, country)
    free: list[str] = []
    while len(free) < amount:
        taken = await take_numbers(session, {SERIES: amount - len(free)}, year)
        numbers = [number.upper() for number in taken[SERIES]]
        used = await session.scalars(
            select(Agreement.agreement_number).where(Agreement.agreement_number.in_(numbers))
        )
        by_hand = set(used)
        free += [number for number in numbers if number not in by_hand]
    return free


def _dates_in_order(row: Agreement) -> None:
    if row.end_date is not None and row.end_date < row.start_date:
        message = f"is {row.end_date}, before the start on {row.start_date}"
        raise InvalidInput.of("endDate", "BEFORE_START", message)


def claim_of(row: Agreement, zone: str) -> Claim:
    """From the first minute of the first day to the end of the last one, at the property."""
    end = row.end_date
    return Claim(
        unit_id=row.bed_id,
        kind=OccupancyKind.RESIDENCE
        if row.status == AgreementStatus.ACTIVE
        else OccupancyKind.HOLD,
        starts_at=at_local(row.start_date, _MIDNIGHT, zone),
        ends_at=None if end is None else at_local(end + timedelta(days=1), _MIDNIGHT, zone),
        agreement_id=row.id,
    )


def stage_on(row: Agreement, today: date) -> AgreementStage:
    """Where the agreement stands on a day: one that waits for its first day is reserved."""
    if row.status == AgreementStatus.DRAFT:
        return AgreementStage.DRAFTED
    if row.status == AgreementStatus.CANCELLED:
        return AgreementStage.CANCELLED
    if row.stage in (AgreementStage.DRAFTED, AgreementStage.RESERVED):
        came = row.start_date <= today
        return AgreementStage.CHECKED_IN if came else AgreementStage.RESERVED
    return AgreementStage(row.stage)


async def _stand(session: AsyncSession, row: Agreement, zone: str, at: datetime) -> None:
    """Write what follows from the status: stage, signatures, the resident's state, the event."""
    row.stage = stage_on(row, local_day(at, zone))
    if row.status == AgreementStatus.ACTIVE:
        row.signed_by_resident_at = row.signed_by_resident_at or at
        row.signed_by_owner_at = row.signed_by_owner_at or at
        resident = await held(session, row.resident_id)
        resident.status = ResidentStatus.ACTIVE
    word = {AgreementStatus.ACTIVE: "activated", AgreementStatus.DRAFT: "drafted"}.get(
        AgreementStatus(row.status), row.status
    )
    await event.record(
        session,
        f"agreement.{word}",
        "agreement",
        row.id,
        at,
        residentId=str(row.resident_id),
        bedId=str(row.bed_id),
        startDate=str(row.start_date),
    )


async def change(
    session: AsyncSession, agreement_id: UUID, given: Mapping[str, Any], at: datetime
) -> Agreement:
    """Change a draft's terms, sign or cancel it; of a signed one only the end date moves.

    IllegalTransition for anything else, BookingConflict when the bed is taken for the new span.
    """
    row = await one(session, Agreement, agreement_id, lock=True)
    if row.status == AgreementStatus.DRAFT:
        await _redraft(session, row, given, at)
    elif row.status == AgreementStatus.ACTIVE and set(given) <= {"end_date"}:
        await _end_on(session, row, given.get("end_date", row.end_date), at)
    else:
        raise IllegalTransition(
            f"agreement {row.agreement_number} is {row.status}: its terms are frozen"
            " (of an active one only endDate moves)"
        )
    return row


async def _redraft(
    session: AsyncSession, row: Agreement, given: Mapping[str, Any], at: datetime
) -> None:
    was = row.bed_id
    site = await site_of(session, given.get("bed_id", was))
    async with saying(session, _NUMBER, "NUMBER_TAKEN"):
        for name, value in given.items():
            setattr(row, name, value)
        row.property_id = site.property_id
        _dates_in_order(row)
    if not _CLAIMING.isdisjoint(given):
        await lock_units(session, {was, row.bed_id})
        await release(session, row.id)
        if row.status != AgreementStatus.CANCELLED:
            await claim(session, claim_of(row, site.zone))
        await _stand(session, row, site.zone, at)


async def _end_on(session: AsyncSession, row: Agreement, end: date | None, at: datetime) -> None:
    if end == row.end_date:
        return
    row.end_date = end
    _dates_in_order(row)
    site = await site_of(session, row.bed_id)
    await move_end(session, claim_of(row, site.zone))
    await event.record(
        session, "agreement.end_moved", "agreement", row.id, at, endDate=end and end.isoformat()
    )
