"""Payments over HTTP: booked once, allocated, listed, bounced; safe when everybody asks at once."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from models.database import Database
from models.tenant import BillingSettings
from tests.support.books import balances, breaches
from tests.support.house import House, a_resident
from tests.support.web import a_client

OCTOBER = {"description": "Rent", "rate": {"amount": "9500.00", "currency": "INR"}}


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


@pytest.fixture
async def resident_id(house: House, client: httpx2.AsyncClient) -> UUID:
    """A resident of a house that charges no GST, so an invoice is what its lines are."""
    async with house.session() as session:
        await session.execute(update(BillingSettings).values(gst_enabled=False))
    return (await a_resident(house)).id


async def billed(client: httpx2.AsyncClient, resident_id: UUID, due: str) -> dict[str, Any]:
    body = {"residentId": str(resident_id), "lineItems": [OCTOBER], "dueDate": due}
    answer = await client.post("/invoices", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def paid(
    client: httpx2.AsyncClient, resident_id: UUID, amount: str, **more: Any
) -> httpx2.Response:
    headers = more.pop("headers", {})
    body = {"residentId": str(resident_id), "amount": inr(amount), "method": "cash", **more}
    return await client.post("/payments", json=body, headers=headers)


async def test_money_is_booked_and_says_what_it_paid(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    older = await billed(client, resident_id, "2026-10-05")
    younger = await billed(client, resident_id, "2026-10-15")
    answer = await paid(
        client, resident_id, "12000.00", method="upi", reference="UTR 42", paidOn="2026-10-19"
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["paymentNumber"], made["status"]) == ("PAY/26-27/000001", "completed")
    assert (made["mode"], made["method"], made["paidOn"]) == ("manual", "upi", "2026-10-19")
    assert [(part["invoiceId"], part["amount"]) for part in made["allocations"]] == [
        (older["id"], inr("9500.00")),
        (younger["id"], inr("2500.00")),
    ]
    assert (made["unallocatedAmount"], made["invoiceId"]) == (inr("0.00"), None)
    assert (await client.get(f"/payments/{made['id']}")).json() == made
    listed = (await client.get("/payments", params={"invoiceId": younger["id"]})).json()["items"]
    assert listed == [made]
    assert await breaches(house.database) == {}


async def test_too_much_becomes_an_advance_that_the_next_invoice_uses(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    first = await billed(client, resident_id, "2026-10-05")
    made = (await paid(client, resident_id, "10000.00", invoiceId=first["id"])).json()
    assert (made["unallocatedAmount"], made["invoiceId"]) == (inr("500.00"), first["id"])
    second = await billed(client, resident_id, "2026-11-05")
    assert (second["status"], second["balanceDue"]) == ("partially_paid", inr("9000.00"))
    assert second["amountPaid"] == inr("500.00")
    assert (await balances(house)).get("advances") is None
    assert await breaches(house.database) == {}


async def test_twenty_payments_at_once_for_one_invoice_book_one(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    invoice = await billed(client, resident_id, "2026-10-05")
    answers = await asyncio.gather(
        *(paid(client, resident_id, "9500.00", invoiceId=invoice["id"]) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]
    assert await balances(house) == {"cash": 9_500_00, "rent_income": -9_500_00}
    assert await breaches(house.database) == {}


async def test_ten_askers_with_one_key_book_once_and_hear_the_same(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    await billed(client, resident_id, "2026-10-05")
    key = {"Idempotency-Key": "receipt-book-17"}

    async def ask() -> httpx2.Response:
        while True:
            answer = await paid(client, resident_id, "9500.00", headers=key)
            if answer.status_code != 409:
                return answer
            await asyncio.sleep(0.02)

    answers = await asyncio.gather(*(ask() for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert replayed.count("true") == 9
    assert len((await client.get("/payments")).json()["items"]) == 1
    other = await paid(client, resident_id, "1.00", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert await breaches(house.database) == {}


async def test_a_bounced_cheque_opens_its_invoice_again(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    invoice = await billed(client, resident_id, "2026-10-05")
    cheque = {"method": "cheque", "reference": "004711"}
    made = (await paid(client, resident_id, "9500.00", **cheque)).json()
    doubled = await paid(client, resident_id, "9500.00", **cheque)
    assert (doubled.status_code, doubled.json()["code"]) == (409, "ALREADY_BOOKED")
    path = f"/payments/{made['id']}/bounce"
    answer = await client.post(path, json={"reason": "Insufficient funds"})
    assert answer.status_code == 200, answer.text
    gone = answer.json()
    assert (gone["status"], gone["bounceReason"]) == ("bounced", "Insufficient funds")
    assert gone["allocations"] == []
    seen = (await client.get(f"/invoices/{invoice['id']}")).json()
    assert (seen["status"], seen["balanceDue"], seen["paidAt"]) == (
        "overdue",
        inr("9500.00"),
        None,
    )
    plan = (await client.get(f"/invoices/{invoice['id']}/plan")).json()
    assert plan["next"], "the collection begins again"
    assert (await client.post(path)).json()["code"] == "ILLEGAL_TRANSITION"
    assert await breaches(house.database) == {}


async def test_lists_are_narrowed_by_resident_method_status_and_day(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    other = (await a_resident(house)).id
    await paid(client, resident_id, "1.00", paidOn="2026-10-01")
    await paid(client, resident_id, "2.00", method="upi")
    await paid(client, other, "3.00", paidOn="2026-10-10")

    async def found(**query: str) -> list[str]:
        answer = await client.get("/payments", params={"sort": "paidOn", **query})
        assert answer.status_code == 200, answer.text
        return [row["amount"]["amount"] for row in answer.json()["items"]]

    assert await found() == ["1.00", "3.00", "2.00"]
    assert await found(residentId=str(other)) == ["3.00"]
    assert await found(method="upi") == ["2.00"]
    assert await found(status="bounced") == []
    assert await found(**{"from": "2026-10-02", "to": "2026-10-19"}) == ["3.00"]


BAD_MONEY: list[tuple[dict[str, Any], int, str | None]] = [
    ({"amount": inr("0.00")}, 422, "amount.amount"),
    ({"amount": inr("-5.00")}, 422, "amount.amount"),
    ({"amount": {"amount": "5.00", "currency": "USD"}}, 422, "amount.currency"),
    ({"amount": inr("92233720368547758.08")}, 422, "amount.amount"),
    ({"method": "barter"}, 422, "method"),
    ({"paidOn": "2026-10-21"}, 422, "paidOn"),
    ({"invoiceId": str(UUID(int=7))}, 404, None),
    ({"residentId": str(UUID(int=7))}, 404, None),
]


async def test_what_cannot_be_booked_is_refused_by_name(
    house: House, client: httpx2.AsyncClient, resident_id: UUID
) -> None:
    for body, status, field in BAD_MONEY:
        sent = {"residentId": str(resident_id), "amount": inr("5.00"), "method": "cash", **body}
        answer = await client.post("/payments", json=sent)
        assert answer.status_code == status, answer.text
        assert field is None or field in {error["field"] for error in answer.json()["errors"]}
    assert await balances(house) == {}


async def test_another_tenants_payment_does_not_exist(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient, resident_id: UUID
) -> None:
    made = (await paid(client, resident_id, "5.00")).json()
    assert (await stranger.get(f"/payments/{made['id']}")).status_code == 404
    assert (await stranger.post(f"/payments/{made['id']}/bounce")).status_code == 404
    assert (await stranger.get("/payments")).json()["items"] == []
    assert (await paid(stranger, resident_id, "5.00")).status_code == 404


async def test_a_public_key_books_nothing(
    database: Database, house: House, resident_id: UUID
) -> None:
    async with a_client(house, key=house.public_key) as public:
        answer = await paid(public, resident_id, "5.00")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert await balances(house) == {}
