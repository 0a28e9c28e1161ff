"""`GET /audit-logs`: every change with who, what, from where and for what; nobody else's."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import update

from models.database import Actor, Database, Whence
from models.record import AuditRow
from models.tenant import BillingSettings
from tests.support.books import rows
from tests.support.house import House, a_property, a_tenant
from tests.support.web import a_client

VPA = {"upiVpa": "sunrise@okhdfcbank"}


async def listed(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/audit-logs", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_change_says_who_what_from_where_and_for_what(
    house: House, client: httpx2.AsyncClient
) -> None:
    headers = {"User-Agent": "Desk/2.1\tbeta" + "x" * 400, "X-Request-Id": "of-the-desk"}
    told = await client.put("/billing/settings", json=VPA, headers=headers)
    assert told.status_code == 200
    (change,) = await listed(client, requestId="of-the-desk")
    assert change["actor"].startswith("key:")
    assert change["why"] == "PUT /billing/settings"
    assert (change["ip"], change["agent"]) == ("127.0.0.1", ("Desk/2.1 beta" + "x" * 400)[:300])
    assert (change["tableName"], change["operation"]) == ("billing_settings", "update")
    assert (change["before"]["upi_vpa"], change["after"]["upi_vpa"]) == (None, VPA["upiVpa"])
    assert (await listed(client, rowId=change["rowId"]))[0] == change


async def test_what_nobody_asked_for_over_http_has_no_address(house: House) -> None:
    actor = Actor("life:house/1", Whence(why="close_house"))
    async with house.database.tenant(house.tenant_id, actor) as session:
        await session.execute(update(BillingSettings).values(upi_vpa="a@bank"))
    async with a_client(house) as client:
        (change,) = await listed(client, actor="life:house/1")
    assert [change[name] for name in ("why", "requestId", "ip", "agent")] == [
        "close_house",
        None,
        None,
        None,
    ]


async def test_changes_are_found_by_table_and_time_and_read_in_pages(
    house: House, client: httpx2.AsyncClient
) -> None:
    for _ in range(3):
        await a_property(house)
    whole = await listed(client, tableName="properties")
    written = [one for one in await rows(house, AuditRow) if one.table_name == "properties"]
    assert [one["id"] for one in whole] == sorted((str(one.id) for one in written), reverse=True)
    pages: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"tableName": "properties", "limit": "1", **cursor}
        page = (await client.get("/audit-logs", params=query)).json()
        pages += [one["id"] for one in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert pages == [one["id"] for one in whole]
    newest = datetime.fromisoformat(whole[0]["at"])
    later, earlier = newest + timedelta(seconds=1), newest - timedelta(hours=1)
    found = await listed(client, tableName="properties", since=earlier.isoformat())
    assert found == whole
    assert await listed(client, tableName="properties", since=later.isoformat()) == []
    assert await listed(client, tableName="properties", until=later.isoformat()) == whole
    assert await listed(client, tableName="properties", until=earlier.isoformat()) == []


async def test_an_instant_without_a_zone_is_refused(client: httpx2.AsyncClient) -> None:
    refused = await client.get("/audit-logs", params={"since": "2026-10-01T10:00:00"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "since"


async def test_nobody_reads_the_changes_of_others(database: Database, house: House) -> None:
    await a_property(house)
    async with a_client(await a_tenant(database, "elsewhere")) as stranger:
        found = await listed(stranger, tableName="properties")
        assert found == []
        assert {one["rowId"] for one in await listed(stranger)}.isdisjoint(
            {str(one.row_id) for one in await rows(house, AuditRow)}
        )
