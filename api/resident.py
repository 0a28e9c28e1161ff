"""Residents: people who rent. Their identity numbers go in whole and come out masked only."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select

from api.body import Answer, Body, PlanAnswer, PlannedStep, Prose, Text, Words
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Context, Here, TenantRoute
from domain.calendar import local_day
from domain.errors import InvalidInput
from models import event
from models.agreement_plan import planned_for_resident
from models.contact import mail_address, phone_number
from models.identity import aadhaar_columns, masked_aadhaar, masked_pan, pan_columns
from models.resident import KycStatus, Resident, ResidentStatus
from models.resident_query import (
    Stay,
    held,
    known,
    living_in,
    matching,
    must_be_free,
    stays,
)
from models.vault import Vault

router = APIRouter(prefix="/residents", tags=["residents"], route_class=TenantRoute)
READ, WRITE = allows(Permission.RESIDENTS_READ), allows(Permission.RESIDENTS_WRITE)
SORTS = {"firstName": Resident.first_name, "lastName": Resident.last_name}
Number = Annotated[str, Field(max_length=40)]
_ENDING = (ResidentStatus.PROSPECT, ResidentStatus.INACTIVE, ResidentStatus.BLACKLISTED)


class ResidentFields(Body):
    """What may be said of a resident at any time. The bed and the days follow from agreements."""

    email: Text | None = None
    date_of_birth: Annotated[date, Field(ge=date(1900, 1, 1))] | None = None
    gender: Annotated[Text, Field(max_length=20)] | None = None
    emergency_contact: dict[str, Any] | None = None
    pan_number: Number | None = None
    aadhaar_number: Number | None = None
    kyc_documents: list[Any] = Field(default_factory=list[Any])
    occupation: Text | None = None
    organization: Text | None = None
    organization_address: Prose | None = None
    status: ResidentStatus = ResidentStatus.PROSPECT
    language: Literal["en", "hi"] = "en"
    source: Text | None = None
    notes: Prose | None = None

    def values(self, here: Context) -> dict[str, Any]:
        """The fields that were sent, checked and sealed, as the row keeps them."""
        given = self.given()
        if given.get("email"):
            given["email"] = mail_address("email", given["email"])
        if "phone" in given:
            given["phone"] = phone_number("phone", given["phone"], here.tenant.country)
        born = given.get("date_of_birth")
        if born is not None and born > local_day(here.parts.clock.now(), here.tenant.timezone):
            raise InvalidInput.of("dateOfBirth", "IN_THE_FUTURE", f"is {born}, which is to come")
        vault, tenant_id = here.parts.vault, here.tenant.id
        if "pan_number" in given:
            pan = given.pop("pan_number")
            given |= pan_columns(vault, tenant_id, "panNumber", pan)
        if "aadhaar_number" in given:
            aadhaar = given.pop("aadhaar_number")
            given |= aadhaar_columns(vault, tenant_id, "aadhaarNumber", aadhaar)
        return given


class NewResident(ResidentFields):
    """A resident to be made; a phone without a country code is one of the tenant's country."""

    first_name: Annotated[Text, Field(max_length=100)]
    last_name: Annotated[str, Field(max_length=100)] = ""
    phone: Number

    def values(self, here: Context) -> dict[str, Any]:
        """As for a change; many a person has one name only."""
        return {"last_name": "", **super().values(here)}


class ResidentChange(ResidentFields):
    """What changes; what is not sent stays."""

    first_name: Annotated[Text, Field(max_length=100)] = ""
    last_name: Annotated[str, Field(max_length=100)] = ""
    phone: Number = ""


class ResidentAnswer(Answer):
    """A resident, where they stay, and their identity numbers masked."""

    id: UUID
    bed_id: UUID | None = None
    first_name: str
    last_name: str
    email: str | None
    phone: str
    date_of_birth: date | None
    gender: str | None
    emergency_contact: dict[str, Any] | None
    pan_number: str | None = None
    aadhaar_number: str | None = None
    kyc_status: KycStatus
    kyc_documents: list[Any]
    occupation: str | None
    organization: str | None
    organization_address: str | None
    status: ResidentStatus
    check_in_date: date | None = None
    check_out_date: date | None = None
    expected_check_out: date | None = None
    language: str
    source: str | None
    notes: str | None
    created_at: Annotated[datetime, Field(validation_alias="recorded_at")]
    updated_at: datetime


