"""Be paid on a page of a provider: open it, find out what became of it, close it in time.

One run per attempt; it ends when nothing is uncertain and starts again when the rows change.
"""

from temporalio import workflow

from activities.payment_attempt import Attempting
from domain.lives import Subject
from domain.payment_attempt import Step
from workflows import options
from workflows.life import Life


@workflow.defn
class PaymentAttempt(Life):
    """The life of one try to be paid through a provider."""

    patience = options.GATEWAY

    @workflow.run
    async def run(self, attempt: Subject) -> str:
        """Do what is uncertain about it, until the money is taken or the page is gone."""
        return await self.live(
            attempt,
            look=Attempting.look,
            steps={
                Step.open_page: Attempting.open_page,
                Step.look_up: Attempting.look_up,
                Step.take_money: Attempting.take_money,
                Step.close_page: Attempting.close_page,
                Step.end_page: Attempting.end_page,
                Step.look_up_late: Attempting.look_up_late,
            },
        )
