"""What a run would bill, by the engine the run uses, in a read-only transaction without locks.

The months nobody billed go first, as they would; what they use of an advance is gone for the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_preview import (
    FeeAhead,
    MonthBill,
    Stay,
    Warned,
    bills,
    fees_ahead,
    unbilled,
    warnings,
)
from domain.calendar import Month, local_day
from domain.invoice import InvoiceStatus, InvoiceType
from models import billing_advance
from models.billing_advance import Purses, Use
from models.billing_chunk import (
    AGREEMENTS,
    TERMS,
    Bill,
    Chunk,
    Office,
    Refusal,
    billing_terms,
    drafted,
    issued_on,
)
from models.billing_issue import asked_of, facts_at_issue, gstin_of
from models.bulk import driver_of
from models.database import one
from models.fee_ahead import OpenFee, Scope, open_fees
from models.fee_facts import ALONE, Beside, fees_beside
from models.invoice import Invoice
from models.place import Property
from models.resident import Agreement, Resident
from models.tenant import BillingSettings, Tenant

# Whom the month or one before it may bill; which of them it does is domain.billing_preview.bills.
_CANDIDATES = f"""
select {TERMS}, a.agreement_number, a.billed_through
  from {AGREEMENTS}
 where a.status = 'active' and a.start_date <= $1
   and (a.billed_through is null or a.billed_through < $2)
   and ($3::uuid is null or a.property_id = $3)
   and ($4::uuid is null or a.resident_id = $4)
   and ($5::uuid is null or a.id = $5)
 order by a.id
"""  # noqa: S608 (words of ours)
_NO_INVOICE = (InvoiceStatus.draft, InvoiceStatus.cancelled)


@dataclass(frozen=True, slots=True)
class AskedPreview:
    """Which month, of whom, thought to be run at which instant.

    `settings` are columns of the billing settings thought to be otherwise, `agreements` columns of
    single agreements. Bills that differ by more than `differs_percent` are warned of.
    """

    month: Month
    at: datetime
    scope: Scope
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    agreements: Mapping[UUID, Mapping[str, Any]] = field(
        default_factory=dict[UUID, Mapping[str, Any]]
    )
    differs_percent: Decimal = Decimal(20)


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """An invoice as it would be issued; `fees` are what follows if nothing is paid."""

    month: Month
    issued_on: date
    bill: Bill
    used: Sequence[Use]
    balance_minor: int
    fees: Sequence[FeeAhead]
    before: MonthBill | None
    warned: Sequence[Warned]


@dataclass(slots=True)
class Preview:
    """What would become of every agreement of the scope, month by month, in the run's order."""

    months: list[Month]
    invoices: list[Foreseen] = field(default_factory=list[Foreseen])
    refusals: list[tuple[Month, Refusal]] = field(default_factory=list[tuple[Month, Refusal]])
    empty: list[tuple[Month, UUID]] = field(default_factory=list[tuple[Month, UUID]])
    open_fees: list[OpenFee] = field(default_factory=list[OpenFee])


async def preview(session: AsyncSession, asked: AskedPreview) -> Preview:
    """Foresee the run; NotFound for a property, resident or agreement that is not there.

    The savepoint is read-only, so PostgreSQL itself refuses every write and every row lock.
    """
    async with session.begin_nested():
        await session.execute(text("set transaction read only"))
        await _must_exist(session, asked)
        return await _foreseen(session, asked)


async def _must_exist(session: AsyncSession, asked: AskedPreview) -> None:
    scope = asked.scope
    for model, row_id in (
        (Property, scope.property_id),
        (Resident, scope.resident_id),
        (Agreement, scope.agreement_id),
    ):
        if row_id is not None:
            await one(session, model, row_id)


async def _foreseen(session: AsyncSession, asked: AskedPreview) -> Preview:
    tenant, settings = await billing_terms(session)
    driver = await driver_of(session)
    month, scope = asked.month, asked.scope
    found = await driver.fetch(_CANDIDATES, month.last, month.first, *scope.ids)
    rows = [_as_thought(row, asked.agreements) for row in found]
    months = _months(rows, asked, local_day(asked.at, tenant.timezone))
    house = _House(
        session=session,
        tenant=tenant,
        settings=_thought(settings, asked.settings),
        asked=asked,
        purses=await billing_advance.purses(driver, [row["resident_id"] for row in rows]),
        before=await _billed(session, [row["id"] for row in rows], months),
    )
    seen = Preview(months)
    through = {row["id"]: row["billed_through"] for row in rows}
    for one_month in months:
        await house.bill(seen, one_month, rows, through)
    seen.open_fees = await open_fees(session, scope)
    return seen


def _as_thought(row: Any, changes: Mapping[UUID, Mapping[str, Any]]) -> Any:
    return {**row, **changes[row["id"]]} if row["id"] in changes else row


