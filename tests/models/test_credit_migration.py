"""Books from before losses and freed money were kept in rows: filled from the ledger."""

import asyncpg

from runtime import migrate
from tests.support.database import DatabaseUrls

# A written-off invoice, reopened and given up again, and a credit note that freed money.
BEFORE = """
set session_replication_role = replica;
insert into invoices (tenant_id, id, resident_id, invoice_type, document, status, invoice_date,
  due_date, currency, subtotal_minor, tax_minor, total_minor, balance_minor, terms, timezone,
  recipient_name)
values (t(1), t(2), t(3), 'rent', 'bill_of_supply', 'written_off', '2026-10-01', '2026-10-05',
        'INR', 100, 0, 100, 0, '{}', 'Asia/Kolkata', 'Asha Rao');
insert into credit_notes (tenant_id, id, invoice_id, credit_note_number, reason, currency,
  subtotal_minor, cgst_minor, sgst_minor, igst_minor, total_minor, issued_on, effective_at)
values (t(1), t(4), t(2), 'CN/26-27/000001', 'x', 'INR', 30, 0, 0, 0, 30, '2026-10-02', now());
insert into journal_entries (tenant_id, id, kind, subject_id, day, effective_at, description)
values (t(1), t(5), 'invoice.written_off', t(2), '2026-10-09', now(), 'x'),
       (t(1), t(6), 'invoice.written_off', t(2), '2026-10-19', now(), 'x'),
       (t(1), t(7), 'credit_note.issued', t(4), '2026-10-02', now(), 'x');
insert into postings (tenant_id, entry_id, account, minor, currency, invoice_id)
values (t(1), t(5), 'bad_debts', 40, 'INR', null), (t(1), t(5), 'receivables', -40, 'INR', t(2)),
       (t(1), t(6), 'bad_debts', 30, 'INR', null), (t(1), t(6), 'receivables', -30, 'INR', t(2)),
       (t(1), t(7), 'other_income', 30, 'INR', null), (t(1), t(7), 'advances', -20, 'INR', null),
       (t(1), t(7), 'receivables', -10, 'INR', t(2));
"""
ID = """
create function t(n int) returns uuid language sql
  as $$ select lpad(n::text, 32, '0')::uuid $$;
"""


async def test_what_was_given_up_and_freed_is_read_from_the_ledger(
    blank_database_urls: DatabaseUrls,
) -> None:
    urls = blank_database_urls
    await migrate.upgrade(urls.owner, "0002")
    connection = await asyncpg.connect(urls.superuser)
    try:
        await connection.execute(ID)
        await connection.execute(BEFORE)
        await migrate.upgrade(urls.owner)
        assert await connection.fetchval("select written_off_minor from invoices") == 70
        assert await connection.fetchval("select to_advance_minor from credit_notes") == 20
    finally:
        await connection.close()
