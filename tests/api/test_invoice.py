"""Invoices over HTTP: made, kept, issued, found by state, paid, cancelled; nobody else's."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from models.tenant import BillingSettings
from tests.support.books import breaches
from tests.support.debt import a_debt
from tests.support.house import House, a_property, a_resident, an_agreement

TODAY = date(2026, 10, 20)


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


RENT = {"description": "Rent, October 2026", "rate": inr("9500.00")}


@dataclass(frozen=True)
class Payer:
    """A resident with an agreement, ready to be billed."""

    client: httpx2.AsyncClient
    resident_id: UUID
    agreement_id: UUID
    property_id: UUID

    async def billed(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        body = {"residentId": str(self.resident_id), "lineItems": list(lines or [RENT]), **more}
        answer = await self.client.post("/invoices", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, invoice: dict[str, Any], part: str = "") -> dict[str, Any]:
        answer = await self.client.get(f"/invoices/{invoice['id']}{part}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def listed(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.client.get("/invoices", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def paid(self, amount: str, **more: Any) -> httpx2.Response:
        body = {"residentId": str(self.resident_id), "amount": inr(amount), "method": "cash"}
        return await self.client.post("/payments", json={**body, **more})


@pytest.fixture
async def payer(house: House, client: httpx2.AsyncClient) -> Payer:
    place = await a_property(house)
    resident = await a_resident(house)
    agreement = await an_agreement(house, resident.id, place, rent_minor=9_500_00)
    return Payer(client, resident.id, agreement.id, place.property_id)


async def test_an_invoice_is_issued_with_a_number_and_its_agreement(
    house: House, payer: Payer
) -> None:
    made = await payer.billed(RENT, {"description": "Key", "rate": inr("125.50"), "quantity": 2})
    assert made["invoiceNumber"] == "BOS/26-27/000001"
    assert (made["status"], made["document"]) == ("issued", "bill_of_supply")
    assert made["agreementId"] == str(payer.agreement_id)
    assert made["propertyId"] == str(payer.property_id)
    assert (made["invoiceDate"], made["dueDate"]) == ("2026-10-20", "2026-10-25")
    assert (made["subtotal"], made["taxAmount"]) == (inr("9751.00"), inr("0.00"))
    assert (made["totalAmount"], made["balanceDue"]) == (inr("9751.00"), inr("9751.00"))
    assert [line["amount"] for line in made["lineItems"]] == [inr("9500.00"), inr("251.00")]
    assert made == await payer.read(made)
    assert await breaches(house.database) == {}


async def test_tax_follows_the_agreement_and_never_the_deposit(
    house: House, client: httpx2.AsyncClient
) -> None:
    place, resident = await a_property(house), await a_resident(house)
    await an_agreement(house, resident.id, place, rent_minor=25_000_00)
    payer = Payer(client, resident.id, place.property_id, place.property_id)
    taxed = await payer.billed({"description": "Rent", "rate": inr("25000.00")})
    assert (taxed["invoiceNumber"], taxed["document"]) == ("INV/26-27/000001", "tax_invoice")
    assert (taxed["taxAmount"], taxed["totalAmount"]) == (inr("1250.00"), inr("26250.00"))
    line = taxed["lineItems"][0]
    assert (line["cgstAmount"], line["sgstAmount"]) == (inr("625.00"), inr("625.00"))
    assert (line["taxRate"], line["sac"]) == ("5.00", "996322")
    deposit = await payer.billed(
        {"description": "Deposit", "rate": inr("50000.00")}, invoiceType="deposit"
    )
    assert (deposit["document"], deposit["taxAmount"]) == ("bill_of_supply", inr("0.00"))
    assert deposit["lineItems"][0]["kind"] == "deposit"


async def test_a_disabled_gst_taxes_nothing(house: House, client: httpx2.AsyncClient) -> None:
    resident = await a_resident(house)
    payer = Payer(client, resident.id, resident.id, resident.id)
    taxed = await payer.billed()
    assert taxed["taxAmount"] == inr("475.00")  # no stay, so not the exempt one
    async with house.session() as session:
        await session.execute(update(BillingSettings).values(gst_enabled=False))
    assert (await payer.billed())["taxAmount"] == inr("0.00")


async def test_an_old_debt_is_overdue_the_moment_it_is_brought_over(payer: Payer) -> None:
    made = await payer.billed(dueDate="2026-10-19")
    assert (made["status"], made["daysOverdue"]) == ("overdue", 1)
    plan = await payer.read(made, "/plan")
    assert plan["stage"] == "overdue"
    assert plan["workflowId"].endswith(made["id"])
    assert plan["next"][0]["what"] == "remind"
    assert "₹9,500.00" in plan["next"][0]["why"]


async def test_a_draft_changes_until_it_is_issued(house: House, payer: Payer) -> None:
    draft = await payer.billed(status="draft")
    assert (draft["status"], draft["invoiceNumber"]) == ("draft", None)
    assert (draft["balanceDue"], len(draft["lineItems"])) == (inr("9500.00"), 1)
    path = f"/invoices/{draft['id']}"
    changed = await payer.client.put(path, json={"dueDate": "2026-11-01", "notes": "Two weeks"})
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert (body["dueDate"], body["notes"]) == ("2026-11-01", "Two weeks")
    assert body["lineItems"] == draft["lineItems"]
    lines = [{"description": "Half", "rate": inr("4750.00"), "kind": "rent"}]
    changed = await payer.client.put(path, json={"lineItems": lines, "status": "issued"})
    body = changed.json()
    assert (body["status"], body["totalAmount"]) == ("issued", inr("4750.00"))
    assert (body["invoiceNumber"], body["dueDate"]) == ("BOS/26-27/000001", "2026-11-01")
    for refused in (await payer.client.put(path, json={}), await payer.client.delete(path)):
        assert refused.status_code == 409
        assert refused.json()["code"] == "ILLEGAL_TRANSITION"
    assert await breaches(house.database) == {}


async def test_a_deleted_draft_is_gone_and_takes_no_number(payer: Payer) -> None:
    draft = await payer.billed(status="draft")
    assert (await payer.client.delete(f"/invoices/{draft['id']}")).status_code == 204
    assert (await payer.client.get(f"/invoices/{draft['id']}")).status_code == 404
    assert (await payer.billed())["invoiceNumber"] == "BOS/26-27/000001"


async def test_sending_issues_a_draft_and_writes_once_a_day(house: House, payer: Payer) -> None:
    draft = await payer.billed(status="draft")
    path = f"/invoices/{draft['id']}/send"
    answers = [await payer.client.post(path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    sent = answers[1].json()
    assert (sent["status"], sent["sentAt"]) == ("sent", "2026-10-20T06:30:00Z")
    told = (await payer.read(sent, "/timeline"))["items"]
    assert [one["what"] for one in told if one["kind"] == "message"] == ["message.invoice"]
    assert await breaches(house.database) == {}


async def test_a_cash_payment_of_the_whole_balance_is_one_call(house: House, payer: Payer) -> None:
    made = await payer.billed(dueDate="2026-10-19")
    path = f"/invoices/{made['id']}/mark-paid"
    answer = await payer.client.post(path, json={"method": "upi", "reference": "UTR1"})
    assert answer.status_code == 200, answer.text
    paid = answer.json()
    assert (paid["status"], paid["balanceDue"]) == ("paid", inr("0.00"))
    assert (paid["amountPaid"], paid["paidAt"]) == (inr("9500.00"), "2026-10-20T06:30:00Z")
    assert [part["amount"] for part in paid["allocations"]] == [inr("9500.00")]
    plan = await payer.read(paid, "/plan")
    assert (plan["stage"], plan["next"]) == ("paid", [])
    again = await payer.client.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "ILLEGAL_TRANSITION")
    assert await breaches(house.database) == {}


async def test_a_cancelled_invoice_is_reversed_whole(house: House, payer: Payer) -> None:
    made = await payer.billed()
    path = f"/invoices/{made['id']}/cancel"
    gone = (await payer.client.post(path, json={"reason": "Billed twice"})).json()
    assert (gone["status"], gone["closingReason"]) == ("cancelled", "Billed twice")
    assert (gone["balanceDue"], gone["amountCredited"]) == (inr("0.00"), inr("9500.00"))
    assert (await payer.client.post(path)).status_code == 409
    other = await payer.billed()
    assert (await payer.paid("1.00")).status_code == 201
    refused = await payer.client.post(f"/invoices/{other['id']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "INVOICE_HAS_PAYMENTS")
    assert "credit note" in refused.json()["detail"]
    assert await breaches(house.database) == {}


async def test_lists_are_narrowed_by_what_is_stored_and_by_what_is_shown(payer: Payer) -> None:
    late = await payer.billed(dueDate="2026-10-01")
    await payer.paid("9500.00")
    await payer.billed(dueDate="2026-10-02")
    partly = await payer.billed(dueDate="2026-11-05")
    await payer.paid("500.00", invoiceId=partly["id"])
    sent = await payer.billed(dueDate="2026-11-06")
    await payer.client.post(f"/invoices/{sent['id']}/send")
    await payer.billed(status="draft")
    found = {
        status: len(await payer.listed(status=status))
        for status in ("draft", "issued", "paid", "overdue", "partially_paid", "sent", "viewed")
    }
    assert found == {
        "draft": 1,
        "issued": 3,
        "paid": 1,
        "overdue": 1,
        "partially_paid": 1,
        "sent": 1,
        "viewed": 0,
    }
    for status in ("overdue", "partially_paid", "sent"):
        assert [row["status"] for row in await payer.listed(status=status)] == [status]
    overdue = (await payer.client.get("/invoices/overdue")).json()["items"]
    assert [row["dueDate"] for row in overdue] == ["2026-10-02"]
    assert (await payer.read(late))["status"] == "paid"
    for name in ("residentId", "agreementId", "propertyId"):
        assert len(await payer.listed(**{name: late[name]})) == 5
        assert await payer.listed(**{name: sent["id"]}) == []
    assert await payer.listed(period="2026-10") == []


async def test_pages_follow_each_other_in_any_order(payer: Payer) -> None:
    days = ["2026-11-03", "2026-11-01", "2026-11-02", "2026-11-01"]
    for day in days:
        await payer.billed(dueDate=day)
    for sort, wanted in (("dueDate", sorted(days)), ("-dueDate", sorted(days, reverse=True))):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            query = {"sort": sort, "limit": "3", **({"cursor": cursor} if cursor else {})}
            page = (await payer.client.get("/invoices", params=query)).json()
            seen += [row["dueDate"] for row in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen == wanted
    refused = await payer.client.get("/invoices", params={"sort": "notes"})
    assert refused.status_code == 422
    assert (await payer.client.get("/invoices", params={"period": "10/2026"})).status_code == 422


async def test_the_printed_invoice_says_what_the_law_asks(payer: Payer) -> None:
    made = await payer.billed(RENT, notes="Water is included")
    for answer in (
        await payer.client.get(f"/invoices/{made['id']}/html"),
        await payer.client.get(f"/invoices/{made['id']}", headers={"Accept": "text/html,*/*"}),
    ):
        assert answer.headers["content-type"].startswith("text/html")
        assert "sha256-" in answer.headers["content-security-policy"]
        for said in ("BOS/26-27/000001", "Asha Rao", "Rent, October 2026", "Water is included"):
            assert said in answer.text
        assert "9,500.00" in answer.text


async def test_the_timeline_tells_who_did_what_and_the_newest_first(
    house: House, payer: Payer
) -> None:
    made = await payer.billed(dueDate="2026-10-19")
    await payer.paid("9500.00")
    told = (await payer.read(made, "/timeline"))["items"]
    whats = {one["what"] for one in told}
    assert {"invoice.issued", "payment.completed", "invoice.paid", "message.receipt"} <= whats
    received = next(one for one in told if one["what"] == "payment.completed")
    assert received["who"].startswith("key:")
    assert received["detail"] == "PAY/26-27/000001, ₹9,500.00"
    settled = next(one for one in told if one["what"] == "invoice.paid")
    assert settled["detail"] == "BOS/26-27/000001, ₹9,500.00"
    changes = [one["detail"] for one in told if one["what"] == "invoice.changed"]
    assert any("status" in change and "paid_at" in change for change in changes)
    assert [one["at"] for one in told] == sorted((one["at"] for one in told), reverse=True)
    assert datetime.fromisoformat(told[-1]["at"]).tzinfo is UTC or told[-1]["at"].endswith("Z")


def of(**line: Any) -> dict[str, Any]:
    return {"lineItems": [{**RENT, **line}]}


BAD_FIELDS = [
    ({"lineItems": []}, "lineItems"),
    (of(rate=inr("1.001")), "lineItems.0.rate.amount"),
    (of(rate=inr("-1.00")), "lineItems.0.rate.amount"),
    (of(rate={"amount": "1", "currency": "EUR"}), "lineItems.0.rate.currency"),
    (of(rate=inr("0.00")), "lineItems"),
    (of(description=""), "lineItems.0.description"),
    (of(quantity="0"), "lineItems.0.quantity"),
    (of(quantity="99999999", rate=inr("92233720368547758.07")), "lineItems.0"),
    ({**of(), "dueDate": "31.12.2026"}, "dueDate"),
    ({**of(), "invoiceType": "gift"}, "invoiceType"),
    ({**of(), "surprise": 1}, "surprise"),
]


async def test_a_bad_field_is_named(payer: Payer) -> None:
    for body, field in BAD_FIELDS:
        sent = {"residentId": str(payer.resident_id), **body}
        answer = await payer.client.post("/invoices", json=sent)
        assert answer.status_code == 422, answer.text
        assert field in {error["field"] for error in answer.json()["errors"]}, answer.text
    assert await payer.listed() == []


async def test_another_tenants_invoice_does_not_exist(
    payer: Payer, stranger: httpx2.AsyncClient
) -> None:
    made = await payer.billed(status="draft")
    path = f"/invoices/{made['id']}"
    for answer in (
        *[await stranger.get(path + part) for part in ("", "/html", "/plan", "/timeline")],
        *[await stranger.post(path + part) for part in ("/send", "/mark-paid", "/cancel")],
        await stranger.put(path, json={"notes": "mine"}),
        await stranger.delete(path),
    ):
        assert answer.status_code == 404, answer.text
    assert (await stranger.get("/invoices")).json()["items"] == []
    body = {"residentId": str(payer.resident_id), "lineItems": [RENT]}
    assert (await stranger.post("/invoices", json=body)).status_code == 404


async def test_an_agreement_of_another_resident_is_refused(house: House, payer: Payer) -> None:
    other = await a_resident(house)
    body = {
        "residentId": str(other.id),
        "agreementId": str(payer.agreement_id),
        "lineItems": [RENT],
    }
    answer = await payer.client.post("/invoices", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "agreementId"


async def test_a_month_is_issued_anew_and_both_invoices_name_each_other(
    house: House, client: httpx2.AsyncClient
) -> None:
    """Sent twice with one key it is one act; with money on it, it is refused."""
    debt = await a_debt(house, date(2026, 10, 5), period=date(2026, 10, 1), rent_minor=9_000_00)
    path, headers = f"/invoices/{debt.invoice_id}", {"Idempotency-Key": "anew"}
    made = await client.post(f"{path}/regenerate", json={"reason": "Wrong rent"}, headers=headers)
    assert made.status_code == 201, made.text
    new, old = made.json(), (await client.get(path)).json()
    assert (new["totalAmount"], new["period"]) == (inr("10000.00"), "2026-10")
    assert (new["replacesId"], new["replacedBy"]) == (old["id"], None)
    assert new["replaces"] == {"id": old["id"], "invoiceNumber": old["invoiceNumber"]}
    assert old["replacedBy"] == {"id": new["id"], "invoiceNumber": new["invoiceNumber"]}
    assert (old["status"], old["closingReason"]) == ("cancelled", "Wrong rent")
    again = await client.post(f"{path}/regenerate", json={"reason": "Wrong rent"}, headers=headers)
    assert again.json() == new
    paid = {"residentId": str(debt.resident_id), "amount": inr("1.00"), "method": "cash"}
    await client.post("/payments", json=paid)
    refused = await client.post(f"/invoices/{new['id']}/regenerate")
    assert (refused.status_code, refused.json()["code"]) == (409, "INVOICE_HAS_PAYMENTS")
