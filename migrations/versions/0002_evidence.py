"""Audit and append-only triggers, the balance of entries, frozen invoices, the look-ups' functions."""

from alembic import op

from migrations.walls import APPEND_ONLY, AUDITED, append_only, audited

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTOR = """
CREATE FUNCTION acting() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE actor text := nullif(current_setting('app.actor', true), '');
BEGIN
  IF actor IS NULL THEN
    RAISE EXCEPTION 'nobody is acting: set app.actor before changing rows'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN actor;
END $$
"""

# The ids of one statement count up from one that is made for it: the rows are found in their order.
AUDIT = """
CREATE FUNCTION audit_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  first text := uuidv7();
  head text := left(first, 24);
  tail bigint := ('x' || right(first, 12))::bit(48)::bigint / 2;
  asked text := nullif(current_setting('app.request', true), '');
BEGIN
  INSERT INTO audit_log
    (id, tenant_id, actor, request_id, table_name, operation, row_id, before, after)
  SELECT (head || lpad(to_hex(tail + row_number() OVER ()), 12, '0'))::uuid, tenant_id,
         (SELECT acting()), asked, TG_TABLE_NAME, '{event}', id, {before}, {after}
  FROM {source};
  RETURN NULL;
END $$
"""
WHOLE = "CASE WHEN TG_NARGS = 0 THEN to_jsonb({row}) ELSE to_jsonb({row}) - TG_ARGV END"

REFUSE = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

BALANCE = """
CREATE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE off uuid;
BEGIN
  SELECT p.entry_id INTO off FROM (SELECT DISTINCT tenant_id, entry_id FROM new_postings) p
   WHERE NOT EXISTS (
     SELECT FROM journal_entries e WHERE e.tenant_id = p.tenant_id AND e.id = p.entry_id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no journal entry %', off
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'postings_of_an_entry';
  END IF;
  SELECT entry_id INTO off FROM new_postings
   GROUP BY tenant_id, entry_id, currency HAVING sum(minor) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not balance', off
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balance';
  END IF;
  RETURN NULL;
END $$
"""

BALANCE_TRIGGER = """
CREATE TRIGGER entries_balance AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings
  FOR EACH STATEMENT EXECUTE FUNCTION entries_balance()
"""

FROZEN = """
CREATE FUNCTION issued_invoices_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND
     (NEW.invoice_number, NEW.resident_id, NEW.agreement_id, NEW.parent_id, NEW.invoice_type,
      NEW.document, NEW.period, NEW.sequence, NEW.invoice_date, NEW.due_date, NEW.currency,
      NEW.subtotal_minor, NEW.discount_minor, NEW.tax_minor, NEW.total_minor, NEW.terms,
      NEW.recipient_name, NEW.supplier_gstin, NEW.place_of_supply, NEW.issued_at)
     IS DISTINCT FROM
     (OLD.invoice_number, OLD.resident_id, OLD.agreement_id, OLD.parent_id, OLD.invoice_type,
      OLD.document, OLD.period, OLD.sequence, OLD.invoice_date, OLD.due_date, OLD.currency,
      OLD.subtotal_minor, OLD.discount_minor, OLD.tax_minor, OLD.total_minor, OLD.terms,
      OLD.recipient_name, OLD.supplier_gstin, OLD.place_of_supply, OLD.issued_at)
  THEN
    RAISE EXCEPTION 'invoice % is issued: correct it with a credit note', OLD.invoice_number
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""

FROZEN_TRIGGER = """
CREATE TRIGGER issued_invoices_are_frozen BEFORE UPDATE ON invoices
  FOR EACH ROW EXECUTE FUNCTION issued_invoices_are_frozen()
"""

# The one change of an agreement that is not audited again: the invoices it follows from are.
MARK_BILLED = """
CREATE FUNCTION mark_billed(period date, billed uuid[]) RETURNS void LANGUAGE sql
  SECURITY DEFINER SET search_path = public, pg_temp
AS $$ UPDATE agreements SET billed_through = period WHERE id = ANY (billed) $$
"""

LOOK_UPS = ("tenant_slugs", "user_emails", "api_key_hashes")
# The look-up tables have no wall, so no role reads them: each is asked one question, by a
# function that answers with ids only.
LOOK_UP_FUNCTIONS = (
    (
        "find_tenant(wanted text) RETURNS uuid LANGUAGE sql STABLE",
        "SELECT of_tenant FROM tenant_slugs WHERE slug = wanted",
    ),
    (
        "claim_slug(wanted text) RETURNS boolean LANGUAGE sql",
        "INSERT INTO tenant_slugs (slug, of_tenant) VALUES (wanted, {tenant})"
        " ON CONFLICT DO NOTHING RETURNING true",
    ),
    (
        "find_user(wanted text) RETURNS TABLE (tenant_id uuid, user_id uuid) LANGUAGE sql STABLE",
        "SELECT of_tenant, user_emails.user_id FROM user_emails WHERE email = wanted",
    ),
    (
        "claim_email(wanted text, of_user uuid) RETURNS void LANGUAGE sql",
        "INSERT INTO user_emails (email, of_tenant, user_id) VALUES (wanted, {tenant}, of_user)",
    ),
    (
        "find_api_key(wanted text) RETURNS TABLE (tenant_id uuid, key_id uuid) LANGUAGE sql STABLE",
        "SELECT of_tenant, api_key_id FROM api_key_hashes WHERE key_hash = wanted",
    ),
    (
        "register_api_key(hash text, of_key uuid) RETURNS void LANGUAGE sql",
        "INSERT INTO api_key_hashes (key_hash, of_tenant, api_key_id) VALUES (hash, {tenant}, of_key)",
    ),
)
TENANT = "nullif(current_setting('app.current_tenant', true), '')::uuid"


def upgrade() -> None:
    """Install them in the order they need each other."""
    op.execute(ACTOR)
    old, new = WHOLE.format(row="o"), WHOLE.format(row="n")
    both = "after_rows n JOIN before_rows o USING (tenant_id, id)"
    for event, before, after, source in (
        ("insert", "NULL", new, "after_rows n"),
        ("update", old, new, both),
        ("delete", old, "NULL", "before_rows o"),
    ):
        op.execute(AUDIT.format(event=event, before=before, after=after, source=source))
    op.execute(REFUSE)
    for statement in (BALANCE, BALANCE_TRIGGER, FROZEN, FROZEN_TRIGGER):
        op.execute(statement)
    for table, secrets in AUDITED.items():
        audited(table, *secrets)
    for table in APPEND_ONLY:
        append_only(table)
    op.execute(MARK_BILLED)
    op.execute("REVOKE ALL ON FUNCTION mark_billed(date, uuid[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION mark_billed(date, uuid[]) TO inn_app")
    for table in LOOK_UPS:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO inn_platform")
    for head, body in LOOK_UP_FUNCTIONS:
        signature = head.split(" RETURNS", 1)[0]
        op.execute(
            f"CREATE FUNCTION {head} SECURITY DEFINER SET search_path = public, pg_temp"
            f" AS $$ {body.format(tenant=TENANT)} $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO inn_app, inn_platform")


def downgrade() -> None:
    """Take them away again, in the opposite order."""
    for head, _ in LOOK_UP_FUNCTIONS:
        op.execute(f"DROP FUNCTION {head.split(' RETURNS', 1)[0]}")
    op.execute("DROP FUNCTION mark_billed(date, uuid[])")
    for function in (
        "issued_invoices_are_frozen",
        "entries_balance",
        "refuse_rewriting",
        "audit_update",
        "audit_delete",
        "audit_insert",
        "acting",
    ):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
