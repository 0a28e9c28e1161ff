"""A month to bill, from being asked for to being closed: one row per tenant, period and property.

Asking again opens the same run again. Runs of a tenant go in the order of their periods: asking
and closing wake the first that is queued, and none closes while an earlier one is open.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Uuid, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain import keys
from domain.calendar import Month, local_day
from domain.errors import IllegalTransition
from domain.lives import Subject
from models import event, plan
from models.billing_chunk import BILLABLE, scope
from models.bulk import driver_of
from models.database import one, tenant_of
from models.life import LifeRow, SubjectKind
from models.place import Property
from models.record import BillingRun, BillingRunStatus
from models.tenant import Tenant

OPEN = (BillingRunStatus.QUEUED, BillingRunStatus.RUNNING)

_COUNT_BILLABLE = (
    f"select count(*) from agreements a where {BILLABLE}"  # noqa: S608 (words of ours)
    " and ($4::uuid is null or a.property_id = $4)"
)
# Every month an agreement has still to be billed for, up to a day; $2 narrows it to a property.
_UNBILLED = """
select a.id, a.property_id, due.period
  from agreements a
 cross join lateral (
    select greatest(date_trunc('month', a.start_date),
                    coalesce(a.billed_through + interval '1 month', '-infinity')) as month) first
 cross join lateral (
    select generate_series(first.month, least(cast(:until as date), a.end_date), '1 month')::date
           as period) due
 where a.status = 'active' and (cast(:property as uuid) is null or a.property_id = :property)
"""
_ASKED = (bindparam("until", type_=Date), bindparam("property", type_=Uuid))
_PERIODS = text(
    f"select distinct period from ({_UNBILLED}) u order by period"  # noqa: S608 (words of ours)
).bindparams(*_ASKED)
# The clock leaves alone what waits for a person: a stopped run, an agreement with an open task.
_UNHINDERED = """
   and not exists (
     select 1 from tasks t
      where t.subject_kind = 'billing_run' and t.status = 'open' and t.what = 'bill ' || a.id)
   and not exists (
     select 1 from billing_runs s
      where s.status = 'stopped' and s.period = first.month
        and (s.property_id is null or s.property_id = a.property_id))
"""
_DUE_PERIODS = text(
    f"select distinct period from ({_UNBILLED} {_UNHINDERED}) u order by period"  # noqa: S608
).bindparams(*_ASKED)
_NOTE_LIFE = """
insert into lives (subject_kind, subject_id, workflow_id, stage, awaits_at, looked_at, store_id)
values ('billing_run', $1, $2, $3, $4, $4, $5)
on conflict (tenant_id, subject_id) do update
   set stage = excluded.stage, awaits_at = excluded.awaits_at, looked_at = excluded.looked_at,
       store_id = excluded.store_id
"""


def subject_of(run: BillingRun) -> Subject:
    """The run as its life knows it."""
    month = Month.of(run.period)
    return Subject(run.tenant_id, run.id, keys.billing_run(run.tenant_id, month, run.property_id))


async def ask(
    session: AsyncSession, month: Month, property_id: UUID | None, at: datetime, asked_by: str
) -> BillingRun:
    """The run of that month: made, opened again when something is unbilled, or as it stands.

    Months before it that nobody billed are opened too, because they go first. NotFound when there
    is no such property.
    """
    if property_id is not None:
        await one(session, Property, property_id)
    await in_turn(session)
    tenant = await one(session, Tenant, tenant_of(session))
    today = local_day(at, tenant.timezone)
    until = min(month.previous().last, today)
    asked = {"until": until, "property": property_id}
    missed = await session.scalars(_PERIODS, asked)
    for period in missed.all():
        await _open(session, Month.of(period), property_id, asked_by)
    run, _ = await _open(session, month, property_id, asked_by)
    if run.status == BillingRunStatus.RUNNING:
        await wake(session, run)  # it goes round once more
    await wake_next(session)
    return run


async def open_due(session: AsyncSession, at: datetime, asked_by: str) -> list[date]:
    """Open a run for every unbilled month whose first day has come, and wake the first.

    Returns the months, in order. What a person stopped or has to look at is left alone.
    """
    await in_turn(session)
    tenant = await one(session, Tenant, tenant_of(session))
    until = local_day(at, tenant.timezone)
    found = await session.scalars(_DUE_PERIODS, {"until": until, "property": None})
    periods = list(found)
    opened = [await _open(session, Month.of(period), None, asked_by) for period in periods]
    if any(anew for _, anew in opened):
        await wake_next(session)
    return periods


async def open_again(session: AsyncSession, run_id: UUID, _at: datetime) -> None:
    """A refused agreement was settled: the run bills what is left, in its turn."""
    await in_turn(session)
    run = await locked(session, run_id)
    await _open(session, Month.of(run.period), run.property_id, run.asked_by)
    await wake_next(session)


async def _open(
    session: AsyncSession, month: Month, property_id: UUID | None, asked_by: str
) -> tuple[BillingRun, bool]:
    """Find or make the run, and whether it is open anew.

    A closed one is queued again when something is unbilled.
    """
    key = {"tenant_id": tenant_of(session), "period": month.first, "property_id": property_id}
    made = await session.scalar(
        insert(BillingRun)
        .values(**key, status=BillingRunStatus.QUEUED, asked_by=asked_by)
        .on_conflict_do_nothing()
        .returning(BillingRun.id)
    )
    run = (
        await session.scalars(
            select(BillingRun)
            .filter_by(**key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()
    if run.status not in OPEN and await billable(session, month, property_id):
        run.status = BillingRunStatus.QUEUED
        run.asked_by = asked_by
        run.cursor_id = run.finished_at = run.stop_requested_at = None
        await session.flush()
        return run, True
    return run, made is not None


async def billable(session: AsyncSession, month: Month, property_id: UUID | None) -> int:
    """How many agreements the month could bill now."""
    driver = await driver_of(session)
    count: int = await driver.fetchval(_COUNT_BILLABLE, *scope(month, property_id))
    return count


async def is_done(session: AsyncSession, run: BillingRun) -> bool:
    """Closed, with nothing to bill: whoever wakes it once more does not open it again."""
    month = Month.of(run.period)
    return run.status not in OPEN and not await billable(session, month, run.property_id)


async def in_turn(session: AsyncSession) -> None:
    """Whoever opens or closes runs of the tenant does so alone, before locking any run's row."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(str(tenant_of(session)), 3)))
    )


