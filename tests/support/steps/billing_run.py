"""The steps of a billing run, with agreements to bill, refused ones, and a run to close."""

from activities.billing_run import Billing, NextChunk
from domain.lives import Look
from tests.support.agreements import FIRST, asked, many_agreements
from tests.support.house import a_tenant
from tests.support.twice import Ground, Step, twice


@twice(Billing.issue_chunk)
async def twelve_agreements_are_to_be_billed(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    await many_agreements(house, 12)
    chunk = NextChunk(Look(await asked(house), FIRST))
    return Step(Billing(ground.database, ground.store_id).issue_chunk, (chunk,))


@twice(Billing.issue_chunk)
async def the_first_of_two_chunks_after_news(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    await many_agreements(house, 12)
    chunk = NextChunk(Look(await asked(house), FIRST), afresh=True)
    billing = Billing(ground.database, ground.store_id, chunk=12)
    return Step(billing.issue_chunk, (chunk,), same_answer=False)


@twice(Billing.close)
async def every_agreement_is_billed(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    await many_agreements(house, 3)
    look = Look(await asked(house), FIRST)
    billing = Billing(ground.database, ground.store_id)
    await billing.issue_chunk(NextChunk(look))
    return Step(billing.close, (look,))
