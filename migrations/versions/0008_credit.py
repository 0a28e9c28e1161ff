"""Credit notes by line, debts written off and recovered, invoices issued anew."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import append_only

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ACCOUNTS = (
    *("cash", "bank", "cheques_in_hand", "receivables", "tds_receivable", "deposits_held"),
    *("advances", "cgst_payable", "sgst_payable", "igst_payable", "opening_balances"),
    *("rent_income", "maintenance_income", "food_income", "utility_income", "late_fee_income"),
    *("other_income", "round_off", "bad_debts"),
)
RECOVERED = "bad_debts_recovered"
CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
READ = ("postings", "journal_entries")
FILLED = ("invoices", "credit_notes")

# What the ledger says of acts booked before the rows did.
GIVEN_UP = """
UPDATE invoices i SET written_off_minor = lost.minor
  FROM (SELECT e.tenant_id, e.subject_id, sum(p.minor) AS minor
          FROM journal_entries e
          JOIN postings p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id
         WHERE e.kind = 'invoice.written_off' AND p.account = 'bad_debts'
         GROUP BY e.tenant_id, e.subject_id) lost
 WHERE i.tenant_id = lost.tenant_id AND i.id = lost.subject_id
"""
FREED = """
UPDATE credit_notes n SET to_advance_minor = freed.minor
  FROM (SELECT e.tenant_id, e.subject_id, -sum(p.minor) AS minor
          FROM journal_entries e
          JOIN postings p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id
         WHERE e.kind = 'credit_note.issued' AND p.account = 'advances'
         GROUP BY e.tenant_id, e.subject_id) freed
 WHERE n.tenant_id = freed.tenant_id AND n.id = freed.subject_id
"""


def upgrade() -> None:
    """Add what is kept now, and fill it from the ledger."""
    minor = {"server_default": sa.text("0"), "nullable": False}
    op.add_column("invoices", sa.Column("replaces_id", sa.Uuid(), nullable=True))
    op.add_column("invoices", sa.Column("written_off_minor", sa.BigInteger(), **minor))
    op.add_column("invoices", sa.Column("recovered_minor", sa.BigInteger(), **minor))
    op.add_column("credit_notes", sa.Column("to_advance_minor", sa.BigInteger(), **minor))
    op.add_column(
        "allocations",
        sa.Column("recovered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    _filled()
    op.create_foreign_key(
        op.f("fk_invoices_tenant_id_replaces_id"),
        "invoices",
        "invoices",
        ["tenant_id", "replaces_id"],
        ["tenant_id", "id"],
    )
    op.create_index(
        "uq_invoices_replaces",
        "invoices",
        ["tenant_id", "replaces_id"],
        unique=True,
        postgresql_where=sa.text("replaces_id is not null"),
    )
    op.create_check_constraint(
        op.f("ck_invoices_recovered_within_written_off"),
        "invoices",
        "recovered_minor between 0 and written_off_minor and written_off_minor <= total_minor",
    )
    op.create_check_constraint(
        op.f("ck_allocations_recovered_by_money"),
        "allocations",
        "not recovered or payment_id is not null",
    )
    _know_accounts(*ACCOUNTS, RECOVERED)
    _make_lines()


def _filled() -> None:
    """The wall is down for the owner alone, and what only follows from the books is not audited."""
    for table in (*READ, *FILLED):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for table, statement in zip(FILLED, (GIVEN_UP, FREED), strict=True):
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        op.execute(statement)
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for table in (*READ, *FILLED):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _know_accounts(*accounts: str) -> None:
    listed = ", ".join(f"'{account}'" for account in accounts)
    op.drop_constraint(op.f("ck_postings_account_known"), "postings")
    op.create_check_constraint(
        op.f("ck_postings_account_known"), "postings", f"account in ({listed})"
    )


def _make_lines() -> None:
    op.create_table(
        "credit_note_lines",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text(CURRENT_TENANT), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_line_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("amount_minor", "cgst_minor", "sgst_minor", "igst_minor")
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credit_note_id"],
            ["credit_notes.tenant_id", "credit_notes.id"],
            name=op.f("fk_credit_note_lines_tenant_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_line_id"],
            ["invoice_lines.tenant_id", "invoice_lines.id"],
            name=op.f("fk_credit_note_lines_tenant_id_invoice_line_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_credit_note_lines")),
        sa.UniqueConstraint(
            "tenant_id",
            "credit_note_id",
            "invoice_line_id",
            name=op.f("uq_credit_note_lines_tenant_id_credit_note_id_invoice_line_id"),
        ),
    )
    op.enable_tenant_rls("credit_note_lines")  # pyright: ignore[reportAttributeAccessIssue]
    append_only("credit_note_lines")


def downgrade() -> None:
    """Take it away; postings on the new account would stand in the way."""
    op.drop_table("credit_note_lines")
    _know_accounts(*ACCOUNTS)
    op.drop_constraint(op.f("ck_allocations_recovered_by_money"), "allocations")
    op.drop_constraint(op.f("ck_invoices_recovered_within_written_off"), "invoices")
    op.drop_index("uq_invoices_replaces", "invoices")
    op.drop_constraint(op.f("fk_invoices_tenant_id_replaces_id"), "invoices")
    op.drop_column("allocations", "recovered")
    op.drop_column("credit_notes", "to_advance_minor")
    op.drop_column("invoices", "recovered_minor")
    op.drop_column("invoices", "written_off_minor")
    op.drop_column("invoices", "replaces_id")
