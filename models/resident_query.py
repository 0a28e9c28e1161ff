"""Residents as lists show them: where each stays and since when, in one query for all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict, NotFound
from models.resident import Agreement, AgreementStatus, Resident

_BINDING = (AgreementStatus.ACTIVE, AgreementStatus.DRAFT)
_LIVED = (AgreementStatus.ACTIVE, AgreementStatus.EXPIRED, AgreementStatus.TERMINATED)


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a resident stays, or stayed last; days at the property."""

    bed_id: UUID | None = None
    check_in_date: date | None = None
    check_out_date: date | None = None
    expected_check_out: date | None = None


async def known(session: AsyncSession, resident_id: UUID) -> Resident:
    """The resident of that id; NotFound when removed."""
    return _there(
        await session.scalar(select(Resident).where(*_is(resident_id))),
        resident_id,
    )


async def held(session: AsyncSession, resident_id: UUID) -> Resident:
    """The same, the row locked against others who change it."""
    query = select(Resident).where(*_is(resident_id)).with_for_update(key_share=True)
    return _there(await session.scalar(query), resident_id)


def _is(resident_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (Resident.id == resident_id, Resident.deleted_at.is_(None))


def _there(resident: Resident | None, resident_id: UUID) -> Resident:
    if resident is None:
        raise NotFound(f"there is no resident {resident_id}")
    return resident


async def stays(
    session: AsyncSession, resident_ids: Iterable[UUID], today: date
) -> dict[UUID, Stay]:
    """The stay of each: the active agreement's, else the latest one's; without any: left out."""
    active = Agreement.status == AgreementStatus.ACTIVE
    rows = await session.scalars(
        select(Agreement)
        .ext(distinct_on(Agreement.resident_id))
        .where(Agreement.resident_id.in_(list(resident_ids)), Agreement.status.in_(_LIVED))
        .order_by(Agreement.resident_id, case((active, 0), else_=1), Agreement.start_date.desc())
    )
    return {row.resident_id: _stay(row, today) for row in rows}


def _stay(agreement: Agreement, today: date) -> Stay:
    end = agreement.end_date
    over = agreement.status != AgreementStatus.ACTIVE or (end is not None and end < today)
    come = agreement.start_date <= today
    return Stay(
        bed_id=None if over else agreement.bed_id,
        check_in_date=agreement.start_date if come else None,
        check_out_date=end if over else None,
        expected_check_out=None if over else end,
    )


def matching(words: str) -> ColumnElement[bool]:
    """The condition that a name, a mail address or a phone holds these words."""
    name = Resident.first_name + " " + Resident.last_name
    found = [
        name.icontains(words, autoescape=True),
        Resident.email.icontains(words, autoescape=True),
    ]
    digits = "".join(letter for letter in words if letter.isdigit())
    if digits and not any(letter.isalpha() for letter in words):
        found.append(Resident.phone.contains(digits))
    return or_(*found)


def living_in(property_id: UUID) -> ColumnElement[bool]:
    """The condition that a resident has a binding agreement in a property."""
    return exists().where(
        Agreement.resident_id == Resident.id,
        Agreement.property_id == property_id,
        Agreement.status.in_(_BINDING),
    )


async def must_be_free(session: AsyncSession, resident_id: UUID, act: str) -> None:
    """Conflict while an agreement binds the resident."""
    number = await session.scalar(
        select(func.min(Agreement.agreement_number)).where(
            Agreement.resident_id == resident_id, Agreement.status.in_(_BINDING)
        )
    )
    if number is not None:
        raise Conflict(f"agreement {number} must end before {act}", code="AGREEMENT_ACTIVE")
