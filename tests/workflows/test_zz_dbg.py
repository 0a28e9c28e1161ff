import asyncio, time
from tests.workflows.test_invoice_collection import *
async def test_dbg(env, database_urls):
    announced = Announcements()
    async with under_way(env, database_urls) as house:
        announced.house = house.house
        place = await a_property(house.house, beds=1)
        debt=await a_debt(house.house, DUE, place=place, issued=ISSUED)
        told=chances(45)
        async with house.worker():
            for c in told:
                await house.driver.to(c.at(debt))
                await attempt(debt, c, house.clock.now())
            await house.driver.to(at(DUE + timedelta(days=60)))
        done = await announced.done()
        for d in done: print("DONE", d.what, d.at)
        for d in foretold(debt, ISSUED, told): print("FORE", d)
        for t in await house.tasks(): print("TASK", t.what, t.title, t.detail, t.status, t.opened_at)
        for a in await house.announced(): print("PLAN", a.what, a.at)
        print("ROW", (await debt.row()).status, (await debt.row()).handed_over_at)
        h=await env.client.get_workflow_handle(debt.workflow_id).fetch_history()
        print("EV", [(e.event_type) for e in h.events])
        print("EVLAST", h.events[-1])
