"""Saved ways to pay, and residents as providers know them."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import audited

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
KINDS = "'invoice', 'message', 'billing_run', 'agreement', 'payment_attempt'"
STATUSES = "'created', 'pending', 'active', 'failed', 'expired', 'removing', 'removed'"


def upgrade() -> None:
    """Make both tables with their walls, and let saved methods have lives."""
    _make_customers()
    _make_methods()
    for table in ("lives", "wakes"):
        _allow(table, f"{KINDS}, 'payment_method'")


def downgrade() -> None:
    """Take them away again; what methods waited for is forgotten with them."""
    for table in ("wakes", "next_actions", "lives"):
        op.execute(f"DELETE FROM {table} WHERE subject_kind = 'payment_method'")
    for table in ("lives", "wakes"):
        _allow(table, KINDS)
    for table in ("payment_methods", "provider_customers"):
        op.drop_table(table)


def _allow(table: str, kinds: str) -> None:
    name = op.f(f"ck_{table}_subject_kind_known")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"subject_kind in ({kinds})")


def _columns(*columns: sa.Column[object]) -> list[sa.Column[object]]:
    tenant = sa.text(CURRENT_TENANT)
    now = sa.text("clock_timestamp()")
    return [
        sa.Column("tenant_id", sa.Uuid(), server_default=tenant, nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    ]


def _keys(table: str) -> list[sa.Constraint]:
    targets = {"resident_id": "residents", "account_id": "payment_accounts"}
    return [
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{target}.tenant_id", f"{target}.id"],
                name=op.f(f"fk_{table}_tenant_id_{column}"),
            )
            for column, target in targets.items()
        ),
    ]


def _make_customers() -> None:
    table = "provider_customers"
    op.create_table(
        table,
        *_columns(
            sa.Column("customer_id", sa.String(), nullable=True),
            sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("made", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        ),
        *_keys(table),
        sa.UniqueConstraint(
            *("tenant_id", "account_id", "resident_id"),
            name=op.f(f"uq_{table}_tenant_id_account_id_resident_id"),
        ),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]
    audited(table)


def _make_methods() -> None:
    table = "payment_methods"
    words = ("provider", "kind", "status", "currency")
    told = ("page_id", "setup_url", "provider_method_id", "brand", "last4", "failure_code")
    instants = (
        *("opened_at", "saved_at", "tried_at", "unknown_since", "asked_at"),
        *("remove_asked_at", "ended_at"),
    )
    op.create_table(
        table,
        *_columns(
            *(sa.Column(name, sa.String(), nullable=False) for name in words),
            *(
                sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
                for name in ("is_default", "make_default")
            ),
            *(
                sa.Column(name, sa.DateTime(timezone=True), nullable=False)
                for name in ("created_at", "expires_at")
            ),
            *(sa.Column(name, sa.String(), nullable=True) for name in told),
            *(
                sa.Column(name, sa.BigInteger(), nullable=True)
                for name in ("expiry_month", "expiry_year")
            ),
            *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in instants),
            *(
                sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
                for name in ("tries", "look_ups", "asks", "answered")
            ),
        ),
        *_keys(table),
        sa.UniqueConstraint(
            *("tenant_id", "account_id", "page_id"),
            name=op.f(f"uq_{table}_tenant_id_account_id_page_id"),
        ),
        sa.UniqueConstraint(
            *("tenant_id", "account_id", "provider_method_id"),
            name=op.f(f"uq_{table}_tenant_id_account_id_provider_method_id"),
        ),
        sa.CheckConstraint(
            "provider in ('stripe', 'razorpay')", name=op.f(f"ck_{table}_provider_known")
        ),
        sa.CheckConstraint("kind in ('card')", name=op.f(f"ck_{table}_kind_known")),
        sa.CheckConstraint(f"status in ({STATUSES})", name=op.f(f"ck_{table}_status_known")),
        sa.CheckConstraint(
            "not is_default or status = 'active'", name=op.f(f"ck_{table}_default_active")
        ),
    )
    op.create_index(
        "uq_payment_methods_default",
        table,
        ["tenant_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_index("ix_payment_methods_resident", table, ["tenant_id", "resident_id"])
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]
    audited(table)
