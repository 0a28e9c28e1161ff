"""What every table shares: names of constraints, the tenant's wall, ids made before the insert."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"


class Base(DeclarativeBase):
    """The one registry of tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: String(),
        int: BigInteger(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class WalledRow(Base):
    """A row behind its tenant's wall.

    The tenant is filled from the session that writes it, never typed by hand; the
    migration that makes the table also enables, forces and polices row security.
    """

    __abstract__ = True

    # First of every table, so that every primary key begins with it.
    tenant_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=text(CURRENT_TENANT), sort_order=-2
    )
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class TenantRow(WalledRow):
    """A walled row with an identity of its own: what is not merely a part of another row."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid7, server_default=text("uuidv7()"), sort_order=-1
    )


class EditedRow(TenantRow):
    """A row that people edit: it also tells when it was changed last, by the wall clock."""

    __abstract__ = True
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 (SQLAlchemy's own spelling)

    updated_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), onupdate=text("clock_timestamp()")
    )


def within_tenant(column: str, target: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the tenant: plain keys bypass row security."""
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], **options
    )


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A column that holds one of these words: text and a check, so a new word is a cheap change."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")
