"""Bill one month of one tenant, or of one property, chunk by chunk until nothing is left.

One run per month; it ends when the month is issued or stopped and starts again when asked again.
"""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from activities.billing_run import Billing, NextChunk, Progress
from domain.lives import Look, Subject
from workflows import options
from workflows.life import PROPERTY, STAGE, SUBJECT, TENANT, Life


@workflow.defn
class BillingRun(Life):
    """The life of a billing run."""

    @workflow.run
    async def run(self, run: Subject) -> str:
        """Issue chunks while agreements are left or news comes, then close; returns the status."""
        while True:
            progress = await self._issue_chunk(run)
            if progress.left or self.has_news:
                await self._begin_anew_when_long(run)
                continue
            closed = await self._close(run)
            if not self.has_news:
                return closed.status

    async def _issue_chunk(self, run: Subject) -> Progress:
        """The next chunk; after news the first again: an agreement may have come before it."""
        news, self._news = self._news, False
        progress = await workflow.execute_activity_method(
            Billing.issue_chunk,
            NextChunk(Look(run, workflow.now()), afresh=news),
            **options.CHUNK,
        )
        self._tell(run, progress)
        return progress

    async def _close(self, run: Subject) -> Progress:
        progress = await workflow.execute_activity_method(
            Billing.close, Look(run, workflow.now()), **options.DATABASE
        )
        self._tell(run, progress)
        return progress

    async def _begin_anew_when_long(self, run: Subject) -> None:
        """The cursor is in the run's row, so nothing but the subject is carried over."""
        if self.history_is_long and not self.has_news:
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(run)

    def _tell(self, run: Subject, progress: Progress) -> None:
        workflow.set_current_details(
            f"**{progress.status}**\n\n{progress.period}: {progress.issued:,} of"
            f" {progress.expected:,} issued, {progress.refused:,} refused"
        )
        updates: list[SearchAttributeUpdate[Any]] = [
            TENANT.value_set(str(run.tenant_id)),
            SUBJECT.value_set(str(run.id)),
            STAGE.value_set(progress.status),
        ]
        if progress.property_id is not None:
            updates.append(PROPERTY.value_set(str(progress.property_id)))
        if self._shown != (progress.status, None, None):
            self._shown = (progress.status, None, None)
            workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]
