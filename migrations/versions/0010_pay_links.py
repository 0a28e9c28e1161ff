"""The links by which residents pay, and the look-up from a token to its link."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import audited

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
FUNCTIONS = (
    (
        "find_pay_link(wanted text)"
        " RETURNS TABLE (tenant_id uuid, link_id uuid) LANGUAGE sql STABLE",
        "SELECT of_tenant, pay_link_tokens.link_id FROM pay_link_tokens WHERE token_hash = wanted",
    ),
    (
        "claim_pay_link(hash text, of_link uuid) RETURNS void LANGUAGE sql",
        "INSERT INTO pay_link_tokens (token_hash, of_tenant, link_id)"
        f" VALUES (hash, {CURRENT_TENANT}, of_link)",
    ),
    (
        "forget_pay_link(of_link uuid) RETURNS void LANGUAGE sql",
        f"DELETE FROM pay_link_tokens WHERE of_tenant = {CURRENT_TENANT} AND link_id = of_link",
    ),
)


def upgrade() -> None:
    """Make the table with its wall and its audit, and the look-up that no role reads."""
    _make_links()
    op.create_table(
        "pay_link_tokens",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("of_tenant", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_pay_link_tokens")),
    )
    op.create_index(
        "uq_pay_link_tokens_link", "pay_link_tokens", ["of_tenant", "link_id"], unique=True
    )
    op.execute("REVOKE ALL ON pay_link_tokens FROM inn_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON pay_link_tokens TO inn_platform")
    for head, body in FUNCTIONS:
        signature = head.split(" RETURNS", 1)[0]
        op.execute(
            f"CREATE FUNCTION {head} SECURITY DEFINER SET search_path = public, pg_temp"
            f" AS $$ {body} $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO inn_app, inn_platform")


def _make_links() -> None:
    op.create_table(
        "pay_links",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text(CURRENT_TENANT), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("token_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "resident_id"],
            ["residents.tenant_id", "residents.id"],
            name=op.f("fk_pay_links_tenant_id_resident_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_links")),
    )
    op.create_index(
        "uq_pay_links_standing",
        "pay_links",
        ["tenant_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.enable_tenant_rls("pay_links")  # pyright: ignore[reportAttributeAccessIssue]
    audited("pay_links", "token_encrypted")


def downgrade() -> None:
    """Take it away; every link that was sent opens nothing then."""
    for head, _ in FUNCTIONS:
        op.execute(f"DROP FUNCTION {head.split(' RETURNS', 1)[0]}")
    op.drop_table("pay_link_tokens")
    op.drop_table("pay_links")
