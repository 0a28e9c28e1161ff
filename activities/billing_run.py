"""Steps of a billing run. Each may run twice; what is billed is not billed again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.life import life_of
from domain.calendar import Month
from domain.lives import Look
from models import billing_chunk, billing_run
from models.billing_chunk import Chunk, Office
from models.billing_issue import issue
from models.billing_refusal import REFUSALS, is_about_a_row, lift, refusal_of, refuse
from models.bulk import driver_of
from models.database import Database
from models.record import BillingRun, BillingRunStatus

CHUNK = 500

_MARK_BILLED = "select mark_billed($1, $2)"


@dataclass(frozen=True, slots=True)
class NextChunk:
    """Which run to go on with; `afresh` begins with the first agreement again: news came."""

    look: Look
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is. `left` says that another chunk may find something to bill."""

    period: str
    property_id: UUID | None
    status: str
    issued: int
    refused: int
    expected: int
    left: bool


class Billing:
    """Bills a month in chunks. `store_id` names the Temporal store this worker serves."""

    def __init__(self, database: Database, store_id: str, *, chunk: int = CHUNK) -> None:
        self._database = database
        self._store_id = store_id
        self._chunk = chunk

    @activity.defn
    async def issue_chunk(self, asked: NextChunk) -> Progress:
        """Bill the next agreements in one transaction; one that is refused is named and left out.

        What the database refuses is halved, each half in its own transaction, until the one bad
        agreement stands alone: it is listed and becomes a task, the others go in.
        """
        try:
            return await self._bill(asked)
        except REFUSALS as error:
            if not is_about_a_row(error):
                raise
            ids = await self._next_ids(asked)
            return await self._halved(asked, ids, error)

    @activity.defn
    async def close(self, look: Look) -> Progress:
        """End the run and wake the tenant's next."""
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            return _progress(await billing_run.close(session, look.subject.id, look.at))

    async def _bill(self, asked: NextChunk, these: Sequence[UUID] | None = None) -> Progress:
        look = asked.look
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            run = await billing_run.locked(session, look.subject.id)
            if run.stop_requested_at is not None or await billing_run.is_done(session, run):
                return _progress(run)
            office = await billing_chunk.office_of(session, run, look.at)
            rows = await self._rows(session, run, office, asked, these)
            chunk = billing_chunk.drafted(office, rows)
            await self._write(session, run, office, chunk)
            if these:
                run.cursor_id = these[-1]
            await billing_run.note_life(session, run, look.at, self._store_id)
            return _progress(run, left=len(rows) == self._chunk)

    async def _rows(
        self,
        session: AsyncSession,
        run: BillingRun,
        office: Office,
        asked: NextChunk,
        these: Sequence[UUID] | None,
    ) -> Sequence[Any]:
        """The agreements of this chunk, locked; the first chunk counts how many there are."""
        driver = await driver_of(session)
        after = None if asked.afresh else run.cursor_id
        run.status = BillingRunStatus.RUNNING
        run.started_at = run.started_at or office.at
        run.finished_at = None
        if after is None and these is None:
            waiting = await billing_run.billable(session, office.month, office.property_id)
            run.expected_count = run.issued_count + waiting
        if these is None:
            return await billing_chunk.to_bill(driver, office, after, self._chunk)
        return await billing_chunk.these_to_bill(driver, office, these)

    async def _write(
        self, session: AsyncSession, run: BillingRun, office: Office, chunk: Chunk
    ) -> None:
        issued = await issue(session, office, chunk)
        settled = [*(one.bill.row["id"] for one in issued), *chunk.empty]
        if settled:
            driver = await driver_of(session)
            await driver.execute(_MARK_BILLED, office.month.first, settled)
            await lift(session, run, settled, office.at)
        if chunk.refusals:
            await refuse(session, run, chunk.refusals, office.at)
        run.issued_count += len(issued)
        ours = office.tenant.currency
        run.issued_minor += sum(
            one.bill.pattern.draft.total_minor for one in issued if one.bill.row["currency"] == ours
        )
        run.cursor_id = chunk.last_id or run.cursor_id

    async def _next_ids(self, asked: NextChunk) -> list[UUID]:
        """The agreements of the chunk that was refused."""
        look = asked.look
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            run = await billing_run.locked(session, look.subject.id)
            office = await billing_chunk.office_of(session, run, look.at)
            rows = await self._rows(session, run, office, asked, None)
            return [row["id"] for row in rows]

    async def _halved(self, asked: NextChunk, ids: Sequence[UUID], error: Exception) -> Progress:
        """Bill both halves, in key order; a single one is refused with the error it raised."""
        if len(ids) <= 1:
            return await self._refuse(asked, ids, error)
        middle = len(ids) // 2
        progress = None
        for half in (ids[:middle], ids[middle:]):
            try:
                progress = await self._bill(asked, half)
            except REFUSALS as again:
                progress = await self._halved(asked, half, again)
        assert progress is not None
        return replace(progress, left=len(ids) == self._chunk)

    async def _refuse(self, asked: NextChunk, ids: Sequence[UUID], error: Exception) -> Progress:
        if not ids:
            raise error
        look = asked.look
        async with self._database.tenant(look.subject.tenant_id, life_of(look)) as session:
            run = await billing_run.locked(session, look.subject.id)
            await refuse(session, run, [refusal_of(ids[0], error)], look.at)
            run.cursor_id = ids[0]
            return _progress(run)


def _progress(run: BillingRun, *, left: bool = False) -> Progress:
    return Progress(
        period=str(Month.of(run.period)),
        property_id=run.property_id,
        status=run.status,
        issued=run.issued_count,
        refused=run.refused_count,
        expected=run.expected_count,
        left=left,
    )
