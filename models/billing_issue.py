"""Issues the invoices of a chunk, set-based: each table is written by one statement.

Everything an invoice brings (lines, entry, postings, used advances, event, plan, wake-up) stands
in the caller's transaction, so all of it is there or nothing is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import invoice_collection, keys
from domain.calendar import fiscal_year
from domain.invoice import RECURRING, InvoiceStatus, InvoiceType
from domain.invoice_collection import CollectionFacts
from domain.late_fee import LateFeeTerms
from domain.ledger import for_advance_use
from domain.next_action import NextAction
from domain.numbering import series_of
from models import billing_advance
from models.billing_advance import Use
from models.billing_chunk import Bill, Chunk, Office, Pattern
from models.bulk import Statement, carry_out, columns, driver_of, new_ids
from models.fee_facts import ALONE, Asked, Beside, fees_beside
from models.number import take_numbers

# Ids are made by us and dealt out by row number: a default would cost four times as much.
_INVOICES = """
insert into invoices (
  id, resident_id, agreement_id, invoice_number, recipient_name, balance_minor, status, paid_at,
  property_id, document, due_date, currency, subtotal_minor, tax_minor, total_minor, terms,
  timezone, supplier_gstin, place_of_supply, invoice_type, period, invoice_date, issued_at)
select i.id, i.resident_id, i.agreement_id, i.number, i.recipient, i.balance,
       case when i.balance = 0 then 'paid' else 'issued' end,
       case when i.balance = 0 then $23::timestamptz end,
       p.property_id, p.document, p.due, p.currency, p.subtotal, p.tax, p.total, p.terms,
       p.zone, p.gstin, p.place, $20::text, $21::date, $22::date, $23::timestamptz
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::int[])
       i(id, resident_id, agreement_id, number, recipient, balance, pattern)
  join unnest($8::int[], $9::uuid[], $10::text[], $11::date[], $12::text[], $13::bigint[],
              $14::bigint[], $15::bigint[], $16::jsonb[], $17::text[], $18::text[], $19::text[])
       p(pattern, property_id, document, due, currency, subtotal, tax, total, terms, zone, gstin,
         place) using (pattern)
"""
_LINES = """
insert into invoice_lines (
  id, invoice_id, position, kind, description, sac, quantity, unit_minor, amount_minor, tax_rate,
  cgst_minor, sgst_minor, igst_minor)
select ($1::uuid[])[row_number() over ()], i.id, l.position, l.kind, l.description, l.sac,
       l.quantity, l.unit, l.amount, l.rate::numeric, l.cgst, l.sgst, l.igst
  from unnest($2::uuid[], $3::int[]) i(id, pattern)
  join unnest($4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::bigint[],
              $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[],
              $15::bigint[])
       l(pattern, position, kind, description, sac, quantity, unit, amount, rate, cgst, sgst, igst)
       using (pattern)
"""
_ENTRIES = """
insert into journal_entries (id, kind, subject_id, description, day, effective_at)
select e.*, $5::date, $6::timestamptz
  from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) e
"""
_POSTINGS = """
insert into postings (id, entry_id, account, minor, currency, invoice_id, resident_id)
select ($1::uuid[])[row_number() over ()], a.entry_id, s.account, s.minor, s.currency,
       case when s.account = 'receivables' then a.invoice_id end, a.resident_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[])
       a(entry_id, invoice_id, resident_id, act)
  join unnest($6::int[], $7::text[], $8::bigint[], $9::text[]) s(act, account, minor, currency)
       using (act)
"""
_EVENTS = """
insert into domain_events (id, type, subject_kind, subject_id, data, effective_at)
select e.id, 'invoice.issued', 'invoice', e.subject_id,
       jsonb_build_object('number', e.number, 'total_minor', e.total, 'balance_minor', e.balance,
                          'currency', e.currency),
       $7::timestamptz
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
       e(id, subject_id, number, total, balance, currency)
"""
_PLANS = """
insert into next_actions (
  subject_kind, subject_id, property_id, ordinal, at, what, why, changeable_by)
select 'invoice', i.id, i.property_id, a.ordinal, a.at, a.what, a.why, a.changeable_by
  from unnest($1::uuid[], $2::uuid[], $3::int[]) i(id, property_id, plan)
  join unnest($4::int[], $5::int[], $6::timestamptz[], $7::text[], $8::text[], $9::jsonb[])
       a(plan, ordinal, at, what, why, changeable_by) using (plan)
