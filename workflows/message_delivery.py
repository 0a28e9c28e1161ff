"""Deliver one message that its first try did not settle: try again by the ladder, then say so."""

from temporalio import workflow

from activities.message_delivery import Delivering
from domain.lives import Subject
from domain.message_delivery import Step
from workflows import options
from workflows.life import Life


@workflow.defn
class MessageDelivery(Life):
    """The life of a message that is hard to deliver."""

    patience = options.MESSAGE

    @workflow.run
    async def run(self, message: Subject) -> str:
        """Try until it arrived, is no longer wanted, or the ladder is used up."""
        return await self.live(
            message, look=Delivering.look, steps={Step.deliver: Delivering.deliver}
        )
