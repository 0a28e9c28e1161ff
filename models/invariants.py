"""What must always be true of the books and the house, as named questions over all tenants.

Each question answers with what breaks it, so none is the right answer. Doctor, the simulation
and the tests ask all of them.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Database


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is not as it must be; `detail` names rows by id and number only."""

    tenant_id: UUID
    detail: str


_BALANCED = """
select tenant_id, format('entry %s is off by %s %s', entry_id, sum(minor), currency) as detail
  from postings group by tenant_id, entry_id, currency having sum(minor) <> 0
"""

_BALANCES = """
select i.tenant_id, format('%s owes %s, its postings say %s', coalesce(i.invoice_number,
                           i.id::text), i.balance_minor, coalesce(p.minor, 0)) as detail
  from invoices i
  left join (select tenant_id, invoice_id, sum(minor) as minor from postings
              where account = 'receivables' group by tenant_id, invoice_id) p
    on p.tenant_id = i.tenant_id and p.invoice_id = i.id
 where i.balance_minor <> coalesce(p.minor, 0)
"""

_SETTLED = """
select i.tenant_id, format('%s of %s owes %s, allocated are %s, given up %s', i.invoice_number,
                           i.total_minor, i.balance_minor, coalesce(a.minor, 0),
                           i.written_off_minor) as detail
  from invoices i
  left join (select tenant_id, invoice_id, sum(amount_minor) as minor from allocations
              where not recovered group by tenant_id, invoice_id) a
    on a.tenant_id = i.tenant_id and a.invoice_id = i.id
 where i.status <> 'draft'
   and i.balance_minor <> i.total_minor - coalesce(a.minor, 0) - i.written_off_minor
"""

# Both by the ledger: what was given up is a loss, what came in for it an income, each once.
_GIVEN_UP = """
select i.tenant_id, format('%s: given up %s, the ledger says %s', i.invoice_number,
                           i.written_off_minor, coalesce(l.minor, 0)) as detail
  from invoices i
  left join (select e.tenant_id, e.subject_id, sum(p.minor) as minor
               from journal_entries e
               join postings p on p.tenant_id = e.tenant_id and p.entry_id = e.id
              where e.kind = 'invoice.written_off' and p.account = 'bad_debts'
              group by e.tenant_id, e.subject_id) l
    on l.tenant_id = i.tenant_id and l.subject_id = i.id
 where i.written_off_minor <> coalesce(l.minor, 0)
"""

_RECOVERED = """
select i.tenant_id, format('%s: recovered %s, allocated for it are %s', i.invoice_number,
                           i.recovered_minor, coalesce(a.minor, 0)) as detail
  from invoices i
  left join (select tenant_id, invoice_id, sum(amount_minor) as minor from allocations
              where recovered group by tenant_id, invoice_id) a
    on a.tenant_id = i.tenant_id and a.invoice_id = i.id
 where i.recovered_minor <> coalesce(a.minor, 0)
union all
select coalesce(i.tenant_id, l.tenant_id),
       format('resident %s: recovered %s %s, the ledger says %s',
              coalesce(i.resident_id, l.resident_id), coalesce(i.minor, 0),
              coalesce(i.currency, l.currency), coalesce(l.minor, 0))
  from (select tenant_id, resident_id, currency, sum(recovered_minor) as minor from invoices
         group by tenant_id, resident_id, currency) i
  full join (select tenant_id, resident_id, currency, -sum(minor) as minor from postings
              where account = 'bad_debts_recovered' group by tenant_id, resident_id, currency) l
    on l.tenant_id = i.tenant_id and l.resident_id = i.resident_id and l.currency = i.currency
 where coalesce(i.minor, 0) <> coalesce(l.minor, 0)
"""

_CREDITED = """
select i.tenant_id, format('%s of %s is credited %s by its notes, %s are allocated',
                           i.invoice_number, i.total_minor, coalesce(n.minor, 0),
                           coalesce(a.minor, 0)) as detail
  from invoices i
  left join (select tenant_id, invoice_id, sum(total_minor) as minor from credit_notes
              group by tenant_id, invoice_id) n on n.tenant_id = i.tenant_id and n.invoice_id = i.id
  left join (select tenant_id, invoice_id, sum(amount_minor) as minor from allocations
              where credit_note_id is not null group by tenant_id, invoice_id) a
    on a.tenant_id = i.tenant_id and a.invoice_id = i.id
 where coalesce(n.minor, 0) > i.total_minor or coalesce(n.minor, 0) <> coalesce(a.minor, 0)
    or (i.status = 'cancelled') <> (coalesce(n.minor, 0) = i.total_minor and i.total_minor > 0)
union all
select n.tenant_id, format('%s: %s, its lines add up to %s', n.credit_note_number, n.total_minor,
                           l.minor)
  from credit_notes n
  join (select tenant_id, credit_note_id, min(amount_minor) as least,
               sum(amount_minor + cgst_minor + sgst_minor + igst_minor) as minor
          from credit_note_lines group by tenant_id, credit_note_id) l
    on l.tenant_id = n.tenant_id and l.credit_note_id = n.id
 where l.minor <> n.total_minor or l.least < 0
union all
select l.tenant_id, format('%s, line %s: of %s are %s credited', i.invoice_number, l.position,
                           l.amount_minor, c.amount)
  from invoice_lines l
  join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id
  join (select tenant_id, invoice_line_id, sum(amount_minor) as amount, sum(cgst_minor) as cgst,
               sum(sgst_minor) as sgst, sum(igst_minor) as igst
          from credit_note_lines group by tenant_id, invoice_line_id) c
    on c.tenant_id = l.tenant_id and c.invoice_line_id = l.id
 where c.amount > l.amount_minor or c.cgst > l.cgst_minor or c.sgst > l.sgst_minor
    or c.igst > l.igst_minor
"""