@router.post("", status_code=201, **WRITE)
async def create_resident(body: NewResident, here: Here) -> ResidentAnswer:
    """Make a resident. Asked twice with one Idempotency-Key, it is made once."""
    made = Resident(**body.values(here))
    here.session.add(made)
    await here.session.flush()
    at = here.parts.clock.now()
    await event.record(here.session, "resident.created", "resident", made.id, at)
    return _shown(made, Stay(), here.parts.vault)


@router.get("", **READ)
async def list_residents(
    here: Here,
    paging: Paging,
    *,
    status: ResidentStatus | None = None,
    kyc_status: Annotated[KycStatus | None, Query(alias="kycStatus")] = None,
    property_id: Annotated[UUID | None, Query(alias="propertyId")] = None,
    q: Words | None = None,
) -> Page[ResidentAnswer]:
    """The tenant's residents; `q` looks in names, mail addresses and phones."""
    conditions = (
        None if status is None else Resident.status == status,
        None if kyc_status is None else Resident.kyc_status == kyc_status,
        None if property_id is None else living_in(property_id),
        None if q is None else matching(q),
    )
    wanted = [condition for condition in conditions if condition is not None]
    query = select(Resident).where(Resident.deleted_at.is_(None), *wanted)
    rows, cursor = await paged(here.session, query, Resident, paging, SORTS)
    staying = await stays(here.session, [row.id for row in rows], _today(here))
    vault = here.parts.vault
    return page_of(rows, cursor, lambda row: _shown(row, staying.get(row.id, Stay()), vault))


@router.get("/{resident_id}", **READ)
async def read_resident(resident_id: UUID, here: Here) -> ResidentAnswer:
    """One resident."""
    return await _staying(here, await known(here.session, resident_id))


@router.put("/{resident_id}", **WRITE)
async def change_resident(resident_id: UUID, body: ResidentChange, here: Here) -> ResidentAnswer:
    """Change what is sent. Only one without a binding agreement stops being active: else 409."""
    found = await held(here.session, resident_id)
    if "status" in body.model_fields_set and body.status in _ENDING:
        await must_be_free(here.session, resident_id, f"the resident is {body.status}")
    for name, value in body.values(here).items():
        setattr(found, name, value)
    await here.session.flush()
    return await _staying(here, found)


@router.delete("/{resident_id}", status_code=204, **WRITE)
async def delete_resident(resident_id: UUID, here: Here) -> None:
    """Hide a resident: 409 while an agreement binds them. Their invoices and papers stay."""
    found = await held(here.session, resident_id)
    await must_be_free(here.session, resident_id, "the resident is removed")
    at = here.parts.clock.now()
    found.deleted_at = at
    await event.record(here.session, "resident.removed", "resident", resident_id, at)


@router.get("/{resident_id}/plan", **READ)
async def plan_of_resident(resident_id: UUID, here: Here) -> PlanAnswer:
    """What happens next over all that is open for the resident, the next first."""
    found = await known(here.session, resident_id)
    actions, life = await planned_for_resident(here.session, found.id, here.parts.clock.now())
    steps = [PlannedStep.model_validate(action) for action in actions]
    return PlanAnswer(stage=found.status, next=steps, workflow_id=life)


def _today(here: Context) -> date:
    return local_day(here.parts.clock.now(), here.tenant.timezone)


async def _staying(here: Context, row: Resident) -> ResidentAnswer:
    staying = await stays(here.session, [row.id], _today(here))
    return _shown(row, staying.get(row.id, Stay()), here.parts.vault)


def _shown(row: Resident, stay: Stay, vault: Vault) -> ResidentAnswer:
    return ResidentAnswer.model_validate(row).model_copy(
        update={
            "bed_id": stay.bed_id,
            "check_in_date": stay.check_in_date,
            "check_out_date": stay.check_out_date,
            "expected_check_out": stay.expected_check_out,
            "pan_number": masked_pan(vault, row),
            "aadhaar_number": masked_aadhaar(vault, row),
        }
    )
