"""Alembic's knowledge of the wall: enable, force and one exact policy per tenant table.

Autogenerate makes it with the table, and `alembic check` fails when someone drops FORCE or
loosens the policy.
"""

from typing import Any

from alembic.autogenerate import comparators, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import UpgradeOps
from alembic.util.langhelpers import DispatchPriority
from sqlalchemy import text

from models.base import CURRENT_TENANT, Base
from models.walls import STORED

POLICY = "tenant_isolation"
PREDICATE = f"(tenant_id = ( SELECT {CURRENT_TENANT}))"


@Operations.register_operation("enable_tenant_rls")
class EnableTenantRls(MigrateOperation):
    """Put the wall around a table and let the two roles in through it."""

    def __init__(self, table: str) -> None:
        self.table = table

    @classmethod
    def enable_tenant_rls(cls, operations: Operations, table: str) -> Any:
        """`op.enable_tenant_rls(table)` in a migration."""
        return operations.invoke(cls(table))

    def reverse(self) -> "DisableTenantRls":
        """Downgrade of it."""
        return DisableTenantRls(self.table)

    def to_diff_tuple(self) -> tuple[str, str]:
        """How `alembic check` names a missing wall."""
        return ("enable_tenant_rls", self.table)


@Operations.register_operation("disable_tenant_rls")
class DisableTenantRls(MigrateOperation):
    """Take the wall away, only ever as the downgrade of building it."""

    def __init__(self, table: str) -> None:
        self.table = table

    @classmethod
    def disable_tenant_rls(cls, operations: Operations, table: str) -> Any:
        """`op.disable_tenant_rls(table)` in a migration."""
        return operations.invoke(cls(table))

    def reverse(self) -> EnableTenantRls:
        """Upgrade of it."""
        return EnableTenantRls(self.table)

    def to_diff_tuple(self) -> tuple[str, str]:
        """How `alembic check` names a wall too many."""
        return ("disable_tenant_rls", self.table)


@Operations.implementation_for(EnableTenantRls)
def _enable(operations: Operations, step: EnableTenantRls) -> None:
    table = step.table
    operations.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    operations.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    operations.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}")
    operations.execute(
        f"CREATE POLICY {POLICY} ON {table} FOR ALL USING {PREDICATE} WITH CHECK {PREDICATE}"
    )
    operations.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO inn_app, inn_platform")


@Operations.implementation_for(DisableTenantRls)
def _disable(operations: Operations, step: DisableTenantRls) -> None:
    operations.execute(f"DROP POLICY IF EXISTS {POLICY} ON {step.table}")
    operations.execute(f"ALTER TABLE {step.table} NO FORCE ROW LEVEL SECURITY")
    operations.execute(f"ALTER TABLE {step.table} DISABLE ROW LEVEL SECURITY")


@renderers.dispatch_for(EnableTenantRls)
def _render_enable(_context: AutogenContext, step: EnableTenantRls) -> str:
    return f"op.enable_tenant_rls({step.table!r})"


@renderers.dispatch_for(DisableTenantRls)
def _render_disable(_context: AutogenContext, step: DisableTenantRls) -> str:
    return f"op.disable_tenant_rls({step.table!r})"


_WALLS = text(
    "select c.relname, c.relrowsecurity, c.relforcerowsecurity, p.qual, p.with_check"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " left join pg_policies p on p.schemaname = n.nspname and p.tablename = c.relname"
    " and p.policyname = :policy where n.nspname = 'public' and c.relkind in ('r', 'p')"
)


@comparators.dispatch_for("schema", priority=DispatchPriority.LAST)
def _compare(context: AutogenContext, upgrade: UpgradeOps, _schemas: Any) -> None:
    assert context.connection is not None
    rows = context.connection.execute(_WALLS, {"policy": POLICY})
    walls = {row[0]: tuple(row[1:]) for row in rows}
    for table in Base.metadata.sorted_tables:
        if "tenant_id" in table.c:
            if walls.get(table.name) != (True, True, STORED, STORED):
                upgrade.ops.append(EnableTenantRls(table.name))
        elif walls.get(table.name, (False,))[0]:
            upgrade.ops.append(DisableTenantRls(table.name))
