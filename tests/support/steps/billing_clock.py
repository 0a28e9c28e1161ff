"""The step of the billing clock, with three months nobody billed."""

from datetime import date

from activities.billing_clock import Opening
from domain import keys
from domain.lives import Look, Subject
from tests.support.agreements import many_agreements
from tests.support.debt import ten
from tests.support.house import a_tenant
from tests.support.twice import Ground, Step, twice


@twice(Opening.open_due_runs)
async def three_months_were_missed(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    await many_agreements(house, 3)
    tenant = Subject(house.tenant_id, house.tenant_id, keys.billing_clock(house.tenant_id))
    look = Look(tenant, ten(date(2026, 12, 2)))
    return Step(Opening(ground.database).open_due_runs, (look,))
