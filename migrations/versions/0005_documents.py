"""The address that UPI payments go to, for the code on documents."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody's documents show a code until somebody says where the money goes."""
    op.add_column("billing_settings", sa.Column("upi_vpa", sa.String(), nullable=True))


def downgrade() -> None:
    """Forget the addresses."""
    op.drop_column("billing_settings", "upi_vpa")
