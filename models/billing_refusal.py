"""Agreements a run could not bill: listed with the reason, each a task, until they are billed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused
from models.billing_chunk import Refusal
from models.bulk import columns, driver_of, new_ids
from models.database import cause_of, is_bad_value
from models.life import SubjectKind
from models.record import BillingRefusal, BillingRun
from models.task import open_task

# What a refused statement can raise, through SQLAlchemy or on the driver's own connection.
REFUSALS = (Refused, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)

_REFUSE = """
insert into billing_refusals (id, run_id, agreement_id, code, problem)
select r.id, $5::uuid, r.agreement_id, r.code, r.problem
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) r(id, agreement_id, code, problem)
on conflict (tenant_id, run_id, agreement_id)
   do update set code = excluded.code, problem = excluded.problem
"""
_LIFT = """
delete from billing_refusals where agreement_id = any($1::uuid[]) returning run_id, agreement_id
"""
_RECOUNT = """
update billing_runs b
   set refused_count = (select count(*) from billing_refusals f
                         where f.tenant_id = b.tenant_id and f.run_id = b.id)
 where b.id = any($1::uuid[])
"""
_SETTLE = """
update tasks set status = 'done', resolved_at = $2, resolved_by = current_setting('app.actor'),
       resolution = 'billed'
 where subject_kind = 'billing_run' and status = 'open' and what = any($1::text[])
"""


def task_of(agreement_id: UUID) -> str:
    """What the task about a refused agreement asks for."""
    return f"bill {agreement_id}"


def refusal_of(agreement_id: UUID, error: Exception) -> Refusal:
    """The reason in plain words, without the values of the row: they may be personal."""
    if isinstance(error, Refused):
        return Refusal.by_rule(agreement_id, error)
    cause = cause_of(error) if isinstance(error, DBAPIError) else error
    rule = getattr(cause, "constraint_name", None)
    if rule:
        problem = f"the database's rule {rule} of {getattr(cause, 'table_name', None)} refuses it"
    else:
        problem = f"the database refuses it: {str(cause).splitlines()[0][:200]}"
    return Refusal(agreement_id, "DATABASE_REFUSED", problem)


def is_about_a_row(error: Exception) -> bool:
    """Whether one row of a chunk was refused, not the program or the installation wrong."""
    cause = cause_of(error) if isinstance(error, DBAPIError) else error
    if isinstance(cause, Refused) or is_bad_value(cause):
        return True
    ours = (asyncpg.SyntaxOrAccessError, asyncpg.InternalServerError)
    return isinstance(cause, asyncpg.PostgresError) and not isinstance(cause, ours)


async def refuse(
    session: AsyncSession, run: BillingRun, refusals: Sequence[Refusal], at: datetime
) -> None:
    """List the refusals under the run and open a task for each; told again they are renewed."""
    driver = await driver_of(session)
    rows = [(refusal.agreement_id, refusal.code, refusal.problem) for refusal in refusals]
    await driver.execute(_REFUSE, new_ids(len(rows)), *columns(rows), run.id)
    for refusal in refusals:
        await open_task(
            session,
            kind=SubjectKind.BILLING_RUN,
            subject_id=run.id,
            what=task_of(refusal.agreement_id),
            title="an agreement could not be billed",
            detail=f"agreement {refusal.agreement_id}: {refusal.problem}",
            at=at,
        )
    counted = await session.scalar(
        select(func.count()).select_from(BillingRefusal).where(BillingRefusal.run_id == run.id)
    )
    run.refused_count = counted or 0


async def lift(
    session: AsyncSession, run: BillingRun, agreement_ids: Sequence[UUID], at: datetime
) -> None:
    """What was refused and is billed now is no longer listed, and its task is done."""
    driver = await driver_of(session)
    lifted = await driver.fetch(_LIFT, agreement_ids)
    if lifted:
        done = [task_of(row["agreement_id"]) for row in lifted]
        await driver.execute(_SETTLE, done, at)
        await driver.execute(_RECOUNT, [row["run_id"] for row in lifted])
        await session.refresh(run, ["refused_count"])
