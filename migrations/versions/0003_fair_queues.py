"""The queues begin with the tenant, so that a relay finds everybody's first row at once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("state in ('pending', 'processing')")


def upgrade() -> None:
    """Order both queues by tenant first."""
    op.drop_index("ix_wakes_queue", table_name="wakes")
    op.create_index("ix_wakes_queue", "wakes", ["tenant_id", "priority", "recorded_at"])
    op.drop_index("ix_deliveries_queue", table_name="deliveries")
    op.create_index(
        "ix_deliveries_queue",
        "deliveries",
        ["tenant_id", "not_before", "id"],
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    """Order both queues by age alone."""
    op.drop_index("ix_deliveries_queue", table_name="deliveries")
    op.create_index("ix_deliveries_queue", "deliveries", ["not_before"], postgresql_where=OPEN)
    op.drop_index("ix_wakes_queue", table_name="wakes")
    op.create_index("ix_wakes_queue", "wakes", ["priority", "recorded_at"])
