"""What is too dear to count at every scrape is counted now and then, by one process, and kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; it holds figures of the whole house, so only the platform reads it."""
    op.create_table(
        "readings",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON readings TO inn_platform")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("readings")