def _thought(settings: BillingSettings, changes: Mapping[str, Any]) -> BillingSettings:
    """The settings as they would be: a row of nobody's session, never written."""
    if not changes:
        return settings
    kept = {column.key: getattr(settings, column.key) for column in BillingSettings.__table__.c}
    return BillingSettings(**{**kept, **changes})


def _months(rows: Sequence[Any], asked: AskedPreview, today: date) -> list[Month]:
    """The months nobody billed that have come by then, and the one that is asked for."""
    until = min(asked.month.previous().last, today)
    missed = {month for row in rows for month in unbilled(_stay(row), until)}
    return [*sorted(missed), asked.month]


def _stay(row: Any, through: Mapping[UUID, date | None] | None = None) -> Stay:
    billed = row["billed_through"] if through is None else through[row["id"]]
    return Stay(row["start_date"], row["end_date"], billed)


_Billed = dict[tuple[UUID, date], MonthBill]


async def _billed(session: AsyncSession, ids: Sequence[UUID], months: Sequence[Month]) -> _Billed:
    """What each agreement was billed for the months before these."""
    found = await session.execute(
        select(
            Invoice.agreement_id,
            Invoice.period,
            Invoice.total_minor,
            Invoice.currency,
            Invoice.document,
        ).where(
            Invoice.period.in_([month.previous().first for month in months]),
            Invoice.agreement_id == any_(bindparam("ids", ids, type_=ARRAY(Uuid))),
            Invoice.invoice_type == InvoiceType.rent,
            Invoice.status.not_in(_NO_INVOICE),
        )
    )
    return {
        (agreement_id, period): MonthBill(total, currency, document)
        for agreement_id, period, total, currency, document in found
        if agreement_id is not None and period is not None
    }


@dataclass(slots=True)
class _House:
    """What carries over from one foreseen month to the next: advances, and what was billed."""

    session: AsyncSession
    tenant: Tenant
    settings: BillingSettings
    asked: AskedPreview
    purses: Purses
    before: _Billed
    fees: dict[tuple[Month, int, int, Beside], list[FeeAhead]] = field(
        default_factory=dict[tuple[Month, int, int, Beside], list[FeeAhead]]
    )

    async def bill(
        self, seen: Preview, month: Month, rows: Sequence[Any], through: dict[UUID, date | None]
    ) -> None:
        """Add what the month's run would do, and go on as if it had been done."""
        day = issued_on(self.tenant, month, self.asked.at)
        place = self.asked.scope.property_id
        office = Office(self.tenant, self.settings, month, place, self.asked.at, day)
        chunk = drafted(office, [row for row in rows if bills(_stay(row, through), month)])
        beside = await fees_beside(self.session, [asked_of(office, bill) for bill in chunk.bills])
        self._add(seen, office, chunk, beside)
        for agreement_id in (*(bill.row["id"] for bill in chunk.bills), *chunk.empty):
            through[agreement_id] = month.first

    def _add(
        self, seen: Preview, office: Office, chunk: Chunk, beside: Mapping[UUID, Beside]
    ) -> None:
        uses = billing_advance.shared_out(self.purses, chunk.bills)
        for bill in chunk.bills:
            used = uses.get(bill.id, [])
            near = beside.get(bill.id, ALONE)
            seen.invoices.append(self._invoice(office, bill, used, near))
        seen.refusals += [(office.month, refusal) for refusal in chunk.refusals]
        seen.empty += [(office.month, agreement_id) for agreement_id in chunk.empty]

    def _invoice(self, office: Office, bill: Bill, used: Sequence[Use], near: Beside) -> Foreseen:
        month, row, owed = office.month, bill.row, bill.pattern.draft
        balance = owed.total_minor - sum(use.minor for use in used)
        now = MonthBill(owed.total_minor, row["currency"], owed.document.value)
        before = self.before.get((row["id"], month.previous().first))
        self.before[row["id"], month.first] = now
        return Foreseen(
            month=month,
            issued_on=office.issued_on,
            bill=bill,
            used=used,
            balance_minor=balance,
            fees=self._fees(office, bill, balance, near),
            before=before,
            warned=warnings(
                _stay(row),
                month,
                now,
                before,
                gstin=gstin_of(office, row),
                differs_percent=self.asked.differs_percent,
            ),
        )

    def _fees(self, office: Office, bill: Bill, balance: int, near: Beside) -> list[FeeAhead]:
        """One plan for all invoices of a pattern and balance, as where they are issued."""
        pattern = bill.pattern
        key = (office.month, pattern.number, balance, near)
        if key not in self.fees:
            facts = facts_at_issue(office, pattern, balance, near)
            self.fees[key] = fees_ahead(facts, pattern.draft.lines, office.at)
        return self.fees[key]
