"""Look after lives that were lost: once an hour, over all tenants."""

from temporalio import workflow

from activities.repair import Repairing
from workflows import options


@workflow.defn
class Repair:
    """One round of repair."""

    @workflow.run
    async def run(self) -> int:
        """Wake the lost, forget what is kept for a time only; how many were lost."""
        woken = await workflow.execute_activity_method(
            Repairing.wake_the_lost, workflow.now(), **options.DATABASE
        )
        await workflow.execute_activity_method(Repairing.forget_old_answers, **options.DATABASE)
        return woken
