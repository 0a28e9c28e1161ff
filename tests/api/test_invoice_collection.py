"""Promise, pause, resume, waive, write off over HTTP; and the plans and tasks they change."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from domain.invoice import InvoiceStatus, InvoiceType
from models import credit
from models.issuing import NewInvoice, save_draft
from models.life import LifeRow, Wake
from models.message import Message, Purpose
from models.record import Task
from models.task import open_task
from tests.support.database import DatabaseUrls
from tests.support.debt import FEE_MINOR, TERMS, Debt, a_debt, a_line, pay
from tests.support.house import House, a_property, a_resident
from tests.support.steps.invoice_collection import collecting_of
from tests.support.twice import snapshot
from tests.support.web import NOON

DUE = date(2026, 10, 18)  # two days before the clients' clock
TODAY = NOON.date()


async def drafted(house: House) -> Debt:
    """An invoice that is not issued yet."""
    resident = await a_resident(house)
    new = NewInvoice(
        resident_id=resident.id,
        agreement_id=None,
        property_id=(await a_property(house)).property_id,
        parent_id=None,
        invoice_type=InvoiceType.rent,
        lines=[a_line(10_000)],
        due=DUE,
        terms=TERMS,
    )
    async with house.session() as session:
        draft = await save_draft(session, new, NOON)
    return Debt(house, resident.id, draft.id, DUE)


async def issued(house: House) -> Debt:
    return await a_debt(house, DUE)


async def paid(house: House) -> Debt:
    debt = await a_debt(house, DUE)
    await pay(debt, NOON - timedelta(days=3))
    return debt


async def cancelled(house: House) -> Debt:
    debt = await a_debt(house, DUE)
    async with house.session() as session:
        await credit.cancel(session, debt.invoice_id, "billed in error", NOON)
    return debt


async def written_off(house: House) -> Debt:
    debt = await a_debt(house, DUE)
    async with house.session() as session:
        await credit.write_off(session, debt.invoice_id, "moved away", NOON)
    return debt


BY_STATUS: dict[InvoiceStatus, Callable[[House], Awaitable[Debt]]] = {
    InvoiceStatus.draft: drafted,
    InvoiceStatus.issued: issued,
    InvoiceStatus.paid: paid,
    InvoiceStatus.cancelled: cancelled,
    InvoiceStatus.written_off: written_off,
}
FACTS: dict[str, dict[str, str]] = {
    "promise": {"promisedFor": str(TODAY + timedelta(days=3)), "note": "on payday"},
    "pause": {"until": str(TODAY + timedelta(days=5)), "reason": "in hospital"},
    "dispute": {"reason": "the room had no water for ten days"},
    "resume": {},
    "waive-fee": {"reason": "a good payer"},
    "write-off": {"reason": "moved away"},
}
# An issued invoice that is not suspended; every other pair is refused.
LEGAL = {(InvoiceStatus.issued, fact) for fact in FACTS if fact != "resume"}


async def say(
    client: httpx2.AsyncClient, debt: Debt, fact: str, key: str | None = None, **body: str
) -> httpx2.Response:
    """Tell a fact about an invoice."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/invoices/{debt.invoice_id}/{fact}"
    return await client.post(path, json=body or FACTS[fact] or None, headers=headers)


@pytest.mark.parametrize("fact", FACTS)
async def test_a_fact_is_accepted_where_it_is_legal_and_changes_nothing_elsewhere(
    house: House, client: httpx2.AsyncClient, database_urls: DatabaseUrls, fact: str
) -> None:
    for status, make in BY_STATUS.items():
        debt = await make(house)
        before = await snapshot(database_urls)
        answer = await say(client, debt, fact)
        if (status, fact) in LEGAL:
            assert answer.status_code == 200, (status, answer.text)
            assert answer.json()["workflowId"] == debt.workflow_id
            assert await snapshot(database_urls) != before
        else:
            assert answer.status_code == 409, (status, answer.text)
            assert answer.json()["code"] == "ILLEGAL_TRANSITION"
            assert await snapshot(database_urls) == before, status


