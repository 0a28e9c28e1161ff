"""The audit says from where a change came and for what: address, program, command or step."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = ("ip", "agent", "why")
# The ids of one statement count up from one that is made for it: the rows are found in their order.
AUDIT = """
CREATE OR REPLACE FUNCTION audit_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  first text := uuidv7();
  head text := left(first, 24);
  tail bigint := ('x' || right(first, 12))::bit(48)::bigint / 2;
{settings}
BEGIN
  INSERT INTO audit_log
    (id, tenant_id, actor, {columns}, table_name, operation, row_id, before, after)
  SELECT (head || lpad(to_hex(tail + row_number() OVER ()), 12, '0'))::uuid, tenant_id,
         (SELECT acting()), {values}, TG_TABLE_NAME, '{event}', id, {before}, {after}
  FROM {source};
  RETURN NULL;
END $$
"""
SETTING = "  of_{column} text := nullif(current_setting('app.{setting}', true), '');"
WHOLE = "CASE WHEN TG_NARGS = 0 THEN to_jsonb({row}) ELSE to_jsonb({row}) - TG_ARGV END"
BOTH = "after_rows n JOIN before_rows o USING (tenant_id, id)"


def upgrade() -> None:
    """Add the columns, and let the triggers fill them."""
    for column in COLUMNS:
        op.add_column("audit_log", sa.Column(column, sa.String(), nullable=True))
    _write({"request_id": "request", **{column: column for column in COLUMNS}})


def downgrade() -> None:
    """Forget from where and for what."""
    _write({"request_id": "request"})
    for column in reversed(COLUMNS):
        op.drop_column("audit_log", column)


def _write(filled: dict[str, str]) -> None:
    settings = "\n".join(SETTING.format(column=one, setting=filled[one]) for one in filled)
    columns, values = ", ".join(filled), ", ".join(f"of_{one}" for one in filled)
    old, new = WHOLE.format(row="o"), WHOLE.format(row="n")
    for event, before, after, source in (
        ("insert", "NULL", new, "after_rows n"),
        ("update", old, new, BOTH),
        ("delete", old, "NULL", "before_rows o"),
    ):
        given = {"before": before, "after": after, "source": source, "settings": settings}
        op.execute(AUDIT.format(event=event, columns=columns, values=values, **given))