"""
_WAKES = """
insert into wakes (id, subject_kind, subject_id, workflow_id)
select id, 'invoice', subject_id, workflow_id
  from unnest($1::uuid[], $2::uuid[], $3::text[]) w(id, subject_id, workflow_id)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Issued:
    """An invoice that has its number; `used` are the advances that pay for it."""

    bill: Bill
    number: str
    used: Sequence[Use]
    balance: int


async def issue(session: AsyncSession, office: Office, chunk: Chunk) -> list[Issued]:
    """Number and write the invoices; residents and agreements are locked by the caller."""
    bills = chunk.bills
    if not bills:
        return []
    driver = await driver_of(session)
    uses = await billing_advance.uses(driver, bills)
    numbers = await _numbers(session, office, bills)
    issued = [
        _issued(bill, number, uses.get(bill.id, ()))
        for bill, number in zip(bills, numbers, strict=True)
    ]
    beside = await fees_beside(session, [asked_of(office, bill) for bill in bills])
    await carry_out(driver, _statements(office, chunk, issued, beside))
    return issued


def _statements(
    office: Office, chunk: Chunk, issued: Sequence[Issued], beside: Mapping[UUID, Beside]
) -> Iterator[Statement]:
    """One per table, in the order of their keys."""
    yield _invoices(office, chunk.patterns, issued)
    yield _lines(chunk.patterns, chunk.bills)
    yield from _ledger(office, chunk.patterns, issued)
    yield _events(office, issued)
    used = [(one.bill, use) for one in issued for use in one.used]
    if used:
        paid = [(one.bill, one.number) for one in issued if not one.balance]
        yield from billing_advance.statements(office.at, used, paid)
    owed = [one for one in issued if one.balance]
    if owed:
        yield from _plans(office, owed, beside)
        yield _wakes(office, owed)


def _issued(bill: Bill, number: str, used: Sequence[Use]) -> Issued:
    balance = bill.pattern.draft.total_minor
    if used:
        balance -= sum(use.minor for use in used)
    return Issued(bill, number, used, balance)


async def _numbers(session: AsyncSession, office: Office, bills: Sequence[Bill]) -> list[str]:
    """A number for each, in order: tax invoices and bills of supply have series of their own."""
    prefix = office.settings.invoice_prefix
    series = [series_of(bill.pattern.draft.document, prefix) for bill in bills]
    year = fiscal_year(office.issued_on, office.tenant.country)
    wanted = {name: series.count(name) for name in set(series)}
    taken = await take_numbers(session, wanted, year, office.settings)
    given = {name: iter(numbers) for name, numbers in taken.items()}
    return [next(given[name]) for name in series]


def _invoices(office: Office, patterns: Sequence[Pattern], issued: Sequence[Issued]) -> Statement:
    rows = [
        (
            *(one.bill.id, one.bill.row["resident_id"], one.bill.row["id"], one.number),
            *(one.bill.row["recipient"], one.balance, one.bill.pattern.number),
        )
        for one in issued
    ]
    shared = (InvoiceType.rent.value, office.month.first, office.issued_on, office.at)
    described = [_described(office, pattern) for pattern in patterns]
    return Statement(_INVOICES, (*columns(rows), *columns(described), *shared))


def _described(office: Office, pattern: Pattern) -> Sequence[object]:
    """What the invoices of a pattern have in common, in the order of the statement."""
    owed, row = pattern.draft, pattern.row
    return (
        *(pattern.number, row["property_id"], owed.document.value, owed.due, row["currency"]),
        *(owed.subtotal_minor, owed.tax_minor, owed.total_minor, dumps(pattern.terms.written())),
        *(row["timezone"], gstin_of(office, row), row["state"]),
    )


def gstin_of(office: Office, row: Any) -> str | None:
    """Whose registration stands on the invoice: the property's, else the operator's."""
    settings = office.settings
    return row["gst_number"] or (settings.gst_number if settings.gst_enabled else None)


def _lines(patterns: Sequence[Pattern], bills: Sequence[Bill]) -> Statement:
    amount = sum(len(bill.pattern.draft.lines) for bill in bills)
    lines = [
        (
            *(pattern.number, position, line.kind.value, line.description, line.sac),
            *(line.quantity, line.unit_minor, line.amount_minor, str(line.rate)),
            *(line.cgst_minor, line.sgst_minor, line.igst_minor),
        )
        for pattern in patterns
        for position, line in enumerate(pattern.draft.lines, 1)
    ]
    invoices = [(bill.id, bill.pattern.number) for bill in bills]
    return Statement(_LINES, (new_ids(amount), *columns(invoices), *columns(lines)))


