"""One list of what waits for a person, whoever told it; and each can be tried again."""

from sqlalchemy import text
from uuid_utils.compat import uuid7

from domain.payment_account import Provider
from models.database import Database
from models.gateway_log import Told, keep
from tests.support.attempt import an_account
from tests.support.events import KIND, NOON, Keeping, caught_up, happens, letters_fall_due
from tests.support.house import House, a_tenant
from tests.support.web import a_client, a_vault


async def a_dead_event(house: House, keeping: Keeping) -> str:
    """An event that a consumer tried four times; its id."""
    event = await happens(house)
    keeping.poisoned = {event}
    for _ in range(4):
        await caught_up(house.database, keeping)
        await letters_fall_due(house.database)
    keeping.poisoned = set()
    return str(event)


async def a_dead_provider_event(house: House) -> str:
    """An event of a provider that could not be settled; its id there."""
    account = await an_account(house, a_vault(), Provider.stripe)
    async with house.session() as session:
        await keep(session, Told(Provider.stripe, account.id, "evt_1", "odd", b"{}", NOON))
        await session.execute(
            text("update gateway_logs set status = 'failed', tries = 4, problem = 'no data'")
        )
    return "evt_1"


async def test_both_kinds_stand_in_one_list(house: House) -> None:
    keeping = Keeping()
    theirs, ours = await a_dead_provider_event(house), await a_dead_event(house, keeping)
    async with a_client(house) as client:
        newest, oldest = (await client.get("/dead-letters")).json()["items"]
        first = (await client.get("/dead-letters?limit=1")).json()
        rest = (await client.get(f"/dead-letters?limit=1&cursor={first['nextCursor']}")).json()
    assert [*first["items"], *rest["items"]] == [newest, oldest]
    assert rest["nextCursor"] is None
    assert {name: newest[name] for name in ("origin", "consumer", "kind", "eventId")} == {
        "origin": "house",
        "consumer": "keeping",
        "kind": KIND,
        "eventId": ours,
    }
    assert (newest["provider"], newest["tries"], newest["status"]) == (None, 4, "failed")
    assert newest["problem"] == "ValueError"
    assert (oldest["origin"], oldest["provider"], oldest["eventId"], oldest["consumer"]) == (
        "provider",
        "stripe",
        theirs,
        None,
    )


async def test_each_is_tried_again_once(house: House) -> None:
    keeping = Keeping()
    await a_dead_provider_event(house)
    ours = await a_dead_event(house, keeping)
    async with a_client(house) as client:
        for letter in (await client.get("/dead-letters")).json()["items"]:
            path = f"/dead-letters/{letter['id']}/replay"
            again = await client.post(path)
            assert (again.status_code, again.json()["status"]) == (202, "received"), again.text
            assert again.json()["tries"] == 0
            assert (await client.post(path)).status_code == 409
        assert (await client.get("/dead-letters")).json()["items"] == []
        assert (await client.post(f"/dead-letters/{uuid7()}/replay")).status_code == 404
    await caught_up(house.database, keeping)
    assert [str(one) for one in await keeping.kept(house.database)] == [ours]
    async with house.session() as session:
        told = "select type from domain_events where type like '%.replayed' order by id"
        types = (await session.scalars(text(told))).all()
    assert sorted(types) == ["event.replayed", "provider_event.replayed"]


async def test_a_dead_letter_is_nobody_elses(database: Database, house: House) -> None:
    theirs = await a_tenant(database)
    await a_dead_event(theirs, Keeping())
    async with theirs.session() as session:
        letter = await session.scalar(text("select id from event_dead_letters"))
    async with a_client(house) as client:
        assert (await client.get("/dead-letters")).json()["items"] == []
        assert (await client.post(f"/dead-letters/{letter}/replay")).status_code == 404
