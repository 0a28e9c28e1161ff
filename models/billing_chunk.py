"""What one chunk of a billing run bills: agreements by one query, invoices by the pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_run import AgreementTerms, InvoiceDraft, draft
from domain.calendar import Month, local_day
from domain.errors import InvalidInput, Refused
from domain.money import exponent
from domain.proration import Basis
from models.bulk import Driver, new_ids
from models.collection import CollectionTerms, terms_of
from models.record import BillingRun
from models.tenant import BillingSettings, Tenant

# Which agreements a month may bill: those whose next month to bill it is, so that missed months
# go one by one, in order. $1 first day, $2 last day, $3 first day of the month before.
BILLABLE = """
a.status = 'active' and a.start_date <= $2 and (a.end_date is null or a.end_date >= $1)
and (a.billed_through = $3
     or (a.start_date >= $1 and (a.billed_through is null or a.billed_through < $1)))
"""

# What an agreement is billed by, as it now is.
TERMS = """
a.id, a.resident_id, a.property_id, a.currency, a.rent_minor, a.maintenance_minor, a.food_minor,
a.start_date, a.end_date, a.rent_due_day, a.proration_basis, a.late_fee_percentage,
trim(r.first_name || ' ' || r.last_name) as recipient, p.timezone, p.state, p.gst_number
"""
AGREEMENTS = """
agreements a
  join residents r on r.tenant_id = a.tenant_id and r.id = a.resident_id
  join properties p on p.tenant_id = a.tenant_id and p.id = a.property_id
"""
# The rows are locked here and facts about money read by a later statement: whoever moves a
# resident's money holds the same lock.
_TO_BILL = f"""
select {TERMS} from {AGREEMENTS}
 where {BILLABLE} and ($4::uuid is null or a.property_id = $4)
   and {{which}}
 order by a.id
 limit $6
   for no key update of a, r
"""  # noqa: S608 (words of ours)
_ONE = (
    f"select {TERMS} from {AGREEMENTS}"  # noqa: S608 (words of ours)
    " where a.id = $1 and a.status <> 'cancelled'"
)
_AFTER = _TO_BILL.format(which="($5::uuid is null or a.id > $5)")
_THESE = _TO_BILL.format(which="a.id = any($5::uuid[])")
_BASES = {basis.value: basis for basis in Basis}


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """What invoices of equal terms at one property share; `row` is the first of their agreements.

    In a real house a chunk of 500 has some fifty of them: each is reckoned and sent once.
    """

    number: int
    row: Any
    draft: InvoiceDraft
    terms: CollectionTerms


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """One invoice that is ready to be numbered; `row` is the agreement as it was read."""

    id: UUID
    entry_id: UUID
    row: Any
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Refusal:
    """An agreement that could not be billed, and why."""

    agreement_id: UUID
    code: str
    problem: str

    @classmethod
    def by_rule(cls, agreement_id: UUID, error: Refused) -> "Refusal":
        """A rule's own words; of several problems the first names the code."""
        code = error.problems[0].code if isinstance(error, InvalidInput) else error.code
        return cls(agreement_id, code, error.detail)


@dataclass(frozen=True, slots=True)
class Office:
    """What every invoice of a chunk shares: whose books, which month, which day, which terms."""

    tenant: Tenant
    settings: BillingSettings
    month: Month
    property_id: UUID | None
    at: datetime
    issued_on: date
    _terms: dict[tuple[Decimal | None, str], CollectionTerms] = field(
        default_factory=dict[tuple[Decimal | None, str], CollectionTerms]
    )

    def terms(self, late_fee_percentage: Decimal | None, currency: str) -> CollectionTerms:
        """The collection's terms as they are frozen today; the same object for the same terms."""
        key = (late_fee_percentage, currency)
        known = self._terms.get(key)
        if known is None:
            known = terms_of(self.settings, late_fee_percentage, exponent(currency))
            self._terms[key] = known
        return known

    @property
    def scope(self) -> tuple[date, date, date, UUID | None]:
        """The first four parameters of every question about what is billable."""
        return scope(self.month, self.property_id)


@dataclass(slots=True)
class Chunk:
    """What becomes of the agreements of a chunk; `empty` ones owe nothing for the month."""

    patterns: list[Pattern] = field(default_factory=list[Pattern])
    bills: list[Bill] = field(default_factory=list[Bill])
    empty: list[UUID] = field(default_factory=list[UUID])
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    last_id: UUID | None = None
    size: int = 0


