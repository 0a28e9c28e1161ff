"""Collect one issued invoice: remind, charge the late fee once, hand over, until it is paid.

One run per invoice; it ends when nothing is left to do and starts again when the rows change.
"""

from temporalio import workflow

from activities.invoice_collection import Collecting
from domain.invoice_collection import Step
from domain.lives import Subject
from workflows.life import Life


@workflow.defn
class InvoiceCollection(Life):
    """The life of an invoice after issue."""

    @workflow.run
    async def run(self, invoice: Subject) -> str:
        """Wait for what the plan says and do it, until nothing is owed."""
        return await self.live(
            invoice,
            look=Collecting.look,
            steps={
                Step.break_promise: Collecting.break_promise,
                Step.break_instalments: Collecting.break_instalments,
                Step.charge_late_fee: Collecting.charge_late_fee,
                Step.charge_daily_fee: Collecting.charge_daily_fee,
                Step.remind: Collecting.remind,
                Step.hand_to_operator: Collecting.hand_to_operator,
            },
        )
