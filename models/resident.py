"""A person on a long stay and the contract of that stay."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.proration import Basis
from models.base import EditedRow, one_of, within_tenant


class ResidentStatus(StrEnum):
    """Where a person stands with the house."""

    PROSPECT = "prospect"
    ACTIVE = "active"
    INACTIVE = "inactive"
    BLACKLISTED = "blacklisted"


class KycStatus(StrEnum):
    """Whether the person is who they say."""

    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class Resident(EditedRow):
    """A person who rents. Identity numbers are encrypted, findable by a keyed index only."""

    __tablename__ = "residents"
    __table_args__ = (
        one_of("status", ResidentStatus),
        one_of("kyc_status", KycStatus),
        Index("ix_residents_phone", "tenant_id", "phone"),
        Index("ix_residents_pan", "tenant_id", "pan_index"),
    )

    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str]
    date_of_birth: Mapped[date | None]
    gender: Mapped[str | None]
    emergency_contact: Mapped[dict[str, Any] | None]
    pan_encrypted: Mapped[bytes | None]
    pan_index: Mapped[bytes | None]
    aadhaar_encrypted: Mapped[bytes | None]
    kyc_status: Mapped[str] = mapped_column(server_default=KycStatus.PENDING)
    kyc_documents: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    occupation: Mapped[str | None]
    organization: Mapped[str | None]
    organization_address: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=ResidentStatus.PROSPECT)
    language: Mapped[str] = mapped_column(server_default="en")
    source: Mapped[str | None]
    notes: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class AgreementStatus(StrEnum):
    """What the contract is, as the operator filters by it."""

    DRAFT = "draft"
    ACTIVE = "active"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"


class AgreementStage(StrEnum):
    """Where the life of an agreement stands."""

    DRAFTED = "drafted"
    AWAITING_SIGNATURES = "awaiting_signatures"
    AWAITING_PAYMENT = "awaiting_payment"
    RESERVED = "reserved"
    CHECKED_IN = "checked_in"
    ON_NOTICE = "on_notice"
    CHECKED_OUT = "checked_out"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class Agreement(EditedRow):
    """The contract of a resident. Its terms are frozen once active; a change is a new revision.

    `billed_through` is the first day of the last month that was billed, here or elsewhere.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        UniqueConstraint("tenant_id", "agreement_number"),
        within_tenant("resident_id", "residents"),
        within_tenant("bed_id", "beds"),
        within_tenant("property_id", "properties"),
        one_of("status", AgreementStatus),
        one_of("stage", AgreementStage),
        one_of("proration_basis", Basis),
        CheckConstraint("rent_minor >= 0", name="rent_not_negative"),
        CheckConstraint("end_date >= start_date", name="ends_after_start"),
        CheckConstraint("rent_due_day between 1 and 31", name="due_day_of_month"),
        CheckConstraint("extract(day from billed_through) = 1", name="billed_through_a_month"),
        Index("ix_agreements_resident", "tenant_id", "resident_id"),
        # A month's run updates every row once: room on the page spares all the indexes.
        {"postgresql_with": {"fillfactor": "50"}},
    )

    resident_id: Mapped[UUID]
    bed_id: Mapped[UUID]
    property_id: Mapped[UUID]
    agreement_number: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=AgreementStatus.DRAFT)
    stage: Mapped[str] = mapped_column(server_default=AgreementStage.DRAFTED)
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    currency: Mapped[str]
    rent_minor: Mapped[int]
    deposit_minor: Mapped[int] = mapped_column(server_default=text("0"))
    maintenance_minor: Mapped[int] = mapped_column(server_default=text("0"))
    food_minor: Mapped[int] = mapped_column(server_default=text("0"))
    utility_minor: Mapped[int] = mapped_column(server_default=text("0"))
    proration_basis: Mapped[str]
    notice_period_days: Mapped[int] = mapped_column(server_default=text("30"))
    rent_due_day: Mapped[int] = mapped_column(server_default=text("5"))
    late_fee_percentage: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    billed_through: Mapped[date | None]
    document_url: Mapped[str | None]
    signed_by_resident_at: Mapped[datetime | None]
    signed_by_owner_at: Mapped[datetime | None]
    terminated_at: Mapped[datetime | None]
    termination_reason: Mapped[str | None]
