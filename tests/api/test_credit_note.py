"""Credit notes over HTTP: whole, in part, by line, never beyond what is left; nobody else's."""

import asyncio
from typing import Any

import httpx2
import pytest
from uuid_utils.compat import uuid7

from tests.support.books import breaches
from tests.support.house import House, a_property, a_resident, an_agreement

WEEK = {"reason": "A week without water"}


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


class Payer:
    """A resident whose stay is taxed at 5 %, and a client to bill them by."""

    def __init__(self, client: httpx2.AsyncClient, resident_id: str) -> None:
        self.client = client
        self.resident_id = resident_id

    async def billed(self) -> dict[str, Any]:
        """20,000.00 of rent and 4,000.00 of food, 25,200.00 with tax."""
        lines = [
            {"description": "Rent", "rate": inr("20000.00")},
            {"description": "Food", "rate": inr("4000.00"), "kind": "food"},
        ]
        body = {"residentId": self.resident_id, "lineItems": lines}
        return await self.sent("/invoices", body)

    async def paid(self, amount: str) -> dict[str, Any]:
        body = {"residentId": self.resident_id, "amount": inr(amount), "method": "cash"}
        return await self.sent("/payments", body)

    async def credited(self, invoice: dict[str, Any], **body: Any) -> dict[str, Any]:
        return await self.sent(f"/invoices/{invoice['id']}/credit-note", {**WEEK, **body})

    async def refused(self, invoice: dict[str, Any], status: int = 422, **body: Any) -> str:
        path = f"/invoices/{invoice['id']}/credit-note"
        answer = await self.client.post(path, json={**WEEK, **body})
        assert answer.status_code == status, answer.text
        told = answer.json()
        return str(told["errors"][0]["code"] if told["errors"] else told["code"])

    async def sent(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, path: str, **query: str) -> dict[str, Any]:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def payer(house: House, client: httpx2.AsyncClient) -> Payer:
    resident = await a_resident(house)
    await an_agreement(house, resident.id, await a_property(house), rent_minor=24_000_00)
    return Payer(client, str(resident.id))


async def test_a_whole_credit_note_cancels_the_invoice_and_names_it(
    house: House, payer: Payer
) -> None:
    invoice = await payer.billed()
    note = await payer.credited(invoice)
    assert note["creditNoteNumber"] == "CN/26-27/000001"
    assert note["invoiceNumber"] == invoice["invoiceNumber"] == "INV/26-27/000001"
    assert (note["invoiceDate"], note["issuedOn"]) == ("2026-10-20", "2026-10-20")
    assert (note["reason"], note["totalAmount"]) == ("A week without water", inr("25200.00"))
    assert (note["cgstAmount"], note["sgstAmount"]) == (inr("600.00"), inr("600.00"))
    assert [line["totalAmount"] for line in note["lineItems"]] == [inr("21000.00"), inr("4200.00")]
    now = await payer.read(f"/invoices/{invoice['id']}")
    assert (now["status"], now["balanceDue"]) == ("cancelled", inr("0.00"))
    assert now["amountCredited"] == inr("25200.00")
    assert await payer.refused(invoice, 409) == "ILLEGAL_TRANSITION"
    assert await breaches(house.database) == {}


async def test_a_part_takes_its_tax_back_line_by_line(house: House, payer: Payer) -> None:
    invoice = await payer.billed()
    note = await payer.credited(invoice, amount=inr("2520.00"))
    assert (note["subtotal"], note["taxAmount"]) == (inr("2400.00"), inr("120.00"))
    assert (note["toBalance"], note["toAdvance"]) == (inr("2520.00"), inr("0.00"))
    parts = [(line["position"], line["amount"]["amount"]) for line in note["lineItems"]]
    assert parts == [(1, "2000.00"), (2, "400.00")]
    assert (await payer.read(f"/invoices/{invoice['id']}"))["balanceDue"] == inr("22680.00")
    assert await breaches(house.database) == {}


async def test_a_single_line_is_credited_at_its_price_before_tax(
    house: House, payer: Payer
) -> None:
    """What is left of each line is known to the next note, however that is asked for."""
    invoice = await payer.billed()
    note = await payer.credited(invoice, lineItems=[{"position": 2, "amount": inr("1000.00")}])
    (line,) = note["lineItems"]
    assert (line["kind"], line["position"], line["taxRate"]) == ("food", 2, "5.00")
    assert (note["subtotal"], note["totalAmount"]) == (inr("1000.00"), inr("1050.00"))
    beyond = [{"position": 2, "amount": inr("3000.01")}]
    assert await payer.refused(invoice, lineItems=beyond) == "TOO_LARGE"
    last = [{"position": 2, "amount": inr("3000.00")}]
    await payer.credited(invoice, lineItems=last)
    rest = await payer.credited(invoice)
    assert [(i["position"], i["amount"]) for i in rest["lineItems"]] == [(1, inr("20000.00"))]
    assert (await payer.read(f"/invoices/{invoice['id']}"))["status"] == "cancelled"
    assert await breaches(house.database) == {}