async def test_a_promise_suspends_the_plan_and_is_noted_once(
    house: House, client: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    first = await say(client, debt, "promise", key="the-same")
    again = await say(client, debt, "promise", key="the-same")
    assert again.json() == first.json()
    plan = first.json()
    assert plan["stage"] == "promised"
    assert [step["what"] for step in plan["next"]] == ["break_promise"]
    assert plan["next"][0]["at"] == "2026-10-24T04:30:00Z"
    async with house.session() as session:
        told = await session.scalars(select(Message.purpose))
        assert list(told) == [Purpose.PROMISE_NOTED]
    assert (await debt.row()).promise_note == "on payday"


async def test_a_pause_moves_the_plan_and_resuming_brings_it_back(
    house: House, client: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    await collecting_of(house).look(debt.look(NOON))
    before = (await client.get(f"/invoices/{debt.invoice_id}/plan")).json()
    assert (before["stage"], before["next"][0]["what"]) == ("overdue", "remind")
    paused = (await say(client, debt, "pause")).json()
    assert paused["stage"] == "paused"
    assert {step["at"] for step in paused["next"][:2]} == {"2026-10-25T04:30:00Z"}
    resumed = (await say(client, debt, "resume")).json()
    assert resumed["next"] == before["next"]
    row = await debt.row()
    assert (row.paused_until, row.pause_reason) == (None, "in hospital")


async def test_a_promise_is_taken_back_by_resuming(
    house: House, client: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    await say(client, debt, "promise")
    resumed = await say(client, debt, "resume")
    assert resumed.json()["stage"] == "overdue"
    assert (await say(client, debt, "resume")).status_code == 409


@pytest.mark.parametrize("by", ["its task", "resuming", "money"])
async def test_a_dispute_stops_everything_until_it_is_settled(
    house: House, client: httpx2.AsyncClient, by: str
) -> None:
    """By the answer to the task it opened, by resuming, or because the money came."""
    debt = await issued(house)
    await collecting_of(house).look(debt.look(NOON))
    before = (await client.get(f"/invoices/{debt.invoice_id}/plan")).json()
    disputed = (await say(client, debt, "dispute")).json()
    assert (disputed["stage"], disputed["next"]) == ("disputed", [])
    assert (await say(client, debt, "dispute")).json()["code"] == "ILLEGAL_TRANSITION"
    (task,) = (await client.get(f"/tasks?subjectId={debt.invoice_id}")).json()["items"]
    assert (task["what"], task["detail"]) == ("settle_dispute", FACTS["dispute"]["reason"])
    if by == "its task":
        answer = {"resolution": "the water was back the same day"}
        assert (await client.post(f"/tasks/{task['id']}/resolve", json=answer)).status_code == 200
    elif by == "resuming":
        assert (await say(client, debt, "resume")).status_code == 200
    else:
        await pay(debt, NOON)
    after = (await client.get(f"/invoices/{debt.invoice_id}/plan")).json()
    assert after["next"] == ([] if by == "money" else before["next"])
    assert (await debt.row()).disputed_at is None
    assert (await client.get("/tasks?status=open")).json()["items"] == []


async def test_a_fee_that_was_charged_is_waived_also_after_the_rent_was_paid(
    house: House, client: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    collecting = collecting_of(house)
    await collecting.remind(debt.look(debt.after(1)))
    await collecting.charge_late_fee(debt.look(debt.after(4)))
    await pay(debt, debt.after(5))
    answer = await say(client, debt, "waive-fee")
    assert answer.status_code == 200, answer.text
    penalty = await debt.penalty()
    assert penalty is not None
    assert (penalty.total_minor, penalty.balance_minor) == (FEE_MINOR, 0)
    assert (await say(client, debt, "waive-fee")).status_code == 409


async def test_writing_off_ends_the_collection_and_wakes_its_life_to_end(
    house: House, client: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    await collecting_of(house).look(debt.look(NOON))
    answer = (await say(client, debt, "write-off")).json()
    assert (answer["stage"], answer["next"]) == ("written_off", [])
    row = await debt.row()
    assert (row.balance_minor, row.closing_reason) == (0, "moved away")
    async with house.session() as session:
        assert await session.scalar(select(func.count()).select_from(LifeRow)) == 1
        priorities = await session.scalars(select(Wake.priority).order_by(Wake.priority))
        assert list(priorities) == [3, 5]  # begun when it was issued, ended now


@pytest.mark.parametrize(
    ("fact", "body", "field"),
    [
        ("promise", {"promisedFor": "2026-10-19"}, "promisedFor"),
        ("promise", {"promisedFor": "2027-10-19"}, "promisedFor"),
        ("promise", {"promisedFor": "tomorrow"}, "promisedFor"),
        ("promise", {}, "promisedFor"),
        ("promise", {"promisedFor": "2026-10-21", "amount": "5"}, "amount"),
        ("pause", {"until": "2026-10-20"}, "until"),
        ("pause", {"until": "2028-10-20"}, "until"),
        ("waive-fee", {"reason": " "}, "reason"),
        ("write-off", {}, "reason"),
    ],
)
async def test_a_bad_field_is_named(
    house: House, client: httpx2.AsyncClient, fact: str, body: dict[str, str], field: str
) -> None:
    debt = await issued(house)
    answer = await client.post(f"/invoices/{debt.invoice_id}/{fact}", json=body)
    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


async def test_somebody_elses_invoice_is_not_there(
    house: House, stranger: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    for fact in FACTS:
        assert (await say(stranger, debt, fact)).status_code == 404, fact


async def test_what_is_coming_is_listed_in_order_by_property_and_page(
    house: House, client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    here = await a_property(house, beds=2)
    debts = [
        await a_debt(house, DUE, place=here),
        await a_debt(house, DUE + timedelta(days=4), place=here, bed=1),
        await a_debt(house, DUE),
    ]
    for debt in debts:
        await collecting_of(house).look(debt.look(NOON))
    rows = await every(client, "/plan/upcoming?limit=2")
    assert {row["subjectId"] for row in rows} == {str(debt.invoice_id) for debt in debts}
    assert all(earlier["at"] <= later["at"] for earlier, later in pairwise(rows))
    assert len(rows) == 5 + 7 + 5
    until = datetime(2026, 10, 22, 12, tzinfo=UTC).isoformat().replace("+", "%2B")
    asked = f"/plan/upcoming?until={until}&propertyId={here.property_id}&limit=3"
    near = await every(client, asked)
    assert sorted(row["what"] for row in near) == ["charge_late_fee", *["remind"] * 3]
    assert await every(stranger, "/plan/upcoming") == []
    naive = await client.get("/plan/upcoming?until=2026-10-22T12:00:00")
    assert naive.status_code == 422


async def every(client: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(path + cursor)).json()
        rows += page["items"]
        if page["nextCursor"] is None:
            return rows
        cursor = f"{'&' if '?' in path else '?'}cursor={page['nextCursor']}"


async def a_task(debt: Debt, opened: datetime) -> Task:
    async with debt.house.session() as session:
        await open_task(
            session,
            kind="invoice",
            subject_id=debt.invoice_id,
            what="remind",
            title="remind was refused",
            detail="no address",
            at=opened,
        )
        return (await session.scalars(select(Task).order_by(Task.opened_at.desc()))).first()  # pyright: ignore[reportReturnType]


async def test_tasks_are_listed_by_status_and_overdue_follows_from_the_clock(
    house: House, client: httpx2.AsyncClient
) -> None:
    late = await a_task(await issued(house), NOON - timedelta(days=3))
    fresh = await a_task(await issued(house), NOON - timedelta(days=1))
    shown = (await client.get("/tasks?sort=openedAt")).json()["items"]
    assert [(task["id"], task["status"]) for task in shown] == [
        (str(late.id), "overdue"),
        (str(fresh.id), "open"),
    ]
    overdue = (await client.get("/tasks?status=overdue")).json()["items"]
    assert [task["id"] for task in overdue] == [str(late.id)]
    assert len((await client.get("/tasks?status=open")).json()["items"]) == 2
    of_one = await client.get(f"/tasks?subjectId={fresh.subject_id}")
    assert [task["id"] for task in of_one.json()["items"]] == [str(fresh.id)]
    assert (await client.get("/tasks?status=lost")).status_code == 422


async def test_resolving_a_task_is_news_to_its_life(
    house: House, client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    debt = await issued(house)
    task = await a_task(debt, NOON)
    await collecting_of(house).look(debt.look(NOON))
    path = f"/tasks/{task.id}/resolve"
    body = {"resolution": "the address was added"}
    before = (await client.get(f"/invoices/{debt.invoice_id}/plan")).json()["next"]
    assert "remind" not in {step["what"] for step in before}
    assert (await stranger.post(path, json=body)).status_code == 404
    answer = (await client.post(path, json=body)).json()
    assert (answer["status"], answer["resolution"]) == ("done", "the address was added")
    assert answer["resolvedBy"].startswith("key:")
    after = (await client.get(f"/invoices/{debt.invoice_id}/plan")).json()["next"]
    assert after[0]["what"] == "remind"
    async with house.session() as session:
        woken = select(func.count()).where(Wake.subject_id == debt.invoice_id)
        assert await session.scalar(woken) == 2  # begun when it was issued, and now
    assert (await client.post(path, json=body)).json()["code"] == "ILLEGAL_TRANSITION"
    assert (await client.post(path, json={"resolution": ""})).status_code == 422
