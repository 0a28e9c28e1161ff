"""`GET /events`: a program follows what happens, misses nothing and sees nobody else's."""

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from models.database import Database
from tests.support.debt import a_debt, pay, ten
from tests.support.events import KIND, all_sequenced, happens
from tests.support.house import House, a_tenant
from tests.support.web import a_client

DUE = date(2026, 10, 5)


async def test_a_payment_is_told_once_with_what_a_program_needs(house: House) -> None:
    debt = await a_debt(house, DUE)
    payment = await pay(debt, ten(DUE))
    await all_sequenced(house.database)
    async with a_client(house) as client:
        completed = (await client.get("/events?type=payment.completed")).json()["items"]
        paid = (await client.get("/events?type=invoice.paid")).json()["items"]
    ((one,), (other,)) = completed, paid
    assert (one["subjectKind"], one["subjectId"]) == ("payment", str(payment.id))
    assert one["data"] == {
        "residentId": str(debt.resident_id),
        "number": "PAY/26-27/000001",
        "amountMinor": 10_000_00,
        "currency": "INR",
        "mode": "manual",
        "method": "cash",
        "day": "2026-10-05",
    }
    assert (other["subjectKind"], other["subjectId"]) == ("invoice", str(debt.invoice_id))
    assert other["data"] == {
        "residentId": str(debt.resident_id),
        "number": "BOS/26-27/000001",
        "totalMinor": 10_000_00,
        "balanceMinor": 0,
        "currency": "INR",
    }
    assert one["happenedAt"] == other["happenedAt"]


async def test_a_program_that_asks_after_what_it_saw_misses_nothing(house: House) -> None:
    subject, seen = uuid7(), list[str]()
    async with a_client(house) as client:
        place = 0
        for _ in range(3):
            for _ in range(3):
                await happens(house, subject)
            await all_sequenced(house.database)
            page = (await client.get(f"/events?after={place}&subjectId={subject}")).json()
            seen += [one["id"] for one in page["items"]]
            assert page["nextCursor"] is None
            place = page["items"][-1]["position"]
        assert (await client.get(f"/events?after={place}")).json()["items"] == []
        whole: list[str] = []
        query = f"/events?type={KIND}&limit=4"
        page = (await client.get(query)).json()
        whole += [one["id"] for one in page["items"]]
        while page["nextCursor"] is not None:
            page = (await client.get(f"{query}&cursor={page['nextCursor']}")).json()
            whole += [one["id"] for one in page["items"]]
    assert whole == seen
    assert len(set(seen)) == 9


async def test_an_event_without_a_position_is_not_shown_yet(house: House) -> None:
    await happens(house)
    async with a_client(house) as client:
        assert (await client.get(f"/events?type={KIND}")).json()["items"] == []


async def test_nobody_sees_what_happened_to_others(database: Database, house: House) -> None:
    event, ours = await happens(await a_tenant(database)), await happens(house)
    await all_sequenced(database)
    async with a_client(house) as client:
        told = (await client.get("/events?limit=200")).json()["items"]
    assert [one["id"] for one in told] == [str(ours)]
    assert str(event) not in str(told)


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "cursor=x", "limit=0", "subjectId=1", "after=9223372036854775808"],
)
async def test_a_question_that_makes_no_sense_is_refused(house: House, query: str) -> None:
    async with a_client(house) as client:
        answer = await client.get(f"/events?{query}")
    assert answer.status_code == 422