def _ledger(
    office: Office, patterns: Sequence[Pattern], issued: Sequence[Issued]
) -> Iterator[Statement]:
    """The charge of each invoice and, where advances pay for it, their use."""
    sides = [(pattern.draft.postings, pattern.row["currency"]) for pattern in patterns]
    entries: list[Sequence[object]] = []
    acts: list[tuple[UUID, UUID, UUID, int]] = []
    for one in issued:
        bill, resident = one.bill, one.bill.row["resident_id"]
        entries.append((bill.entry_id, "invoice.issued", bill.id, f"Rent invoice {one.number}"))
        acts.append((bill.entry_id, bill.id, resident, bill.pattern.number))
        for use in one.used:
            (entry_id,) = new_ids(1)
            told = f"Advance {use.payment_number} pays {one.number}"
            entries.append((entry_id, "advance.used", bill.id, told))
            acts.append((entry_id, bill.id, resident, len(sides)))
            sides.append((for_advance_use(use.minor), bill.row["currency"]))
    yield Statement(_ENTRIES, (*columns(entries), office.issued_on, office.at))
    amount = sum(len(sides[act][0]) for *_, act in acts)
    written = [
        (act, side.account.value, side.minor, currency)
        for act, (postings, currency) in enumerate(sides)
        for side in postings
    ]
    yield Statement(_POSTINGS, (new_ids(amount), *columns(acts), *columns(written)))


def _events(office: Office, issued: Sequence[Issued]) -> Statement:
    rows = [
        (
            *(one.bill.id, one.number, one.bill.pattern.draft.total_minor, one.balance),
            one.bill.row["currency"],
        )
        for one in issued
    ]
    return Statement(_EVENTS, (new_ids(len(rows)), *columns(rows), office.at))


def _plans(
    office: Office, owed: Sequence[Issued], beside: Mapping[UUID, Beside]
) -> Iterator[Statement]:
    """The plan of each open invoice; those of one pattern and balance share it, sent once."""
    plans: dict[tuple[int, int, Beside], tuple[int, Sequence[NextAction]]] = {}
    rows: list[Sequence[object]] = []
    for one in owed:
        bill = one.bill
        near = beside.get(bill.id, ALONE)
        key = (bill.pattern.number, one.balance, near)
        if key not in plans:
            facts = facts_at_issue(office, bill.pattern, one.balance, near)
            actions = invoice_collection.plan(facts, office.at)
            plans[key] = (len(plans), actions)
        number, _ = plans[key]
        rows.append((bill.id, bill.row["property_id"], number))
    written = [
        (number, ordinal, action.at, action.what, action.why, dumps(action.changeable_by))
        for number, actions in plans.values()
        for ordinal, action in enumerate(actions)
    ]
    if written:
        yield Statement(_PLANS, (*columns(rows), *columns(written)))


def _wakes(office: Office, owed: Sequence[Issued]) -> Statement:
    """A wake-up starts the collection of each open invoice."""
    rows = [(one.bill.id, keys.invoice_collection(office.tenant.id, one.bill.id)) for one in owed]
    return Statement(_WAKES, (new_ids(len(rows)), *columns(rows)))


def asked_of(office: Office, bill: Bill) -> tuple[Asked, LateFeeTerms]:
    """The invoice whose fee is measured, and by which terms."""
    row, pattern = bill.row, bill.pattern
    due = pattern.draft.due
    asked = Asked(bill.id, row["resident_id"], row["id"], office.month.first, due)
    return asked, pattern.terms.fee


def facts_at_issue(
    office: Office, pattern: Pattern, balance: int, beside: Beside = ALONE
) -> CollectionFacts:
    """The facts of an invoice that was issued this moment, with so much left to pay."""
    lines = pattern.draft.lines
    return CollectionFacts(
        status=InvoiceStatus.issued,
        invoice_type=InvoiceType.rent,
        balance_minor=balance,
        outstanding_without_fees_minor=balance,
        currency=pattern.row["currency"],
        due=pattern.draft.due,
        issued_at=office.at,
        zone=pattern.row["timezone"],
        reminders_enabled=pattern.terms.reminders,
        rungs=pattern.terms.rungs,
        rungs_sent=frozenset(),
        late_fee=pattern.terms.fee,
        fee_charged=False,
        fee_waived=False,
        paused_until=None,
        promised_for=None,
        disputed=False,
        parent_open=False,
        tasks_open=frozenset(),
        handed_over=False,
        recurring_minor=sum(line.amount_minor for line in lines if line.kind in RECURRING),
        outstanding_fees_minor=beside.open_minor,
        fees_of_month_minor=beside.of_month_minor,
    )
