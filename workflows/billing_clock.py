"""Once a day: open a run for every month that has begun and is not billed, the oldest first.

Started by the tenant's schedule. A day missed is no loss: every month gets its run, in order.
"""

from temporalio import workflow

from activities.billing_clock import Opening
from domain.lives import Look, Subject
from workflows import options
from workflows.life import SUBJECT, TENANT


@workflow.defn
class BillingClock:
    """One stroke of a tenant's billing clock; its subject is the tenant itself."""

    @workflow.run
    async def run(self, tenant: Subject) -> list[str]:
        """Open what is due; returns the months, the first of which is woken."""
        workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
            [TENANT.value_set(str(tenant.tenant_id)), SUBJECT.value_set(str(tenant.id))]
        )
        opened: list[str] = await workflow.execute_activity_method(
            Opening.open_due_runs, Look(tenant, workflow.now()), **options.DATABASE
        )
        workflow.set_current_details(", ".join(opened) or "every month is billed")
        return opened