_ANEW = """
select n.tenant_id, format('%s replaces %s, which is %s', n.invoice_number, o.invoice_number,
                           o.status) as detail
  from invoices n
  join invoices o on o.tenant_id = n.tenant_id and o.id = n.replaces_id
 where o.status <> 'cancelled' or o.agreement_id <> n.agreement_id or o.period <> n.period
    or n.sequence <> o.sequence + 1
"""

_ADVANCES = """
select coalesce(p.tenant_id, l.tenant_id) as tenant_id,
       format('resident %s has %s %s in advance, the ledger says %s',
              coalesce(p.resident_id, l.resident_id), coalesce(p.minor, 0),
              coalesce(p.currency, l.currency), coalesce(l.minor, 0)) as detail
  from (select tenant_id, resident_id, currency, sum(unallocated_minor) as minor
          from payments group by tenant_id, resident_id, currency) p
  full join (select tenant_id, resident_id, currency, -sum(minor) as minor from postings
              where account = 'advances' group by tenant_id, resident_id, currency) l
    on l.tenant_id = p.tenant_id and l.resident_id = p.resident_id and l.currency = p.currency
 where coalesce(p.minor, 0) <> coalesce(l.minor, 0)
"""

_PAYMENTS = """
select p.tenant_id, format('%s of %s has %s on invoices and %s in advance', p.payment_number,
                           p.amount_minor, coalesce(a.minor, 0), p.unallocated_minor) as detail
  from payments p
  left join (select tenant_id, payment_id, sum(amount_minor) as minor from allocations
              group by tenant_id, payment_id) a on a.tenant_id = p.tenant_id and a.payment_id = p.id
 where case p.status
         when 'completed' then coalesce(a.minor, 0) + p.unallocated_minor <> p.amount_minor
         when 'bounced' then coalesce(a.minor, 0) <> 0 or p.unallocated_minor <> 0
         else coalesce(a.minor, 0) + p.unallocated_minor not between 0 and p.amount_minor end
"""

_PARTS = """
select a.tenant_id, format('payment %s has %s on invoice %s', a.payment_id, sum(a.amount_minor),
                           a.invoice_id) as detail
  from allocations a where a.payment_id is not null
 group by a.tenant_id, a.payment_id, a.invoice_id, a.recovered having sum(a.amount_minor) < 0
"""

_STATUS = """
select tenant_id, format('%s is %s and owes %s', coalesce(invoice_number, id::text), status,
                         balance_minor) as detail
  from invoices
 where case status when 'issued' then balance_minor <= 0 or paid_at is not null
                   when 'paid' then balance_minor <> 0 or paid_at is null
                   else balance_minor <> 0 or paid_at is not null end
"""

# A document number is SERIES/YEAR/NUMBER; what was taken is what stands on documents, no more.
_NUMBERS = """
with documents as (
  select tenant_id, invoice_number as number from invoices where invoice_number is not null
  union all select tenant_id, credit_note_number from credit_notes
  union all select tenant_id, payment_number from payments
), counted as (
  select tenant_id, split_part(number, '/', 1) as series, split_part(number, '/', 2) as year,
         count(*) as amount, count(distinct number) as different,
         min(split_part(number, '/', 3)::bigint) as first,
         max(split_part(number, '/', 3)::bigint) as last
    from documents group by 1, 2, 3
)
select c.tenant_id, format('%s/%s: %s documents, %s numbers, from %s to %s, next is %s', c.series,
                           c.year, c.amount, c.different, c.first, c.last, s.next_number) as detail
  from counted c
  left join number_series s on s.tenant_id = c.tenant_id and s.series = c.series
   and substr(s.fiscal_year, 3) = c.year
 where c.amount <> c.different or c.last - c.first + 1 <> c.different
    or s.next_number is distinct from c.last + 1
"""

_BILLED_ONCE = """
select tenant_id, format('agreement %s is billed %s times for %s', agreement_id, count(*), period)
       as detail
  from invoices
 where invoice_type = 'rent' and period is not null and status not in ('draft', 'cancelled')
 group by tenant_id, agreement_id, period having count(*) > 1
"""

