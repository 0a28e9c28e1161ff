"""Advances that pay for the invoices of a chunk: the oldest payment first, set-based."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from json import dumps
from typing import Any, TypeAlias
from uuid import UUID

from models.billing_chunk import Bill
from models.bulk import Driver, Statement, columns, new_ids

# Locked in the order of ids, as everywhere; used in the order the money came.
_ADVANCES = """
select id, resident_id, currency, unallocated_minor, paid_on, payment_number
  from payments
 where resident_id = any($1::uuid[]) and unallocated_minor > 0
 order by id
"""
_HELD = f"{_ADVANCES} for update"
_ALLOCATIONS = """
insert into allocations (id, payment_id, invoice_id, amount_minor, currency, effective_at)
select a.*, $6::timestamptz
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[]) a
"""
_PAYMENTS = """
update payments p set unallocated_minor = p.unallocated_minor - used.minor
  from (select payment_id, sum(minor)::bigint as minor
          from unnest($1::uuid[], $2::bigint[]) u(payment_id, minor) group by payment_id) used
 where p.id = used.payment_id
"""


_EVENTS = """
insert into domain_events (id, type, subject_kind, subject_id, data, effective_at)
select e.id, e.type, 'invoice', e.subject_id, e.data, $5::timestamptz
  from unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[]) e(id, type, subject_id, data)
"""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a payment's advance pays for an invoice."""

    payment_id: UUID
    payment_number: str
    minor: int


Purses: TypeAlias = dict[tuple[UUID, str], list[Use]]


async def uses(driver: Driver, bills: Sequence[Bill]) -> dict[UUID, list[Use]]:
    """By invoice, the advances that pay for it; residents are locked, payments are locked here."""
    residents = [bill.row["resident_id"] for bill in bills]
    found = await driver.fetch(_HELD, residents)
    return shared_out(_purses(found), bills) if found else {}


async def purses(driver: Driver, residents: Sequence[UUID]) -> Purses:
    """What these residents have in advance now; nothing is locked."""
    return _purses(await driver.fetch(_ADVANCES, residents))


def _purses(found: Sequence[Any]) -> Purses:
    left: Purses = {}
    for row in sorted(found, key=lambda row: (row["paid_on"], row["payment_number"])):
        purse = left.setdefault((row["resident_id"], row["currency"]), [])
        purse.append(Use(row["id"], row["payment_number"], row["unallocated_minor"]))
    return left


def shared_out(left: Purses, bills: Sequence[Bill]) -> dict[UUID, list[Use]]:
    """By invoice, what is taken out of its payer's purse, which holds the rest afterwards."""
    used: dict[UUID, list[Use]] = {}
    for bill in bills:
        purse = left.get((bill.row["resident_id"], bill.row["currency"]))
        if purse:
            used[bill.id] = _taken(purse, bill.pattern.draft.total_minor)
    return used


def _taken(purse: list[Use], owed: int) -> list[Use]:
    """Take what is owed out of the purse, as far as it goes."""
    used: list[Use] = []
    while purse and owed:
        whole = purse.pop(0)
        part = min(whole.minor, owed)
        used.append(replace(whole, minor=part))
        owed -= part
        if whole.minor > part:
            purse.insert(0, replace(whole, minor=whole.minor - part))
    return used


def statements(
    at: datetime, used: Sequence[tuple[Bill, Use]], paid: Sequence[tuple[Bill, str]]
) -> Iterator[Statement]:
    """Writes the allocations, takes what was used off the advances, and tells of both.

    `paid` are the invoices on which nothing is left to pay, with their numbers.
    """
    rows = [(use.payment_id, bill.id, use.minor, bill.row["currency"]) for bill, use in used]
    yield Statement(_ALLOCATIONS, (new_ids(len(rows)), *columns(rows), at))
    yield Statement(_PAYMENTS, columns([(use.payment_id, use.minor) for _, use in used]))
    events = [("advance.used", bill.id, _told(bill, use)) for bill, use in used]
    events += [("invoice.paid", bill.id, _told_paid(bill, number)) for bill, number in paid]
    yield Statement(_EVENTS, (new_ids(len(events)), *columns(events), at))


def _told_paid(bill: Bill, number: str) -> str:
    return dumps(
        {
            "resident_id": str(bill.row["resident_id"]),
            "number": number,
            "total_minor": bill.pattern.draft.total_minor,
            "balance_minor": 0,
            "currency": bill.row["currency"],
        }
    )


def _told(bill: Bill, use: Use) -> str:
    return dumps(
        {
            "payment_id": str(use.payment_id),
            "amount_minor": use.minor,
            "currency": bill.row["currency"],
        }
    )
