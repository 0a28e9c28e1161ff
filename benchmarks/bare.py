"""The floor: the same invoices and lines into bare tables: no walls, ledger, plan, event, audit."""

import time
from typing import Any
from uuid import UUID

from benchmarks.server import Connection

CHUNK = 500
_INVOICE = (
    "tenant_id, id, resident_id, agreement_id, property_id, invoice_number, invoice_type, document,"
    " status, period, invoice_date, due_date, currency, subtotal_minor, tax_minor, total_minor,"
    " balance_minor, terms, timezone, recipient_name, place_of_supply, issued_at"
)
_LINE = (
    "tenant_id, invoice_id, position, kind, description, sac, quantity, unit_minor,"
    " amount_minor, tax_rate, cgst_minor, sgst_minor, igst_minor"
)
_TABLES = """
create schema if not exists bare;
drop table if exists bare.lines, bare.invoices;
create table bare.invoices
  (like public.invoices including defaults including constraints including indexes);
create table bare.lines
  (like public.invoice_lines including defaults including constraints including indexes,
   foreign key (tenant_id, invoice_id) references bare.invoices (tenant_id, id));
"""
_INSERT_INVOICES = f"""
insert into bare.invoices ({_INVOICE})
select * from unnest(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
  $9::text[], $10::date[], $11::date[], $12::date[], $13::text[], $14::bigint[], $15::bigint[],
  $16::bigint[], $17::bigint[], $18::jsonb[], $19::text[], $20::text[], $21::text[],
  $22::timestamptz[])
"""  # noqa: S608 (names of ours)
_INSERT_LINES = f"""
insert into bare.lines ({_LINE})
select * from unnest(
  $1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[],
  $7::numeric[], $8::bigint[], $9::bigint[], $10::numeric[], $11::bigint[], $12::bigint[],
  $13::bigint[])
"""  # noqa: S608 (names of ours)
_READ_INVOICES = f"select {_INVOICE} from invoices order by id"  # noqa: S608 (names of ours)
_READ_LINES = f"select {_LINE} from invoice_lines order by invoice_id, position"  # noqa: S608


async def insert_barely(owner: Connection, tenant_id: UUID) -> float:
    """Seconds to insert the tenant's invoices again, 500 a transaction; reading is not timed."""
    await owner.execute("select set_config('app.current_tenant', $1, false)", str(tenant_id))
    await owner.execute(_TABLES)
    chunks = await _read(owner)
    began = time.perf_counter()
    for invoices, lines in chunks:
        async with owner.transaction():
            await owner.execute(_INSERT_INVOICES, *zip(*invoices, strict=True))
            await owner.execute(_INSERT_LINES, *zip(*lines, strict=True))
    return time.perf_counter() - began


async def _read(owner: Connection) -> list[tuple[list[Any], list[Any]]]:
    invoices = await owner.fetch(_READ_INVOICES)
    lines = await owner.fetch(_READ_LINES)
    by_invoice: dict[UUID, list[Any]] = {}
    for line in lines:
        by_invoice.setdefault(line["invoice_id"], []).append(tuple(line))
    chunks = [invoices[start : start + CHUNK] for start in range(0, len(invoices), CHUNK)]
    return [
        ([tuple(one) for one in chunk], [line for one in chunk for line in by_invoice[one["id"]]])
        for chunk in chunks
    ]
