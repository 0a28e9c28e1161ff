"""Tries to be paid through a provider, and what providers tell of them."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import audited

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
KINDS = "'invoice', 'message', 'billing_run', 'agreement'"
PAID_THROUGH = {"attempt_id": "payment_attempts", "account_id": "payment_accounts"}
ACCOUNTS = (
    *("cash", "bank", "cheques_in_hand", "provider_clearing", "receivables", "tds_receivable"),
    *("deposits_held", "advances", "cgst_payable", "sgst_payable", "igst_payable"),
    *("opening_balances", "rent_income", "maintenance_income", "food_income", "utility_income"),
    *("late_fee_income", "other_income", "round_off", "bad_debts", "bad_debts_recovered"),
)
# What an event said stays as it was signed; only how far it came changes.
MOVING = ("status", "tries", "due_at", "leased_until", "outcome", "problem", "done_at")


def upgrade() -> None:
    """Make the three tables with their walls, and let attempts have lives."""
    _make_attempts()
    _make_attempt_invoices()
    _make_logs()
    for table in ("lives", "wakes"):
        _allow(table, f"{KINDS}, 'payment_attempt'")
    _know_accounts(*ACCOUNTS)
    for column, target in PAID_THROUGH.items():
        op.add_column("payments", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_payments_tenant_id_{column}"),
            "payments",
            target,
            ["tenant_id", column],
            ["tenant_id", "id"],
        )


def downgrade() -> None:
    """Take them away again; what attempts waited for is forgotten with them."""
    _know_accounts(*(account for account in ACCOUNTS if account != "provider_clearing"))
    for column in PAID_THROUGH:
        op.drop_column("payments", column)
    op.execute("DELETE FROM wakes WHERE subject_kind = 'payment_attempt'")
    op.execute("DELETE FROM next_actions WHERE subject_kind = 'payment_attempt'")
    op.execute("DELETE FROM lives WHERE subject_kind = 'payment_attempt'")
    for table in ("lives", "wakes"):
        _allow(table, KINDS)
    for table in ("gateway_logs", "payment_attempt_invoices", "payment_attempts"):
        op.drop_table(table)


def _allow(table: str, kinds: str) -> None:
    name = op.f(f"ck_{table}_subject_kind_known")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"subject_kind in ({kinds})")


def _know_accounts(*accounts: str) -> None:
    listed = ", ".join(f"'{account}'" for account in accounts)
    name = op.f("ck_postings_account_known")
    op.drop_constraint(name, "postings", type_="check")
    op.create_check_constraint(name, "postings", f"account in ({listed})")


def _columns(*columns: sa.Column[object]) -> list[sa.Column[object]]:
    tenant = sa.text(CURRENT_TENANT)
    now = sa.text("clock_timestamp()")
    return [
        sa.Column("tenant_id", sa.Uuid(), server_default=tenant, nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *columns,
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    ]


def _within(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
    )


def _make_attempts() -> None:
    table = "payment_attempts"
    words = ("provider", "by", "status", "currency")
    told = ("page_id", "pay_url", "upi_uri", "money_waits_id", "failure_code")
    instants = (
        *("opened_at", "tried_at", "unknown_since", "looked_up_at", "asked_again_at"),
        *("close_asked_at", "ended_at", "looked_late_at", "money_waits_since"),
    )
    zero = sa.text("0")
    op.create_table(
        table,
        *_columns(
            sa.Column("resident_id", sa.Uuid(), nullable=False),
            sa.Column("account_id", sa.Uuid(), nullable=False),
            *(sa.Column(name, sa.String(), nullable=False) for name in words),
            sa.Column("amount_minor", sa.BigInteger(), nullable=False),
            sa.Column("due_minor", sa.BigInteger(), nullable=False),
            sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
            *(sa.Column(name, sa.String(), nullable=True) for name in told),
            *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in instants),
            sa.Column("tries", sa.BigInteger(), server_default=zero, nullable=False),
            sa.Column("look_ups", sa.BigInteger(), server_default=zero, nullable=False),
            sa.Column("money_waits_minor", sa.BigInteger(), nullable=True),
        ),
        _within(table, "resident_id", "residents"),
        _within(table, "account_id", "payment_accounts"),
        sa.CheckConstraint(
            "status in ('created', 'pending', 'unknown', 'captured', 'failed', 'expired',"
            " 'cancelled')",
            name=op.f(f"ck_{table}_status_known"),
        ),
        sa.CheckConstraint(
            "by in ('checkout', 'link', 'upi_qr')", name=op.f(f"ck_{table}_by_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "page_id",
            name=op.f(f"uq_{table}_tenant_id_account_id_page_id"),
        ),
    )
    op.create_index(
        "ix_payment_attempts_open",
        table,
        ["tenant_id", "resident_id"],
        postgresql_where=sa.text("status in ('created', 'pending', 'unknown')"),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]
    audited(table)


def _make_attempt_invoices() -> None:
    table = "payment_attempt_invoices"
    op.create_table(
        table,
        *_columns(
            sa.Column("attempt_id", sa.Uuid(), nullable=False),
            sa.Column("invoice_id", sa.Uuid(), nullable=False),
            sa.Column("is_open", sa.Boolean(), nullable=False),
        ),
        _within(table, "attempt_id", "payment_attempts"),
        _within(table, "invoice_id", "invoices"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            *("tenant_id", "attempt_id", "invoice_id"),
            name=op.f(f"uq_{table}_tenant_id_attempt_id_invoice_id"),
        ),
    )
    op.create_index(
        "uq_payment_attempt_invoices_open",
        table,
        ["tenant_id", "invoice_id"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]


def _make_logs() -> None:
    table = "gateway_logs"
    now = sa.text("clock_timestamp()")
    op.create_table(
        table,
        *_columns(
            sa.Column("account_id", sa.Uuid(), nullable=False),
            *(sa.Column(n, sa.String(), nullable=False) for n in ("provider", "event_id", "kind")),
            sa.Column("body", sa.LargeBinary(), nullable=False),
            sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("status", sa.String(), server_default="received", nullable=False),
            sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
            sa.Column("due_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
            sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
            sa.Column("outcome", sa.String(), nullable=True),
            sa.Column("problem", sa.String(), nullable=True),
            sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        ),
        _within(table, "account_id", "payment_accounts"),
        sa.CheckConstraint(
            "provider in ('stripe', 'razorpay')", name=op.f(f"ck_{table}_provider_known")
        ),
        sa.CheckConstraint(
            "status in ('received', 'processing', 'done', 'failed')",
            name=op.f(f"ck_{table}_status_known"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "tenant_id",
            "provider",
            "event_id",
            name=op.f(f"uq_{table}_tenant_id_provider_event_id"),
        ),
    )
    op.create_index(
        "ix_gateway_logs_queue",
        table,
        ["tenant_id", "due_at"],
        postgresql_where=sa.text("status in ('received', 'processing')"),
    )
    op.create_index(
        "ix_gateway_logs_failed",
        table,
        ["tenant_id", "id"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]
    moving = ", ".join(MOVING)
    for role in ("inn_app", "inn_platform"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
        op.execute(f"GRANT UPDATE ({moving}) ON {table} TO {role}")