async def test_what_was_paid_becomes_an_advance_and_pays_what_is_open(
    house: House, payer: Payer
) -> None:
    invoice = await payer.billed()
    payment = await payer.paid("25200.00")
    note = await payer.credited(invoice, amount=inr("5040.00"))
    assert (note["toBalance"], note["toAdvance"]) == (inr("0.00"), inr("5040.00"))
    now = await payer.read(f"/payments/{payment['id']}")
    assert now["unallocatedAmount"] == inr("5040.00")
    assert (await payer.read(f"/invoices/{invoice['id']}"))["status"] == "paid"
    assert (await payer.billed())["balanceDue"] == inr("20160.00")
    assert await breaches(house.database) == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": inr("25200.01")}, "TOO_LARGE"),
        ({"amount": inr("0.00")}, "TOO_SMALL"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, "CURRENCY"),
        ({"lineItems": [{"position": 3, "amount": inr("1.00")}]}, "NO_SUCH_LINE"),
        ({"lineItems": [{"position": 1, "amount": inr("20000.01")}]}, "TOO_LARGE"),
        ({"lineItems": [{"position": 1, "amount": inr("0.00")}]}, "TOO_SMALL"),
        ({"lineItems": [{"position": 1, "amount": inr("1.00")}] * 2}, "NAMED_TWICE"),
        (
            {"amount": inr("1.00"), "lineItems": [{"position": 1, "amount": inr("1.00")}]},
            "ONE_OF_TWO",
        ),
    ],
)
async def test_what_cannot_be_taken_back_is_refused_with_its_field(
    payer: Payer, body: dict[str, Any], code: str
) -> None:
    invoice = await payer.billed()
    assert await payer.refused(invoice, **body) == code
    assert (await payer.read(f"/invoices/{invoice['id']}/credit-notes"))["items"] == []


async def test_a_reason_is_asked_for(payer: Payer) -> None:
    invoice = await payer.billed()
    for body in ({}, {"reason": ""}, {"reason": " "}):
        answer = await payer.client.post(f"/invoices/{invoice['id']}/credit-note", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "reason"


async def test_twenty_at_once_never_take_back_more_than_was_charged(
    house: House, payer: Payer
) -> None:
    """Of twenty tenths ten are written, each under its own number; the rest are told why."""
    invoice = await payer.billed()
    await payer.paid("10000.00")
    path = f"/invoices/{invoice['id']}/credit-note"
    body = {**WEEK, "amount": inr("2520.00")}
    answers = await asyncio.gather(*(payer.client.post(path, json=body) for _ in range(20)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    refused = {answer.status_code for answer in answers} - {201}
    assert len(made) == 10
    assert refused <= {409, 422}
    numbers = sorted(note["creditNoteNumber"] for note in made)
    assert numbers == [f"CN/26-27/{number:06d}" for number in range(1, 11)]
    assert (await payer.read(f"/invoices/{invoice['id']}"))["status"] == "cancelled"
    assert await breaches(house.database) == {}


async def test_the_same_key_writes_one_note(payer: Payer) -> None:
    invoice = await payer.billed()
    path = f"/invoices/{invoice['id']}/credit-note"
    body, headers = {**WEEK, "amount": inr("100.00")}, {"Idempotency-Key": "a-week"}
    first = await payer.client.post(path, json=body, headers=headers)
    again = await payer.client.post(path, json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    listed = await payer.read(f"/invoices/{invoice['id']}/credit-notes")
    assert [note["id"] for note in listed["items"]] == [first.json()["id"]]


async def test_notes_are_listed_by_payer_and_day_and_are_nobody_elses(
    payer: Payer, stranger: httpx2.AsyncClient
) -> None:
    invoice = await payer.billed()
    note = await payer.credited(invoice, amount=inr("100.00"))
    assert await payer.read(f"/credit-notes/{note['id']}") == note
    listed = await payer.read(
        "/credit-notes", residentId=payer.resident_id, **{"from": "2026-10-20"}
    )
    assert [one["id"] for one in listed["items"]] == [note["id"]]
    assert (await payer.read("/credit-notes", to="2026-10-19"))["items"] == []
    assert (await payer.read("/credit-notes", residentId=str(uuid7())))["items"] == []
    assert (await stranger.get(f"/credit-notes/{note['id']}")).status_code == 404
    assert (await stranger.get(f"/invoices/{invoice['id']}/credit-notes")).status_code == 404
    path = f"/invoices/{invoice['id']}/credit-note"
    assert (await stranger.post(path, json=WEEK)).status_code == 404
    assert (await stranger.get("/credit-notes")).json()["items"] == []


async def test_a_written_off_invoice_shows_what_came_in_for_it(house: House, payer: Payer) -> None:
    """By a payment that names it, and by the advances an operator points at it."""
    invoice = await payer.billed()
    path = f"/invoices/{invoice['id']}"
    await payer.client.post(f"{path}/write-off", json={"reason": "Left without address"})
    body = {"residentId": payer.resident_id, "amount": inr("5000.00"), "method": "upi"}
    await payer.sent("/payments", {**body, "invoiceId": invoice["id"]})
    now = await payer.read(path)
    assert (now["status"], now["amountWrittenOff"]) == ("written_off", inr("25200.00"))
    assert (now["amountRecovered"], now["amountPaid"]) == (inr("5000.00"), inr("0.00"))
    assert [part["recovered"] for part in now["allocations"]] == [True]
    await payer.sent("/payments", body)
    answer = await payer.client.post(f"{path}/recover", json={"amount": inr("2000.00")})
    assert answer.json()["amountRecovered"] == inr("7000.00")
    answer = await payer.client.post(f"{path}/recover")
    assert answer.json()["amountRecovered"] == inr("10000.00")
    refused = await payer.client.post(f"{path}/recover")
    assert refused.json()["errors"][0]["code"] == "TOO_LARGE"
    accounts = (await payer.read("/ledger/trial-balance"))["accounts"]
    recovered = {a["account"]: a["balance"] for a in accounts}["bad_debts_recovered"]
    assert recovered == inr("-10000.00")
    assert await breaches(house.database) == {}
