"""A step that lives says so; one whose worker is gone is taken up long before its time is over."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

MISSED_AFTER = timedelta(seconds=1)


@activity.defn
async def takes_its_time(seconds: float) -> int:
    """Longer than its heartbeat may stay away; which try of it came to the end."""
    await asyncio.sleep(seconds)
    return activity.info().attempt


@workflow.defn
class Patient:
    """Waits for the one step."""

    @workflow.run
    async def run(self, seconds: float) -> int:
        """The try that came to the end."""
        return await workflow.execute_activity(
            takes_its_time,
            seconds,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=MISSED_AFTER,
        )


async def test_a_step_that_takes_longer_than_a_heartbeat_is_not_given_up(
    env: WorkflowEnvironment,
) -> None:
    async with Worker(
        env.client, task_queue="steps", workflows=[Patient], activities=[takes_its_time]
    ):
        tries: int = await env.client.execute_workflow(
            Patient.run, 2.5, id="patient", task_queue="steps"
        )
    assert tries == 1
