"""A resident as a provider knows them: made there once for every merchant account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TenantRow, within_tenant
from models.database import tenant_of


class ProviderCustomer(TenantRow):
    """Who a resident is at a provider. The row is there before the provider is asked.

    `asked_at` is when it was asked first: an answer that was lost is looked for from then on.
    `made` counts how often the provider was asked for a new one, because it forgot the one before.
    """

    __tablename__ = "provider_customers"
    __table_args__ = (
        within_tenant("account_id", "payment_accounts"),
        within_tenant("resident_id", "residents"),
        UniqueConstraint("tenant_id", "account_id", "resident_id"),
    )

    account_id: Mapped[UUID]
    resident_id: Mapped[UUID]
    customer_id: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    made: Mapped[int] = mapped_column(server_default=text("1"))


async def locked(session: AsyncSession, account_id: UUID, resident_id: UUID) -> ProviderCustomer:
    """The resident's row at this account, made where there is none, locked and read anew."""
    values = {"account_id": account_id, "resident_id": resident_id}
    await session.execute(
        insert(ProviderCustomer)
        .values(tenant_id=tenant_of(session), **values)
        .on_conflict_do_nothing(index_elements=["tenant_id", "account_id", "resident_id"])
    )
    rows = await session.scalars(
        select(ProviderCustomer)
        .filter_by(**values)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.one()


async def made(session: AsyncSession, row_id: UUID, customer_id: str) -> None:
    """The provider named them; the first name stands."""
    row = await session.get_one(
        ProviderCustomer, (tenant_of(session), row_id), with_for_update=True
    )
    row.customer_id = row.customer_id or customer_id


async def forgotten(session: AsyncSession, row_id: UUID, customer_id: str) -> None:
    """The provider knows nobody by this name any more: it is asked for another one."""
    row = await session.get_one(
        ProviderCustomer, (tenant_of(session), row_id), with_for_update=True
    )
    if row.customer_id == customer_id:
        row.customer_id = row.asked_at = None
        row.made += 1
