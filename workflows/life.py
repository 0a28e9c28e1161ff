"""The one loop of every waiting life: look, wait until the plan says so or news comes, act, again.

News carries nothing. It says: something changed in the rows, look again. So a signal that comes
twice, early, late or out of order cannot hurt.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)
from temporalio.workflow import ActivityConfig

from domain.lives import Look, Subject
from domain.next_action import Outlook
from workflows import options

TENANT = SearchAttributeKey.for_keyword("TenantId")
PROPERTY = SearchAttributeKey.for_keyword("PropertyId")
SUBJECT = SearchAttributeKey.for_keyword("SubjectId")
STAGE = SearchAttributeKey.for_keyword("Stage")
NEXT_ACTION = SearchAttributeKey.for_keyword("NextAction")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("NextActionAt")

HISTORY_EVENTS_MAX = 1_500
# What is due within this is waited for by whoever asks: clocks differ by so much.
AT_ONCE = timedelta(seconds=1)

Step = Callable[[Any, Look], Awaitable[Outlook]]


class Life:
    """A workflow that waits on rows. A subclass names its look and its steps."""

    patience: ClassVar[ActivityConfig] = options.STEP

    def __init__(self) -> None:
        self._news = False
        self._rests = False
        self._stage = ""
        self._shown: tuple[str, str | None, datetime | None] | None = None

    @workflow.signal
    def news(self) -> None:
        """Something changed in the rows: look again."""
        self._news = True

    @workflow.update
    async def catch_up(self) -> str:
        """Look again at once, and answer with the stage when nothing is due any more."""
        self._news = True
        await workflow.wait_condition(lambda: self._rests and not self._news)
        return self._stage

    @property
    def has_news(self) -> bool:
        """News came since the last look began."""
        return self._news

    @property
    def history_is_long(self) -> bool:
        """Time to start afresh: the rows are the state, so nothing is carried over."""
        info = workflow.info()
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= HISTORY_EVENTS_MAX
        )

    async def live(self, subject: Subject, look: Step, steps: dict[str, Step]) -> str:
        """Carry out the plan of the subject until it is empty; returns the stage it ended in."""
        outlook = await self._look(look, subject)
        while outlook.step is not None or await self._asked_again():
            if self.history_is_long:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(subject)
            if outlook.step is None or await self.news_before(outlook.at):
                outlook = await self._look(look, subject)
            else:
                taken = await self._take(steps[outlook.step], subject)
                outlook = taken or await self._look(look, subject)
        return outlook.stage

    async def news_before(self, at: datetime | None) -> bool:
        """Wait until the instant, by the house's calendar; True when news came first."""
        patience = None if at is None else max(at - workflow.now(), timedelta())
        self._rests = patience is None or patience > AT_ONCE
        try:
            await workflow.wait_condition(lambda: self._news, timeout=patience)
        except TimeoutError:
            return False
        finally:
            self._rests = False
        return True

    async def _asked_again(self) -> bool:
        """Nothing is left to do: answer whoever still asks, and hear whether there is news."""
        self._rests = True
        await workflow.wait_condition(lambda: self._news or workflow.all_handlers_finished())
        self._rests = False
        return self._news

    async def _look(self, look: Step, subject: Subject) -> Outlook:
        """Look beside the workflow task; when the database stays away, by way of the server.

        A local activity that goes on trying writes every wait into the history, an ordinary one
        writes nothing until it is done: so an outage of weeks does not fill the history.
        """
        self._news = False  # before the look: news that comes meanwhile is not lost
        try:
            outlook = await workflow.execute_local_activity_method(
                look, Look(subject, workflow.now()), **options.LOOK
            )
        except FailureError as error:  # a local activity's own failure comes unwrapped
            if is_cancelled_exception(error):
                raise
            outlook = await workflow.execute_activity_method(
                look, Look(subject, workflow.now()), **options.DATABASE
            )
        self._show(subject, outlook)
        return outlook

    async def _take(self, step: Step, subject: Subject) -> Outlook | None:
        """Take the step; None when it could not be taken in its time.

        A step is for the instant it was handed: one that lay in a queue over an outage would
        send yesterday's reminder today.
        """
        try:
            outlook = await workflow.execute_activity_method(
                step, Look(subject, workflow.now()), **self.patience
            )
        except ActivityError as error:
            if is_cancelled_exception(error) or _is_final(error):
                raise
            return None
        self._show(subject, outlook)
        return outlook

    def _show(self, subject: Subject, outlook: Outlook) -> None:
        self._stage = outlook.stage
        shown = (outlook.stage, outlook.step, outlook.at)
        if shown == self._shown:
            return
        first = self._shown is None
        self._shown = shown
        workflow.set_current_details(_details(outlook))
        updates: list[SearchAttributeUpdate[Any]] = [STAGE.value_set(outlook.stage)]
        if first:
            updates += [
                TENANT.value_set(str(subject.tenant_id)),
                SUBJECT.value_set(str(subject.id)),
            ]
            if outlook.property_id is not None:
                updates.append(PROPERTY.value_set(str(outlook.property_id)))
        if outlook.step is not None and outlook.at is not None:
            updates += [NEXT_ACTION.value_set(outlook.step), NEXT_ACTION_AT.value_set(outlook.at)]
        else:
            updates += [NEXT_ACTION.value_unset(), NEXT_ACTION_AT.value_unset()]
        workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]


def _is_final(error: ActivityError) -> bool:
    return isinstance(error.cause, ApplicationError) and error.cause.non_retryable


def _details(outlook: Outlook) -> str:
    if outlook.step is None or outlook.at is None:
        return f"**{outlook.stage}**: nothing is planned."
    when = f"{outlook.at:%Y-%m-%d %H:%M} UTC"
    return f"**{outlook.stage}**\n\nNext: **{outlook.step}** at {when}\n\n{outlook.why}"
