"""The floor of a read: a bare FastAPI route with one query. `python -m benchmarks.bare_api`."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

PAGE = """
select i.*, coalesce(a.paid, 0)::bigint as paid, coalesce(a.credited, 0)::bigint as credited,
       (now() at time zone i.timezone)::date as today
  from invoices i
  left join lateral (
    select sum(amount_minor) filter (where payment_id is not null and not recovered) as paid,
           sum(amount_minor) filter (where credit_note_id is not null) as credited
      from allocations where invoice_id = i.id) a on true
 order by i.recorded_at desc, i.id desc limit $1
"""


class Money(BaseModel):
    """An amount."""

    amount: str
    currency: str


class Invoice(BaseModel):
    """The answer of `GET /invoices`, word for word."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: UUID
    invoice_number: str | None
    invoice_type: str
    document: str
    status: str
    resident_id: UUID
    agreement_id: UUID | None
    property_id: UUID | None
    parent_id: UUID | None
    replaces_id: UUID | None
    recipient_name: str
    period: str | None
    invoice_date: date
    due_date: date
    days_overdue: int
    subtotal: Money
    discount_amount: Money
    tax_amount: Money
    total_amount: Money
    amount_paid: Money
    amount_credited: Money
    amount_written_off: Money
    amount_recovered: Money
    balance_due: Money
    gst_number: str | None
    place_of_supply: str | None
    notes: str | None
    issued_at: datetime | None
    sent_at: datetime | None
    viewed_at: datetime | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    closing_reason: str | None
    paused_until: date | None
    promised_for: date | None
    instalments_agreed_at: datetime | None
    disputed_at: datetime | None
    fee_waived_at: datetime | None
    created_at: datetime


class Page(BaseModel):
    """A list of them."""

    items: list[Invoice]


def _shown(row: Any) -> Invoice:
    def money(minor: int) -> Money:
        return Money(amount=f"{minor // 100}.{minor % 100:02d}", currency=row["currency"])

    late = row["status"] == "issued" and row["today"] > row["due_date"]
    fields: dict[str, Any] = dict(row.items()) | {
        "status": "overdue" if late else row["status"],
        "days_overdue": (row["today"] - row["due_date"]).days if late else 0,
        "period": f"{row['period']:%Y-%m}",
        "subtotal": money(row["subtotal_minor"]),
        "discount_amount": money(row["discount_minor"]),
        "tax_amount": money(row["tax_minor"]),
        "total_amount": money(row["total_minor"]),
        "amount_paid": money(row["paid"]),
        "amount_credited": money(row["credited"]),
        "amount_written_off": money(row["written_off_minor"]),
        "amount_recovered": money(row["recovered_minor"]),
        "balance_due": money(row["balance_minor"]),
        "gst_number": row["supplier_gstin"],
        "created_at": row["recorded_at"],
    }
    return Invoice(**fields)


def build(dsn: str, tenant_id: str) -> FastAPI:
    """One route, one pool, no credential, no transaction; row security as for anybody."""
    pool: Any = None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        nonlocal pool
        identity = {"app.current_tenant": tenant_id}
        async with asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            dsn, min_size=10, max_size=10, server_settings=identity
        ) as pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health/live")
    async def live() -> str:  # pyright: ignore[reportUnusedFunction]
        return "ok"

    @app.get("/invoices")
    async def invoices(limit: int = 50) -> Page:  # pyright: ignore[reportUnusedFunction]
        rows = await pool.fetch(PAGE, limit)
        return Page(items=[_shown(row) for row in rows])

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(os.environ["BARE_DSN"], os.environ["BARE_TENANT"]),
        port=int(os.environ["BARE_PORT"]),
        log_config=None,
        access_log=False,
    )
