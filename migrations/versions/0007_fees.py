"""Late fees in two parts, their terms in the settings, and invoices paid in instalments."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import audited

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
BASES = ("outstanding_excluding_fees", "outstanding", "recurring")
TOLD = (
    *("reminder", "late_fee", "fee_reversed", "invoice", "receipt"),
    *("promise_noted", "promise_broken"),
)


def upgrade() -> None:
    """Nothing that stands is rewritten: new columns are empty or carry the terms of before."""
    _settings()
    op.add_column(
        "invoices", sa.Column("instalments_agreed_at", sa.DateTime(timezone=True), nullable=True)
    )
    _one_penalty_for(["tenant_id", "parent_id", "sequence"])
    _instalments()
    op.add_column("reminders", sa.Column("instalment_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_reminders_tenant_id_instalment_id"),
        "reminders",
        "instalments",
        ["tenant_id", "instalment_id"],
        ["tenant_id", "id"],
    )
    op.drop_constraint("uq_reminders_tenant_id_invoice_id_rung", "reminders", type_="unique")
    op.create_unique_constraint(
        op.f("uq_reminders_tenant_id_invoice_id_instalment_id_rung"),
        "reminders",
        ["tenant_id", "invoice_id", "instalment_id", "rung"],
        postgresql_nulls_not_distinct=True,
    )
    _one_of("messages", "purpose", (*TOLD, "instalments_agreed", "instalments_broken"))


def downgrade() -> None:
    """Back to one fee an invoice; refused where rows need what is taken away."""
    _one_of("messages", "purpose", TOLD)
    op.drop_constraint(
        "uq_reminders_tenant_id_invoice_id_instalment_id_rung", "reminders", type_="unique"
    )
    op.create_unique_constraint(
        op.f("uq_reminders_tenant_id_invoice_id_rung"),
        "reminders",
        ["tenant_id", "invoice_id", "rung"],
    )
    op.drop_column("reminders", "instalment_id")
    op.drop_table("instalments")
    _one_penalty_for(["tenant_id", "parent_id"])
    op.drop_column("invoices", "instalments_agreed_at")
    _one_of("billing_settings", "late_fee_type", ("percentage", "fixed"))
    for column in ("late_fee_base", "late_fee_per_day_minor", "late_fee_fixed_minor"):
        op.drop_column("billing_settings", column)


def _settings() -> None:
    for amount in ("late_fee_fixed_minor", "late_fee_per_day_minor"):
        column = sa.Column(amount, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        op.add_column("billing_settings", column)
    base = sa.Column("late_fee_base", sa.String(), server_default=BASES[0], nullable=False)
    op.add_column("billing_settings", base)
    _one_of("billing_settings", "late_fee_type", ("percentage", "fixed", "greater_of"))
    _one_of("billing_settings", "late_fee_base", BASES)


def _one_penalty_for(columns: list[str]) -> None:
    op.drop_index("uq_invoices_parent", table_name="invoices")
    op.create_index(
        "uq_invoices_parent",
        "invoices",
        columns,
        unique=True,
        postgresql_where=sa.text("parent_id is not null"),
    )


def _one_of(table: str, column: str, words: tuple[str, ...]) -> None:
    """Let a column hold these words; the check is made anew."""
    name = f"ck_{table}_{column}_known"
    listed = ", ".join(f"'{word}'" for word in words)
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.create_check_constraint(op.f(name), table, f"{column} in ({listed})")


def _instalments() -> None:
    op.create_table(
        "instalments",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text(TENANT), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_as", sa.String(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_instalments_asks_for_something")),
        sa.CheckConstraint(
            "ended_as in ('replaced', 'cancelled', 'broken')",
            name=op.f("ck_instalments_ended_as_known"),
        ),
        sa.CheckConstraint(
            "(ended_at is null) = (ended_as is null)",
            name=op.f("ck_instalments_ends_for_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoices.tenant_id", "invoices.id"],
            name=op.f("fk_instalments_tenant_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_instalments")),
    )
    op.create_index(
        "uq_instalments_invoice",
        "instalments",
        ["tenant_id", "invoice_id", "number"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.enable_tenant_rls("instalments")
    audited("instalments")
