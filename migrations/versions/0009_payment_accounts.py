"""Merchant accounts of operators, and the look-up from a webhook address to its account."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import audited

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
SECRETS = ("credentials_encrypted", "webhook_secret_encrypted", "previous_secret_encrypted")
FUNCTIONS = (
    (
        "find_payment_account(wanted text)"
        " RETURNS TABLE (tenant_id uuid, account_id uuid) LANGUAGE sql STABLE",
        "SELECT of_tenant, payment_account_tokens.account_id FROM payment_account_tokens"
        " WHERE token_hash = wanted",
    ),
    (
        "claim_payment_account(hash text, of_account uuid) RETURNS void LANGUAGE sql",
        "INSERT INTO payment_account_tokens (token_hash, of_tenant, account_id)"
        f" VALUES (hash, {CURRENT_TENANT}, of_account)",
    ),
)


def upgrade() -> None:
    """Make the table with its wall and its audit, and the look-up that no role reads."""
    _make_accounts()
    op.create_table(
        "payment_account_tokens",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("of_tenant", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_payment_account_tokens")),
    )
    op.execute("REVOKE ALL ON payment_account_tokens FROM inn_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON payment_account_tokens TO inn_platform")
    for head, body in FUNCTIONS:
        signature = head.split(" RETURNS", 1)[0]
        op.execute(
            f"CREATE FUNCTION {head} SECURITY DEFINER SET search_path = public, pg_temp"
            f" AS $$ {body} $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO inn_app, inn_platform")


def _make_accounts() -> None:
    words = ("provider", "mode", "name", "status", "key_hint", "webhook_token")
    instants = ("previous_secret_until", "tested_at", "closed_at")
    op.create_table(
        "payment_accounts",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text(CURRENT_TENANT), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("credentials_encrypted", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in SECRETS[1:]),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in instants),
        sa.Column("test_result", sa.String(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "provider in ('stripe', 'razorpay')", name=op.f("ck_payment_accounts_provider_known")
        ),
        sa.CheckConstraint(
            "mode in ('own_keys', 'connected')", name=op.f("ck_payment_accounts_mode_known")
        ),
        sa.CheckConstraint(
            "status in ('active', 'closed')", name=op.f("ck_payment_accounts_status_known")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_accounts")),
    )
    op.create_index(
        "uq_payment_accounts_active",
        "payment_accounts",
        ["tenant_id", "provider"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.enable_tenant_rls("payment_accounts")  # pyright: ignore[reportAttributeAccessIssue]
    audited("payment_accounts", *SECRETS)


def downgrade() -> None:
    """Take it away; the secrets are gone with it."""
    for head, _ in FUNCTIONS:
        op.execute(f"DROP FUNCTION {head.split(' RETURNS', 1)[0]}")
    op.drop_table("payment_account_tokens")
    op.drop_table("payment_accounts")
