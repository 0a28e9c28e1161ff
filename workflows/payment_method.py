"""Save a card at a provider: open the page for it, learn what was left there, forget it when told.

One run per method; it ends when nothing is uncertain and starts again when the rows change.
"""

from temporalio import workflow

from activities.payment_method import Keeping
from domain.lives import Subject
from domain.payment_method import Step
from workflows import options
from workflows.life import Life


@workflow.defn
class PaymentMethod(Life):
    """The life of one saved way to pay."""

    patience = options.GATEWAY

    @workflow.run
    async def run(self, method: Subject) -> str:
        """Do what is uncertain about it, until the card is kept or forgotten."""
        return await self.live(
            method,
            look=Keeping.look,
            steps={
                Step.open_setup_page: Keeping.open_setup_page,
                Step.look_up_card: Keeping.look_up_card,
                Step.end_setup_page: Keeping.end_setup_page,
                Step.detach: Keeping.detach,
            },
        )
