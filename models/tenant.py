"""The operator organisation, its people and keys, and the look-ups that lead to it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.proration import Basis
from models.base import Base, TenantRow, one_of


class TenantStatus(StrEnum):
    """Where a tenant stands with us."""

    TRIAL = "trial"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """What a person of the tenant may do; permissions follow from it."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    VIEWER = "viewer"


class Tenant(TenantRow):
    """One operator. Its id is its tenant_id, so the same wall stands around it."""

    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("id = tenant_id", name="is_its_own_tenant"),
        one_of("status", TenantStatus),
    )

    name: Mapped[str]
    slug: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=TenantStatus.ACTIVE)
    country: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str]
    billing_email: Mapped[str]
    test_keys: Mapped[bool] = mapped_column(server_default=text("false"))


class User(TenantRow):
    """A person who works for the tenant."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "email"), one_of("role", Role))

    email: Mapped[str]
    password_hash: Mapped[str]
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    role: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")


class ApiKeyKind(StrEnum):
    """A secret key acts for the tenant; a public key reads what a storefront may show."""

    SECRET = "sk"  # noqa: S105 (the prefix of a kind of key)
    PUBLIC = "pk"


class ApiKey(TenantRow):
    """A program's credential. Only its hash is kept; the key itself is shown once."""

    __tablename__ = "api_keys"
    __table_args__ = (one_of("kind", ApiKeyKind),)

    kind: Mapped[str]
    name: Mapped[str]
    hint: Mapped[str]
    permissions: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class BillingSettings(TenantRow):
    """How this tenant bills. Terms are frozen at issue: a change acts on later invoices."""

    __tablename__ = "billing_settings"
    __table_args__ = (
        UniqueConstraint("tenant_id"),
        one_of("proration_basis", Basis),
        CheckConstraint("late_fee_type in ('percentage', 'fixed')", name="late_fee_type_known"),
        CheckConstraint("invoice_prefix ~ '^[A-Z0-9]{1,3}$'", name="prefix_fits_sixteen"),
    )

    invoice_prefix: Mapped[str] = mapped_column(server_default="INV")
    invoice_starting_number: Mapped[int] = mapped_column(server_default=text("1"))
    default_due_days: Mapped[int] = mapped_column(server_default=text("5"))
    proration_basis: Mapped[str] = mapped_column(server_default=Basis.actual_days)
    late_fee_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    late_fee_type: Mapped[str] = mapped_column(server_default="percentage")
    late_fee_value: Mapped[Decimal] = mapped_column(Numeric(12, 2), server_default=text("5"))
    late_fee_grace_period_days: Mapped[int] = mapped_column(server_default=text("3"))
    late_fee_cap_minor: Mapped[int | None]
    late_fee_minimum_balance_minor: Mapped[int] = mapped_column(server_default=text("0"))
    reminder_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    reminder_days_before: Mapped[int] = mapped_column(server_default=text("3"))
    reminder_days_after: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default=text("'{1,7,15}'")
    )
    gst_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    gst_number: Mapped[str | None]
    upi_vpa: Mapped[str | None]


class NumberSeries(TenantRow):
    """The next number of one document series in one fiscal year: consecutive, never a gap.

    Tax law asks for consecutive numbers per series and year (CGST Rules 46, 49, 53), so a number
    is taken in the transaction that issues the document and goes back with it when that fails.
    """

    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("tenant_id", "series", "fiscal_year"),)

    series: Mapped[str]
    fiscal_year: Mapped[str]
    next_number: Mapped[int]


class TenantSlug(Base):
    """Look-up without a wall: which tenant a slug names."""

    __tablename__ = "tenant_slugs"

    slug: Mapped[str] = mapped_column(primary_key=True)
    of_tenant: Mapped[UUID]


class UserEmail(Base):
    """Look-up without a wall: which user a mail address names."""

    __tablename__ = "user_emails"

    email: Mapped[str] = mapped_column(primary_key=True)
    of_tenant: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]


class ApiKeyHash(Base):
    """Look-up without a wall: which key a hash names."""

    __tablename__ = "api_key_hashes"

    key_hash: Mapped[str] = mapped_column(primary_key=True)
    of_tenant: Mapped[UUID]
    api_key_id: Mapped[UUID]
