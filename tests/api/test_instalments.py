"""Instalments over HTTP: agreed, seen, cancelled; what breaks a rule names its field."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.api.test_invoice_collection import TODAY, issued, paid
from tests.support.debt import Debt, pay
from tests.support.house import House
from tests.support.web import NOON


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


def parts(*told: tuple[int, str]) -> dict[str, Any]:
    """A body: days from today, and how much by then."""
    listed = [
        {"dueDate": str(TODAY + timedelta(days=day)), "amount": inr(amount)} for day, amount in told
    ]
    return {"instalments": listed}


def address(debt: Debt) -> str:
    return f"/invoices/{debt.invoice_id}/instalments"


async def test_instalments_are_agreed_seen_and_cancelled(
    client: httpx2.AsyncClient, house: House
) -> None:
    debt = await issued(house)
    body = {**parts((2, "4000.00"), (9, "6000.00")), "note": "on payday"}
    key = {"Idempotency-Key": "the-same"}
    first = await client.post(address(debt), json=body, headers=key)
    again = await client.post(address(debt), json=body, headers=key)
    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert first.json()["stage"] == "instalments"
    missed = [one["at"] for one in first.json()["next"] if one["what"] == "break_instalments"]
    assert len(missed) == 2
    assert missed[0].startswith(f"{TODAY + timedelta(days=3)}T04:30")
    await pay(debt, NOON, 4_500_00)
    seen = (await client.get(address(debt))).json()["items"]
    assert [(one["number"], one["openAmount"]["amount"], one["status"]) for one in seen] == [
        (1, "0.00", "paid"),
        (2, "5500.00", "open"),
    ]
    assert (await client.get(f"/invoices/{debt.invoice_id}")).json()["instalmentsAgreedAt"]
    gone = await client.delete(address(debt))
    assert gone.json()["stage"] == "overdue"
    assert (await client.get(address(debt))).json() == {"items": []}
    assert (await client.delete(address(debt))).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (parts((2, "4000.00"), (9, "5999.99")), "instalments"),
        (parts((2, "10000.00")), "instalments"),
        (parts((-1, "4000.00"), (9, "6000.00")), "instalments.0.dueDate"),
        (parts((9, "4000.00"), (2, "6000.00")), "instalments.1.dueDate"),
        (parts((2, "4000.001"), (9, "6000.00")), "instalments.0.amount.amount"),
        ({"instalments": []}, "instalments"),
        ({}, "instalments"),
    ],
)
async def test_what_breaks_a_rule_is_refused_with_its_field(
    client: httpx2.AsyncClient, house: House, body: dict[str, Any], field: str
) -> None:
    debt = await issued(house)
    refused = await client.post(address(debt), json=body)
    assert refused.status_code == 422, refused.text
    assert [one["field"] for one in refused.json()["errors"]] == [field]


async def test_a_paid_invoice_takes_no_instalments(
    client: httpx2.AsyncClient, house: House
) -> None:
    debt = await paid(house)
    refused = await client.post(address(debt), json=parts((2, "4000.00"), (9, "6000.00")))
    assert (refused.status_code, refused.json()["code"]) == (409, "ILLEGAL_TRANSITION")
