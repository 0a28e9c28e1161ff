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
from pydantic import BaseModel

PAGE = """
select id, invoice_number, invoice_type, document, status, resident_id, agreement_id, property_id,
       recipient_name, period, invoice_date, due_date, subtotal_minor, tax_minor, total_minor,
       balance_minor, currency, place_of_supply, issued_at, recorded_at
  from invoices order by recorded_at desc, id desc limit $1
"""


class Invoice(BaseModel):
    """An invoice as its columns are."""

    id: UUID
    invoice_number: str | None
    invoice_type: str
    document: str
    status: str
    resident_id: UUID
    agreement_id: UUID | None
    property_id: UUID | None
    recipient_name: str
    period: date | None
    invoice_date: date
    due_date: date
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    balance_minor: int
    currency: str
    place_of_supply: str | None
    issued_at: datetime | None
    recorded_at: datetime


class Page(BaseModel):
    """A list of them."""

    items: list[Invoice]


def build(dsn: str, tenant_id: str) -> FastAPI:
    """One route, one pool, no credential, no wall to pass, no transaction."""
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
        return Page(items=[Invoice(**row) for row in rows])

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(os.environ["BARE_DSN"], os.environ["BARE_TENANT"]),
        port=int(os.environ["BARE_PORT"]),
        log_config=None,
        access_log=False,
    )