async def wake_next(session: AsyncSession) -> None:
    """Wake the tenant's first open run unless it is under way: then its close wakes the next.

    First is the earliest period, and of one period the whole house before a property.
    """
    run = await session.scalar(
        select(BillingRun)
        .where(BillingRun.status.in_(OPEN))
        .order_by(BillingRun.period, BillingRun.property_id.is_not(None), BillingRun.id)
        .limit(1)
    )
    if run is not None and run.status == BillingRunStatus.QUEUED:
        await wake(session, run)


async def wake(session: AsyncSession, run: BillingRun) -> None:
    """Ask the relay to start the run, or to tell it to look again."""
    subject = subject_of(run)
    await plan.wake(session, SubjectKind.BILLING_RUN, subject.id, subject.workflow_id)


async def locked(session: AsyncSession, run_id: UUID) -> BillingRun:
    """The run, its row locked: chunks of one run go one after another."""
    return await one(session, BillingRun, run_id, lock=True)


async def stop(session: AsyncSession, run_id: UUID, at: datetime) -> BillingRun:
    """Ask an open run to stop before its next chunk; IllegalTransition when it is closed."""
    run = await locked(session, run_id)
    if run.status not in OPEN:
        raise IllegalTransition(f"the run is {run.status}")
    if run.stop_requested_at is None:
        run.stop_requested_at = at
        await wake(session, run)
    return run


async def close(session: AsyncSession, run_id: UUID, at: datetime) -> BillingRun:
    """Close a run: stopped when that was asked, else issued; wake the next in order.

    While a run of an earlier month is open it is queued again instead: its turn comes.
    """
    await in_turn(session)
    run = await locked(session, run_id)
    if run.status not in OPEN:
        return run
    run.cursor_id = None
    await session.flush()
    if run.stop_requested_at is None and await _earlier_open(session, run):
        run.status = BillingRunStatus.QUEUED
    else:
        stopped = run.stop_requested_at is not None
        run.status = BillingRunStatus.STOPPED if stopped else BillingRunStatus.ISSUED
        run.finished_at = at
        run.expected_count = run.issued_count + run.refused_count
        await _tell(session, run, at)
    await forget_life(session, run)
    await wake_next(session)
    return run


async def _earlier_open(session: AsyncSession, run: BillingRun) -> bool:
    earlier = await session.scalar(
        select(BillingRun.id)
        .where(BillingRun.period < run.period, BillingRun.status.in_(OPEN))
        .limit(1)
    )
    return earlier is not None


async def _tell(session: AsyncSession, run: BillingRun, at: datetime) -> None:
    await event.record(
        session,
        "billing_run.closed",
        SubjectKind.BILLING_RUN,
        run.id,
        at,
        period=str(Month.of(run.period)),
        status=run.status,
        issued=run.issued_count,
        refused=run.refused_count,
    )


async def note_life(session: AsyncSession, run: BillingRun, at: datetime, store_id: str) -> None:
    """Note that the run is under way, so that repair finds it when its life is lost."""
    driver = await driver_of(session)
    workflow_id = subject_of(run).workflow_id
    await driver.execute(_NOTE_LIFE, run.id, workflow_id, str(run.status), at, store_id)


async def forget_life(session: AsyncSession, run: BillingRun) -> None:
    """The run waits no more."""
    await session.execute(delete(LifeRow).where(LifeRow.subject_id == run.id))
