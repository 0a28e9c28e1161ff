"""Asking for a month over HTTP, seeing how far it is, stopping it."""

import httpx2
from sqlalchemy import select
from uuid_utils.compat import uuid7

from activities.billing_run import Billing
from domain.lives import Look, Subject
from models.life import SubjectKind, Wake
from tests.support.agreements import asked, counted, issued, many_agreements, run_of
from tests.support.house import House, a_property, a_resident, an_agreement
from tests.support.web import NOON


async def post(client: httpx2.AsyncClient, **body: object) -> dict[str, object]:
    """A month asked for."""
    answer = await client.post("/invoices/generate-batch", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def test_asking_for_a_month_answers_with_the_run_and_where_to_look(
    client: httpx2.AsyncClient, house: House
) -> None:
    """The run is queued and the relay is told; asked twice it is the same run."""
    await many_agreements(house, 2)
    run = await post(client, period="2026-10")
    assert (run["period"], run["status"], run["propertyId"]) == ("2026-10", "queued", None)
    assert run["workflowId"] == f"billing/{house.tenant_id}/2026-10"
    assert run["plan"] == f"/api/v1/billing/runs/{run['id']}"
    again = await post(client, period="2026-10")
    assert again["id"] == run["id"]
    async with house.session() as session:
        wakes = await session.scalars(select(Wake))
        woken = {(wake.subject_kind, str(wake.subject_id)) for wake in wakes}
    assert woken == {(SubjectKind.BILLING_RUN, str(run["id"]))}


async def test_a_run_shows_its_counts_and_whom_it_could_not_bill(
    client: httpx2.AsyncClient, house: House
) -> None:
    """With a code and plain words for each."""
    await many_agreements(house, 3)
    resident, place = await a_resident(house), await a_property(house)
    bad = await an_agreement(house, resident.id, place, currency="XXX")
    subject = await asked(house, at=NOON)
    await issued(house, subject, NOON)
    shown = (await client.get(f"/billing/runs/{subject.id}")).json()
    assert (shown["issuedCount"], shown["refusedCount"], shown["expectedCount"]) == (3, 1, 4)
    assert shown["status"] == "running"
    (refusal,) = shown["refusals"]
    assert refusal["agreementId"] == str(bad.id)
    assert refusal["code"] == "UNKNOWN_CURRENCY"
    row = await run_of(house, subject)
    assert shown["issuedAmount"]["currency"] == "INR"
    assert int(float(shown["issuedAmount"]["amount"]) * 100) == row.issued_minor


async def test_a_month_of_one_property_is_another_run(
    client: httpx2.AsyncClient, house: House
) -> None:
    """And a property nobody has is not found."""
    roster = await many_agreements(house, 1)
    run = await post(client, period="2026-10", propertyId=str(roster.property_id))
    assert run["propertyId"] == str(roster.property_id)
    unknown = {"period": "2026-10", "propertyId": str(uuid7())}
    assert (await client.post("/invoices/generate-batch", json=unknown)).status_code == 404


async def test_a_month_that_is_none_is_refused_with_its_field(client: httpx2.AsyncClient) -> None:
    """Unknown fields too."""
    for period in ("2026-13", "october", "2026-1"):
        answer = await client.post("/invoices/generate-batch", json={"period": period})
        assert answer.status_code == 422, period
        assert answer.json()["errors"][0]["field"] == "period"
    answer = await client.post("/invoices/generate-batch", json={"period": "2026-10", "x": 1})
    assert answer.status_code == 422


async def test_runs_are_listed_newest_first_and_filtered(
    client: httpx2.AsyncClient, house: House
) -> None:
    """October was missed, so asking for November opened both."""
    await many_agreements(house, 1)
    await post(client, period="2026-11")
    listed = (await client.get("/billing/runs", params={"sort": "period"})).json()["items"]
    assert [run["period"] for run in listed] == ["2026-10", "2026-11"]
    october = (await client.get("/billing/runs", params={"period": "2026-10"})).json()["items"]
    assert [run["period"] for run in october] == ["2026-10"]
    none = (await client.get("/billing/runs", params={"status": "stopped"})).json()["items"]
    assert none == []


async def test_an_open_run_can_be_stopped_once(client: httpx2.AsyncClient, house: House) -> None:
    """Closed, it cannot: 409."""
    await many_agreements(house, 1)
    run = await post(client, period="2026-10")
    path = f"/billing/runs/{run['id']}/stop"
    stopped = await client.post(path)
    assert stopped.status_code == 202
    assert stopped.json()["stopRequestedAt"] is not None
    assert (await client.post(path)).json() == stopped.json()
    subject = Subject(house.tenant_id, (await asked(house)).id, str(run["workflowId"]))
    await issued(house, subject, NOON)
    await Billing(house.database, "a-store").close(Look(subject, NOON))
    late = await client.post(path)
    assert (late.status_code, late.json()["code"]) == (409, "ILLEGAL_TRANSITION")


async def test_another_tenant_sees_no_run_and_stops_none(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient, house: House
) -> None:
    """Theirs and none look alike."""
    await many_agreements(house, 1)
    run = await post(client, period="2026-10")
    assert (await stranger.get(f"/billing/runs/{run['id']}")).status_code == 404
    assert (await stranger.post(f"/billing/runs/{run['id']}/stop")).status_code == 404
    assert (await stranger.get("/billing/runs")).json()["items"] == []


async def test_the_same_key_asks_once(client: httpx2.AsyncClient, house: House) -> None:
    """The stored answer comes back, and one wake-up was written."""
    await many_agreements(house, 1)
    headers = {"Idempotency-Key": "october"}
    first = await client.post(
        "/invoices/generate-batch", json={"period": "2026-10"}, headers=headers
    )
    second = await client.post(
        "/invoices/generate-batch", json={"period": "2026-10"}, headers=headers
    )
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()
    assert await counted(house, Wake) == 1
