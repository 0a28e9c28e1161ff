"""Every event gets a position; consumers follow them by cursor; the first keeps payment days."""

import sqlalchemy as sa
from alembic import op

from migrations.walls import append_only

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CURRENT_TENANT = "(nullif(current_setting('app.current_tenant'::text, true), ''::text))::uuid"
# Making the index has waited for every writer and holds them off: nothing is under way now.
HISTORY = """
INSERT INTO event_positions (position, tenant_id, event_id)
SELECT row_number() OVER (ORDER BY recorded_at, id), tenant_id, id FROM domain_events
"""
BEGIN = """
INSERT INTO event_sequence (id, position, searched_from)
SELECT 1, count(*), clock_timestamp() FROM event_positions
"""
FIRST_CONSUMER = """
INSERT INTO event_cursors (consumer, position, moved_at)
VALUES ('payment_days', 0, clock_timestamp())
"""


def upgrade() -> None:
    """Make the tables, and give what happened before its positions."""
    op.create_index("ix_domain_events_recorded_at", "domain_events", ["recorded_at"])
    _make_positions()
    _make_sequence()
    _make_cursors()
    op.execute("ALTER TABLE domain_events NO FORCE ROW LEVEL SECURITY")
    op.execute(HISTORY)
    op.execute(BEGIN)
    op.execute("ALTER TABLE domain_events FORCE ROW LEVEL SECURITY")
    op.enable_tenant_rls("event_positions")  # pyright: ignore[reportAttributeAccessIssue]
    append_only("event_positions")
    _make_dead_letters()
    _make_payment_days()
    op.execute(FIRST_CONSUMER)


def downgrade() -> None:
    """Forget the positions and whatever was made from them; the events stay."""
    for table in (
        "payment_days",
        "event_dead_letters",
        "event_cursors",
        "event_sequence",
        "event_positions",
    ):
        op.drop_table(table)
    op.drop_index("ix_domain_events_recorded_at", table_name="domain_events")


def _tenant() -> sa.Column[object]:
    tenant = sa.text(CURRENT_TENANT)
    return sa.Column("tenant_id", sa.Uuid(), server_default=tenant, nullable=False)


def _instant(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.text("clock_timestamp()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _make_positions() -> None:
    table = "event_positions"
    op.create_table(
        table,
        _tenant(),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        _instant("recorded_at", now=True),
        sa.PrimaryKeyConstraint("tenant_id", "position", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "event_id", name=op.f(f"uq_{table}_tenant_id_event_id")),
    )
    op.create_index("ix_event_positions_position", table, ["position"])


def _make_sequence() -> None:
    """Of the whole house, so only the platform reads it."""
    op.create_table(
        "event_sequence",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _instant("searched_from"),
        _instant("then_from", nullable=True),
        sa.Column("then_xid", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_event_sequence_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_sequence")),
    )
    op.execute("GRANT SELECT, UPDATE ON event_sequence TO inn_platform")


def _make_cursors() -> None:
    """Of the whole house as well."""
    op.create_table(
        "event_cursors",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _instant("moved_at"),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_event_cursors")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON event_cursors TO inn_platform")


def _make_dead_letters() -> None:
    table = "event_dead_letters"
    op.create_table(
        table,
        _tenant(),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="received", nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _instant("due_at", now=True),
        sa.Column("problem", sa.String(), nullable=True),
        _instant("failed_at", nullable=True),
        _instant("done_at", nullable=True),
        _instant("recorded_at", now=True),
        sa.CheckConstraint(
            "status in ('received', 'done', 'failed')", name=op.f(f"ck_{table}_status_known")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            *("tenant_id", "consumer", "event_id"),
            name=op.f(f"uq_{table}_tenant_id_consumer_event_id"),
        ),
    )
    op.create_index(
        f"ix_{table}_queue",
        table,
        ["consumer", "tenant_id", "subject_id", "position"],
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_index(
        f"ix_{table}_failed",
        table,
        ["tenant_id", "id"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]


def _make_payment_days() -> None:
    table = "payment_days"
    words = ("currency", "mode", "method")
    sums = ("received_count", "received_minor", "bounced_count", "bounced_minor")
    op.create_table(
        table,
        _tenant(),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in sums),
        _instant("recorded_at", now=True),
        sa.CheckConstraint(
            "received_count >= 0 and bounced_count >= 0",
            name=op.f(f"ck_{table}_counts_not_negative"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "day", *words, name=op.f(f"pk_{table}")),
    )
    op.enable_tenant_rls(table)  # pyright: ignore[reportAttributeAccessIssue]
