"""A row of every tenant table, made from the tables' own definitions: for tests of the walls."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Uuid,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from models.database import tenant_of
from models.registry import TABLES

DAY = date(2026, 10, 1)
AT = datetime(2026, 10, 1, 4, 30, tzinfo=UTC)

# What a check constraint asks of a column, where a plain filler would be refused.
WORDS: dict[tuple[str, str], Any] = {
    ("api_keys", "kind"): "sk",
    ("users", "role"): "viewer",
    ("properties", "type"): "pg",
    ("units", "kind"): "bed",
    ("occupancies", "kind"): "residence",
    ("agreements", "rent_due_day"): 5,
    ("agreements", "proration_basis"): "actual_days",
    ("invoices", "status"): "draft",
    ("invoices", "invoice_type"): "rent",
    ("invoices", "document"): "bill_of_supply",
    ("invoices", "subtotal_minor"): 100,
    ("invoices", "tax_minor"): 0,
    ("invoices", "total_minor"): 100,
    ("invoices", "balance_minor"): 100,
    ("payments", "method"): "cash",
    ("payments", "status"): "completed",
    ("payments", "unallocated_minor"): 0,
    ("postings", "account"): "cash",
    ("lives", "subject_kind"): "invoice",
    ("wakes", "subject_kind"): "invoice",
    ("messages", "purpose"): "reminder",
    ("deliveries", "channel"): "email",
    ("statement_lines", "state"): "booked",
    ("statement_lines", "rule"): "exact",
    ("payment_accounts", "provider"): "razorpay",
    ("payment_accounts", "mode"): "own_keys",
    ("payment_accounts", "status"): "active",
    ("payment_attempts", "provider"): "razorpay",
    ("payment_attempts", "by"): "link",
    ("payment_attempts", "status"): "created",
    ("gateway_logs", "provider"): "razorpay",
    ("payment_methods", "provider"): "stripe",
    ("payment_methods", "kind"): "card",
    ("payment_methods", "status"): "created",
}
FILLERS: tuple[tuple[Any, Callable[[], Any]], ...] = (
    (Uuid, uuid7),
    (DateTime, lambda: AT),
    (Date, lambda: DAY),
    (LargeBinary, lambda: b"x"),
    (Boolean, lambda: False),
    ((BigInteger, Integer), lambda: 1),
    (Numeric, lambda: Decimal(1)),
    (JSONB, dict),
    (ARRAY, list),
)
ALREADY = {"tenants", "billing_settings", "audit_log"}


async def a_row_of_every_table(session: AsyncSession) -> dict[str, dict[str, Any]]:
    """Insert one row into each table that has none, in the order of their keys; what was put."""
    made: dict[str, dict[str, Any]] = {}
    for table in TABLES.sorted_tables:
        if "tenant_id" not in table.c:
            continue
        if table.name in ALREADY:
            row = (await session.execute(select(table).limit(1))).mappings().one()
            made[table.name] = dict(row)
        else:
            made[table.name] = await _put(session, table, made)
    return made


async def _put(
    session: AsyncSession, table: Table, made: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    row = {column.name: _filler(session, table, column.name) for column in table.c}
    row = {name: value for name, value in row.items() if value is not None}
    for key in table.foreign_key_constraints:
        column = next(c.name for c in key.columns if c.name != "tenant_id")
        if key.referred_table is not table and column in _wanted(table):
            row[column] = made[key.referred_table.name]["id"]
    rows = [row]
    if table.name == "postings":
        row["entry_id"] = made["journal_entries"]["id"]  # a trigger's reference, not a key's
        rows.append({**row, "id": uuid7(), "minor": -row["minor"]})
    await session.execute(table.insert().values(rows))
    return row


def _wanted(table: Table) -> set[str]:
    optional = {"parent_id", "replaces_id"}
    if table.name == "allocations":
        optional.add("credit_note_id")
    return {column.name for column in table.c} - optional


def _filler(session: AsyncSession, table: Table, name: str) -> Any:
    column = table.c[name]
    if name == "tenant_id":
        return tenant_of(session)
    if name == "id":
        return uuid7()
    if (table.name, name) in WORDS:
        return WORDS[table.name, name]
    if column.nullable or column.server_default is not None or column.computed is not None:
        return None
    return next((make() for kinds, make in FILLERS if isinstance(column.type, kinds)), "x")
