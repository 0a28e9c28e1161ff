"""Lines of bank statements, each once, behind the wall and audited."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.walls import audited

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TENANT = sa.text("(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid")


def upgrade() -> None:
    """Make the table with its wall and its audit."""
    op.create_table(
        "statement_lines",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_line", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("utr", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("narration", sa.String(), nullable=False),
        sa.Column("payer_address", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column(
            "candidates",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state in ('booked', 'known', 'open', 'dismissed')",
            name=op.f("ck_statement_lines_state_known"),
        ),
        sa.CheckConstraint(
            "rule in ('exact', 'reference', 'amount', 'person')",
            name=op.f("ck_statement_lines_rule_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_statement_lines_is_a_credit")),
        sa.CheckConstraint(
            "(state in ('booked', 'known')) = (payment_id is not null)",
            name=op.f("ck_statement_lines_money_has_a_payment"),
        ),
        sa.CheckConstraint(
            "(state = 'booked') = (rule is not null)",
            name=op.f("ck_statement_lines_booked_by_a_rule"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "resident_id"],
            ["residents.tenant_id", "residents.id"],
            name=op.f("fk_statement_lines_tenant_id_resident_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payments.tenant_id", "payments.id"],
            name=op.f("fk_statement_lines_tenant_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_statement_lines")),
        sa.UniqueConstraint(
            "tenant_id", "identity", name=op.f("uq_statement_lines_tenant_id_identity")
        ),
    )
    op.create_index("ix_statement_lines_day", "statement_lines", ["tenant_id", "day"])
    op.create_index("ix_statement_lines_payment", "statement_lines", ["tenant_id", "payment_id"])
    for column, index in (("payer_address", "payer"), ("utr", "utr")):
        op.create_index(
            f"ix_statement_lines_{index}",
            "statement_lines",
            ["tenant_id", column],
            postgresql_where=sa.text(f"{column} is not null"),
        )
    op.enable_tenant_rls("statement_lines")
    audited("statement_lines")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("statement_lines")
