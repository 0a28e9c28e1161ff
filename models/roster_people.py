"""The people of a roster: residents, agreements, residences and opening balances.

One statement per table. Beds that somebody else holds are told by `Taken`; the caller undoes the
chunk and leaves them out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import at_local
from domain.ledger import for_opening_deposit
from domain.roster import Person, RosterRow
from models.agreement import next_numbers
from models.bulk import Driver, columns, driver_of, new_ids
from models.identity import pan_columns
from models.vault import Vault


@dataclass(frozen=True, slots=True)
class Office:
    """Whose rows they are, by which settings, and at which instant they are written."""

    tenant_id: UUID
    country: str
    currency: str
    zone: str
    basis: str
    billed_through: date
    today: date
    at: datetime


class Taken(Exception):
    """Rows whose beds somebody else holds on the day of moving in, or later."""

    def __init__(self, rows: Sequence[RosterRow]) -> None:
        super().__init__(f"{len(rows)} beds are taken")
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Home:
    """Who moves in where, and the ids of what is made for them."""

    row: RosterRow
    person: Person
    property_id: UUID
    bed_id: UUID
    resident_id: UUID
    agreement_id: UUID


_RESIDENTS = """
insert into residents (id, first_name, last_name, email, phone, gender, date_of_birth,
                       pan_encrypted, pan_index, status, source)
select n.*, 'active', 'roster'
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[],
              $8::bytea[], $9::bytea[]) as n
"""
_AGREEMENTS = """
insert into agreements (id, resident_id, bed_id, property_id, agreement_number, start_date,
                        rent_minor, deposit_minor, rent_due_day, currency, proration_basis,
                        billed_through, signed_by_resident_at, signed_by_owner_at, status, stage)
select n.*, $10, $11, $12::date, $13::timestamptz, $13::timestamptz, 'active',
       'checked_in'
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::date[],
              $7::bigint[], $8::bigint[], $9::bigint[]) as n
"""
_RESIDENCES = """
insert into occupancies (unit_id, agreement_id, starts_at, kind)
select n.*, 'residence'
  from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as n
on conflict do nothing returning agreement_id
"""
_ENTRIES = """
insert into journal_entries (id, subject_id, kind, day, effective_at, description)
select n.*, 'opening_deposit', $3, $4, 'Deposit taken before these books'
  from unnest($1::uuid[], $2::uuid[]) as n
"""
_POSTINGS = """
insert into postings (entry_id, resident_id, account, minor, currency)
select n.*, $5 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) as n
"""
_EVENTS = """
insert into domain_events (type, subject_kind, subject_id, data, effective_at)
select n.type, n.kind, n.id, n.data::jsonb, $5
  from unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) as n(type, kind, id, data)
"""


async def move_in(
    session: AsyncSession, office: Office, vault: Vault, homes: Sequence[Home]
) -> dict[str, int]:
    """Write everything about who lives there; how many rows of each table were written."""
    driver = await driver_of(session)
    await driver.execute(_RESIDENTS, *columns([_resident(office, vault, h) for h in homes]))
    numbers = await next_numbers(session, office.country, office.today, len(homes))
    terms = [_terms(home, number) for home, number in zip(homes, numbers, strict=True)]
    await driver.execute(
        _AGREEMENTS,
        *columns(terms),
        office.currency,
        office.basis,
        office.billed_through,
        office.at,
    )
    await _claim(driver, office, homes)
    deposits = await _open_balances(driver, office, homes)
    await tell_events(driver, office.at, [_event(home) for home in homes])
    made = dict.fromkeys(("residents", "agreements", "occupancies"), len(homes))
    return {**made, "journal_entries": deposits}


def _resident(office: Office, vault: Vault, home: Home) -> tuple[Any, ...]:
    person = home.person
    pan = pan_columns(vault, office.tenant_id, "pan", person.pan)
    return (
        home.resident_id,
        person.first_name,
        person.last_name,
        person.email,
        person.phone,
        person.gender,
        person.date_of_birth,
        pan["pan_encrypted"],
        pan["pan_index"],
    )


def _terms(home: Home, number: str) -> tuple[Any, ...]:
    return (
        home.agreement_id,
        home.resident_id,
        home.bed_id,
        home.property_id,
        number,
        home.person.move_in,
        home.row.rent_minor,
        home.row.deposit_minor,
        home.person.rent_due_day,
    )


async def _claim(driver: Driver, office: Office, homes: Sequence[Home]) -> None:
    spans = [
        (home.bed_id, home.agreement_id, at_local(home.person.move_in, time(), office.zone))
        for home in homes
    ]
    claimed = await driver.fetch(_RESIDENCES, *columns(spans))
    got = {str(row["agreement_id"]) for row in claimed}  # two libraries' UUIDs are never equal
    missed = [home.row for home in homes if str(home.agreement_id) not in got]
    if missed:
        raise Taken(missed)


async def _open_balances(driver: Driver, office: Office, homes: Sequence[Home]) -> int:
    """One entry per resident; all postings in one statement, so that each entry balances."""
    owed = [home for home in homes if home.row.deposit_minor]
    if not owed:
        return 0
    ids = new_ids(len(owed))
    subjects = [home.agreement_id for home in owed]
    await driver.execute(_ENTRIES, ids, subjects, office.today, office.at)
    postings = [
        (entry_id, home.resident_id, posting.account.value, posting.minor)
        for entry_id, home in zip(ids, owed, strict=True)
        for posting in for_opening_deposit(home.row.deposit_minor)
    ]
    await driver.execute(_POSTINGS, *columns(postings), office.currency)
    return len(owed)


def _event(home: Home) -> tuple[str, str, UUID, dict[str, str]]:
    data = {
        "residentId": str(home.resident_id),
        "bedId": str(home.bed_id),
        "startDate": home.person.move_in.isoformat(),
    }
    return ("agreement.activated", "agreement", home.agreement_id, data)


async def tell_events(
    driver: Driver, at: datetime, events: Sequence[tuple[str, str, UUID, dict[str, str]]]
) -> None:
    """Write domain events: type, kind of subject, subject, data."""
    if not events:
        return
    told = [(name, kind, subject, json.dumps(data)) for name, kind, subject, data in events]
    await driver.execute(_EVENTS, *columns(told), at)