def scope(month: Month, property_id: UUID | None) -> tuple[date, date, date, UUID | None]:
    """The parameters of BILLABLE, and the property that narrows it."""
    return month.first, month.last, month.previous().first, property_id


async def office_of(session: AsyncSession, run: BillingRun, at: datetime) -> Office:
    """The tenant and its settings; issued on the tenant's day, never before the period begins."""
    return await office_for(session, Month.of(run.period), run.property_id, at)


async def office_for(
    session: AsyncSession, month: Month, property_id: UUID | None, at: datetime
) -> Office:
    """The same for a month nobody asked a run of."""
    tenant, settings = await billing_terms(session)
    return Office(tenant, settings, month, property_id, at, issued_on(tenant, month, at))


async def billing_terms(session: AsyncSession) -> tuple[Tenant, BillingSettings]:
    """The tenant of the session and how it bills."""
    found = await session.execute(
        select(Tenant, BillingSettings).join(
            BillingSettings, BillingSettings.tenant_id == Tenant.tenant_id
        )
    )
    tenant, settings = found.one()
    return tenant, settings


def issued_on(tenant: Tenant, month: Month, at: datetime) -> date:
    """The tenant's day, never before the period begins."""
    return max(month.first, local_day(at, tenant.timezone))


async def to_bill(driver: Driver, office: Office, after: UUID | None, limit: int) -> Sequence[Any]:
    """The next agreements in key order, locked with their residents."""
    return await driver.fetch(_AFTER, *office.scope, after, limit)


async def these_to_bill(driver: Driver, office: Office, ids: Sequence[UUID]) -> Sequence[Any]:
    """Those of the given agreements that are still to bill, locked with their residents."""
    return await driver.fetch(_THESE, *office.scope, ids, len(ids))


async def terms_now(driver: Driver, agreement_id: UUID) -> Sequence[Any]:
    """The agreement as it now is, whatever was billed of it; none when it was cancelled."""
    return await driver.fetch(_ONE, agreement_id)


def drafted(office: Office, rows: Sequence[Any]) -> Chunk:
    """The invoices that follow from the rows by the pure rules; a refusal names its agreement."""
    chunk = Chunk(size=len(rows), last_id=rows[-1]["id"] if rows else None)
    known: dict[object, Pattern | None] = {}
    ids = iter(new_ids(2 * len(rows)))
    for row in rows:
        alike = _alike(row, office.month.first)
        try:
            if alike not in known:
                known[alike] = _pattern(chunk, office, row)
        except Refused as error:
            chunk.refusals.append(Refusal.by_rule(row["id"], error))
            continue
        pattern = known[alike]
        if pattern is None:
            chunk.empty.append(row["id"])
        else:
            chunk.bills.append(Bill(next(ids), next(ids), row, pattern))
    return chunk


def _alike(row: Any, first: date) -> object:
    """Agreements for which this is equal owe the same; a stay that began before is all one."""
    end = row["end_date"]
    began = row["start_date"]
    return (
        row["property_id"],
        row["currency"],
        row["rent_minor"],
        row["maintenance_minor"],
        row["food_minor"],
        row["rent_due_day"],
        row["proration_basis"],
        row["late_fee_percentage"],
        began if end is not None or began > first else None,
        end,
    )


def _pattern(chunk: Chunk, office: Office, row: Any) -> Pattern | None:
    settings = office.settings
    terms = _terms(row, gst_enabled=settings.gst_enabled)
    owed = draft(terms, office.month, office.issued_on, settings.default_due_days)
    if owed is None:
        return None
    collection = office.terms(row["late_fee_percentage"], row["currency"])
    pattern = Pattern(len(chunk.patterns), row, owed, collection)
    chunk.patterns.append(pattern)
    return pattern


def _terms(row: Any, *, gst_enabled: bool) -> AgreementTerms:
    start, end = row["start_date"], row["end_date"]
    return AgreementTerms(
        agreement_id=row["id"],
        resident_id=row["resident_id"],
        property_id=row["property_id"],
        currency=row["currency"],
        rent_minor=row["rent_minor"],
        maintenance_minor=row["maintenance_minor"],
        food_minor=row["food_minor"],
        start=start,
        end=end,
        due_day=row["rent_due_day"],
        basis=_BASES[row["proration_basis"]],
        gst_enabled=gst_enabled,
        continuous_days=None if end is None else (end - start).days + 1,
    )
