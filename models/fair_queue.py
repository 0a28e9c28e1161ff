"""Takes the head of a queue fairly: a share for every tenant that waits, whoever queued more.

A tenant with ten thousand rows before everybody else's delays nobody: it gets the rest of a batch
only after each other tenant had its share. Needs an index that begins with the tenant and goes on
with the queue's order; each tenant then costs one probe of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Integer, cast, func, select, true
from sqlalchemy.orm import aliased

from models.base import TenantRow

Due = Callable[[type[Any]], ColumnElement[bool]]


def fair_heads(queue: type[TenantRow], due: Due, order: Sequence[str], batch: int) -> CTE:
    """`tenant_id, id` of at most `batch` due rows, locked; what others hold is skipped.

    Within a tenant in the queue's order, between tenants in turn: every first row, every second.
    """
    waiting = _waiting_tenants(queue, due)
    tenants = func.nullif(func.count(waiting.c.tenant_id), 0)
    share = select(cast(func.ceil(float(batch) / tenants), Integer)).scalar_subquery()
    row = aliased(queue)
    columns = [getattr(row, name) for name in order]
    heads = (
        select(row.tenant_id, row.id, *columns)
        .where(row.tenant_id == waiting.c.tenant_id, due(row))
        .order_by(*columns)
        .limit(share)
        .with_for_update(skip_locked=True, of=row)
        .lateral("heads")
    )
    ordered = [heads.c[name] for name in order]
    turn = func.row_number().over(partition_by=heads.c.tenant_id, order_by=ordered)
    return (
        select(heads.c.tenant_id, heads.c.id)
        .select_from(waiting.join(heads, true()))
        .where(waiting.c.tenant_id.is_not(None))
        .order_by(turn, *ordered)
        .limit(batch)
        .cte("fair_heads")
    )


def _waiting_tenants(queue: type[TenantRow], due: Due) -> CTE:
    """Every tenant with a due row, from one to the next; the last row is NULL: there is no more."""
    first, later = aliased(queue), aliased(queue)
    begin = select(_first_of(select(first.tenant_id).where(due(first)), first).label("tenant_id"))
    found = begin.cte("waiting_tenants", recursive=True)
    onward = select(later.tenant_id).where(due(later), later.tenant_id > found.c.tenant_id)
    return found.union_all(select(_first_of(onward, later)).where(found.c.tenant_id.is_not(None)))


def _first_of(tenants: Any, queue: type[TenantRow]) -> Any:
    return tenants.order_by(queue.tenant_id).limit(1).scalar_subquery()