_OCCUPANCIES = """
select a.tenant_id, format('unit %s is taken twice: %s and %s', a.unit_id, a.id, b.id) as detail
  from occupancies a
  join occupancies b on b.tenant_id = a.tenant_id and b.unit_id = a.unit_id and b.id > a.id
   and b.active and b.span && a.span
 where a.active
"""

_TAX = """
select i.tenant_id, format('%s: lines %s, tax %s (CGST %s, SGST %s), it says %s and %s',
                           i.invoice_number, l.amount, l.tax, l.cgst, l.sgst, i.subtotal_minor,
                           i.tax_minor) as detail
  from invoices i
  join (select tenant_id, invoice_id, sum(amount_minor) as amount, sum(cgst_minor) as cgst,
               sum(sgst_minor) as sgst, sum(cgst_minor + sgst_minor + igst_minor) as tax,
               bool_and(cgst_minor = sgst_minor) as equal
          from invoice_lines group by tenant_id, invoice_id) l
    on l.tenant_id = i.tenant_id and l.invoice_id = i.id
 where not l.equal or l.tax <> i.tax_minor or l.amount <> i.subtotal_minor
union all
select tenant_id, format('%s: CGST %s, SGST %s', credit_note_number, cgst_minor, sgst_minor)
  from credit_notes
 where cgst_minor <> sgst_minor
    or subtotal_minor + cgst_minor + sgst_minor + igst_minor <> total_minor
"""

_LIVES = """
select i.tenant_id, format('%s waits for %s at %s and nobody watches it', i.invoice_number, a.what,
                           a.at) as detail
  from invoices i
  join next_actions a on a.tenant_id = i.tenant_id and a.subject_id = i.id and a.ordinal = 0
 where i.status = 'issued'
   and a.recorded_at <= clock_timestamp() - cast(:patience as interval)
   and not exists (select 1 from lives l where l.tenant_id = i.tenant_id and l.subject_id = i.id)
   and not exists (select 1 from wakes w where w.tenant_id = i.tenant_id and w.subject_id = i.id)
"""

_CLOSED = """
select i.tenant_id, format('%s is %s and still plans %s', coalesce(i.invoice_number, i.id::text),
                           i.status, a.what) as detail
  from invoices i
  join next_actions a on a.tenant_id = i.tenant_id and a.subject_id = i.id
 where i.status <> 'issued'
"""

# What the sequencer has yet to look at may still have no position.
_POSITIONS = """
select e.tenant_id, format('event %s was passed over', e.id) as detail
  from domain_events e cross join event_sequence s
 where e.recorded_at < s.searched_from - interval '1 second'
   and not exists (select from event_positions p
                    where p.tenant_id = e.tenant_id and p.event_id = e.id)
union all
select tenant_id, format('position %s follows %s', position, before)
  from (select tenant_id, position, lag(position, 1, 0::bigint) over (order by position) as before
          from event_positions) p
 where position <> before + 1
"""

INVARIANTS: dict[str, str] = {
    "every entry balances per currency": _BALANCED,
    "a balance is the sum of its receivable postings": _BALANCES,
    "what is owed is the total less money, credit and what was given up": _SETTLED,
    "what was given up is the loss in the ledger": _GIVEN_UP,
    "what was recovered is the income in the ledger": _RECOVERED,
    "credit notes never take back more than was charged": _CREDITED,
    "an invoice issued anew replaces a cancelled one of its month": _ANEW,
    "advances are the advances account, per resident": _ADVANCES,
    "a payment is on invoices or in advance, to the last unit": _PAYMENTS,
    "no payment took back more from an invoice than it gave": _PARTS,
    "paid means nothing is owed, and nothing owed means paid": _STATUS,
    "numbers have no gap in their series and fiscal year": _NUMBERS,
    "an agreement is billed once a month": _BILLED_ONCE,
    "no place is taken twice at once": _OCCUPANCIES,
    "CGST equals SGST, and lines add up to their document": _TAX,
    "an open invoice with a plan has a life or a wake-up": _LIVES,
    "a closed invoice plans nothing": _CLOSED,
    "no event was passed over, and positions have no gap": _POSITIONS,
}


async def check(
    database: Database, *, patience: timedelta = timedelta()
) -> dict[str, list[Breach]]:
    """Ask every question, each of one moment; by name, what breaks it.

    A plan younger than `patience` may still wait for its life: one is on its way from wake-up to
    first look.
    """
    async with database.platform("invariants") as session:
        await session.execute(text("set transaction read only"))
        return {
            name: await _broken(session, question, patience)
            for name, question in INVARIANTS.items()
        }


async def _broken(session: AsyncSession, question: str, patience: timedelta) -> list[Breach]:
    asked = {"patience": patience} if ":patience" in question else {}
    rows = await session.execute(text(question), asked)
    return [Breach(row.tenant_id, row.detail) for row in rows]
