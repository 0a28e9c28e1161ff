"""The books over HTTP: accounts, entries, and a trial balance that is always zero."""

from datetime import date
from typing import Any

import httpx2
import pytest

from tests.support.debt import a_debt, pay, ten
from tests.support.house import House
from tests.support.web import a_client

DUE = date(2026, 10, 5)


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


@pytest.fixture
async def books(house: House, client: httpx2.AsyncClient) -> dict[str, Any]:
    """An invoice of 10,000 of 25 September, and 12,000 in cash on 5 October."""
    debt = await a_debt(house, DUE)
    payment = await pay(debt, ten(DUE), 12_000_00)
    return {"invoice": str(debt.invoice_id), "payment": str(payment.id)}


async def test_every_account_is_listed_with_its_balance(
    client: httpx2.AsyncClient, books: dict[str, Any]
) -> None:
    accounts = {
        row["account"]: row for row in (await client.get("/ledger/accounts")).json()["items"]
    }
    assert accounts["cash"]["balance"] == inr("12000.00")
    assert accounts["advances"] == {
        "account": "advances",
        "title": "Advances from residents",
        "kind": "liability",
        "debit": inr("0.00"),
        "credit": inr("2000.00"),
        "balance": inr("-2000.00"),
    }
    assert accounts["receivables"]["debit"] == inr("10000.00")
    assert accounts["receivables"]["balance"] == inr("0.00")
    assert accounts["bad_debts"]["balance"] == inr("0.00")
    assert len(accounts) == 21


async def test_entries_carry_their_postings_and_are_found_by_subject_and_account(
    client: httpx2.AsyncClient, books: dict[str, Any]
) -> None:
    async def found(**query: str) -> list[dict[str, Any]]:
        answer = await client.get("/ledger/entries", params={"sort": "day", **query})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    kinds = [entry["kind"] for entry in await found()]
    assert kinds == ["invoice.issued", "payment.received"]
    for entry in await found():
        minor = [round(float(side["amount"]["amount"]) * 100) for side in entry["postings"]]
        assert sum(minor) == 0
    by_payment = await found(subjectId=books["payment"])
    assert [entry["description"] for entry in by_payment] == ["Payment PAY/26-27/000001"]
    sides = {side["account"]: side["amount"]["amount"] for side in by_payment[0]["postings"]}
    assert sides == {"cash": "12000.00", "receivables": "-10000.00", "advances": "-2000.00"}
    assert len(await found(subjectId=books["invoice"])) == 2
    assert [entry["kind"] for entry in await found(account="rent_income")] == ["invoice.issued"]
    assert [entry["kind"] for entry in await found(**{"from": "2026-10-01"})] == [
        "payment.received"
    ]
    first = (await client.get("/ledger/entries", params={"limit": "1"})).json()
    rest = await client.get("/ledger/entries", params={"cursor": first["nextCursor"]})
    seen = [entry["kind"] for entry in [*first["items"], *rest.json()["items"]]]
    assert seen == ["payment.received", "invoice.issued"]


async def test_the_trial_balance_is_zero_on_any_day(
    client: httpx2.AsyncClient, books: dict[str, Any]
) -> None:
    for day, debit in ((None, "22000.00"), ("2026-10-04", "10000.00"), ("2026-01-01", "0.00")):
        query = {"at": day} if day else {}
        answer = (await client.get("/ledger/trial-balance", params=query)).json()
        assert answer["at"] == day
        assert answer["totals"] == [
            {"debit": inr(debit), "credit": inr(debit), "balance": inr("0.00")}
        ]


async def test_another_tenants_books_are_empty(
    stranger: httpx2.AsyncClient, books: dict[str, Any]
) -> None:
    assert (await stranger.get("/ledger/entries")).json()["items"] == []
    accounts = (await stranger.get("/ledger/accounts")).json()["items"]
    assert {row["balance"]["amount"] for row in accounts} == {"0.00"}
    query = {"subjectId": books["invoice"]}
    assert (await stranger.get("/ledger/entries", params=query)).json()["items"] == []


async def test_the_books_are_not_for_the_public(house: House, books: dict[str, Any]) -> None:
    async with a_client(house, key=house.public_key) as public:
        for path in ("accounts", "entries", "trial-balance"):
            assert (await public.get(f"/ledger/{path}")).status_code == 403
