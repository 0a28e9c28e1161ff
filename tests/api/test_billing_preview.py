"""A month foreseen over HTTP: totals, pages, what-ifs, warnings; nothing written, nobody else's."""

from datetime import date
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from models.invoice import Invoice
from models.record import BillingRun
from models.tenant import NumberSeries
from tests.support.agreements import OCTOBER, billed, counted, invoices, many_agreements
from tests.support.debt import ten
from tests.support.house import House, a_property, a_resident, an_agreement
from tests.support.web import NOON


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


async def foreseen(client: httpx2.AsyncClient, page: str = "", **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/billing/preview{page}", json={"period": "2026-10", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(client: httpx2.AsyncClient, page: str = "", **body: Any) -> list[str]:
    answer = await client.post(f"/billing/preview{page}", json={"period": "2026-10", **body})
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


async def test_a_month_is_foreseen_with_its_lines_its_tax_and_its_fee(
    house: House, client: httpx2.AsyncClient
) -> None:
    place, resident = await a_property(house), await a_resident(house)
    agreement = await an_agreement(
        *(house, resident.id, place), start=date(2026, 10, 17), rent_minor=31_000_00
    )
    paid = {"residentId": str(resident.id), "amount": inr("1000.00"), "method": "cash"}
    payment = (await client.post("/payments", json=paid)).json()
    seen = await foreseen(client)
    assert (seen["period"], seen["asOf"], seen["months"]) == ("2026-10", "2026-10-20", ["2026-10"])
    assert seen["totals"] == [
        {
            "currency": "INR",
            "invoiceCount": 1,
            "subtotal": inr("15000.00"),
            "taxAmount": inr("750.00"),
            "totalAmount": inr("15750.00"),
            "advancesUsed": inr("1000.00"),
            "balanceDue": inr("14750.00"),
            "lateFees": inr("774.38"),
        }
    ]
    (bill,) = seen["invoices"]["items"]
    assert bill["agreementId"] == str(agreement.id)
    assert (bill["invoiceDate"], bill["dueDate"]) == ("2026-10-20", "2026-10-25")
    (line,) = bill["lineItems"]
    assert line["description"] == "Rent, 17 to 31 October 2026 (15 of 31 days)"
    assert (line["cgstAmount"], line["sgstAmount"]) == (inr("375.00"), inr("375.00"))
    assert [part["paymentId"] for part in bill["advances"]] == [payment["id"]]
    assert bill["lateFees"][0] == {
        "part": "flat",
        "at": "2026-10-29T04:30:00Z",
        "amount": inr("737.50"),
        "taxAmount": inr("36.88"),
        "totalAmount": inr("774.38"),
    }
    codes = [one["code"] for one in bill["warnings"]]
    assert codes == ["FIRST_MONTH_PRORATED", "TAXED_WITHOUT_GSTIN"]
    assert seen["warnings"] == [{"code": code, "count": 1} for code in codes]


async def test_no_number_is_taken_and_no_run_is_made(
    house: House, client: httpx2.AsyncClient
) -> None:
    """With a key too: the answer is kept, and nothing else is written."""
    await many_agreements(house, 2)
    body, headers = {"period": "2026-10"}, {"Idempotency-Key": "a-look"}
    first = await client.post("/billing/preview", json=body, headers=headers)
    assert first.status_code == 200
    again = await client.post("/billing/preview", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    for table in (Invoice, BillingRun, NumberSeries):
        assert await counted(house, table) == 0, table


async def test_pages_go_through_the_run_in_its_order(
    house: House, client: httpx2.AsyncClient
) -> None:
    """Every page tells the totals of the whole; the run then issues exactly these."""
    await many_agreements(house, 7)
    seen, items = await foreseen(client, "?limit=3"), list[dict[str, Any]]()
    totals = seen["totals"]
    while True:
        assert (seen["invoiceCount"], seen["totals"]) == (7, totals)
        items += seen["invoices"]["items"]
        cursor = seen["invoices"]["nextCursor"]
        if cursor is None:
            break
        seen = await foreseen(client, f"?limit=3&cursor={cursor}")
    await billed(house, OCTOBER, NOON)
    issued = [(str(row.agreement_id), row.total_minor) for row in await invoices(house)]
    told = [(i["agreementId"], round(float(i["totalAmount"]["amount"]) * 100)) for i in items]
    assert told == issued
    assert (await foreseen(client))["invoiceCount"] == 0


async def test_it_is_asked_what_would_be_if_terms_were_otherwise(
    house: House, client: httpx2.AsyncClient
) -> None:
    """GST off, another fee, a revised rent, an earlier end; the settings stay as they were."""
    place, resident = await a_property(house), await a_resident(house)
    agreement = await an_agreement(house, resident.id, place, rent_minor=19_000_00)
    before = (await client.get("/billing/settings")).json()
    thought = {"agreementId": str(agreement.id), "rentAmount": inr("31000.00")}
    (bill,) = (await foreseen(client, agreements=[thought]))["invoices"]["items"]
    assert (bill["document"], bill["totalAmount"]) == ("tax_invoice", inr("32550.00"))
    late = {"lateFeeType": "fixed", "lateFeeValue": "250", "lateFeeGracePeriodDays": 0}
    off = {**late, "gstEnabled": False}
    (bill,) = (await foreseen(client, agreements=[thought], settings=off))["invoices"]["items"]
    assert (bill["document"], bill["totalAmount"]) == ("bill_of_supply", inr("31000.00"))
    assert bill["lateFees"][0]["totalAmount"] == inr("250.00")
    assert bill["lateFees"][0]["at"] == "2026-10-26T04:30:00Z"
    ends = {"agreementId": str(agreement.id), "endDate": "2026-10-10"}
    (bill,) = (await foreseen(client, agreements=[ends]))["invoices"]["items"]
    assert [one["code"] for one in bill["warnings"]][:1] == ["LAST_MONTH_PRORATED"]
    assert (await client.get("/billing/settings")).json() == before
    assert (await client.get(f"/agreements/{agreement.id}")).json()["rentAmount"] == inr("19000.00")


async def test_the_fees_that_open_invoices_announce_are_told(
    house: House, client: httpx2.AsyncClient
) -> None:
    roster = await many_agreements(house, 2)
    await billed(house, OCTOBER, ten(date(2026, 10, 19)))
    seen = await foreseen(client, period="2026-11")
    assert (seen["asOf"], seen["invoiceCount"]) == ("2026-11-01", 2)
    (first, _) = seen["openFees"]["items"]
    assert seen["openFees"]["count"] == 2
    assert first["at"] == "2026-10-28T04:30:00Z"
    assert "late fee of ₹" in first["why"]
    async with house.session() as session:
        rows = (await session.scalars(select(Invoice))).all()
    total = sum(row.balance_minor // 20 for row in rows)
    assert seen["openFees"]["totals"] == [inr(f"{total // 100}.{total % 100:02d}")]
    alone = await foreseen(client, period="2026-11", residentId=str(roster.resident_ids[0]))
    assert (alone["openFees"]["count"], alone["invoiceCount"]) == (1, 1)
    assert alone["invoices"]["items"][0]["monthBefore"]["difference"] == inr("0.00")


async def test_who_cannot_be_billed_and_who_owes_nothing_is_listed(
    house: House, client: httpx2.AsyncClient
) -> None:
    place, resident = await a_property(house, 2), await a_resident(house)
    bad = await an_agreement(house, resident.id, place, currency="XXX")
    free = await an_agreement(house, resident.id, place, bed=1, rent_minor=0)
    seen = await foreseen(client)
    assert (seen["refusedCount"], seen["owingNothingCount"], seen["invoiceCount"]) == (1, 1, 0)
    (refusal,) = seen["refusals"]
    assert (refusal["agreementId"], refusal["code"]) == (str(bad.id), "UNKNOWN_CURRENCY")
    assert seen["owingNothing"] == [{"agreementId": str(free.id), "period": "2026-10"}]


@pytest.mark.parametrize(
    ("page", "body", "field"),
    [
        ("", {"period": "2026-13"}, "period"),
        ("", {"asOf": "2026-10-19"}, "asOf"),
        ("", {"settings": {"lateFeeValue": "101"}}, "lateFeeValue"),
        ("", {"settings": {"gstNumber": "x"}}, "gstNumber"),
        ("?cursor=x", {}, "cursor"),
        ("?cursor=WyIyMDI2LTEwIiwgMV0=", {}, "cursor"),
        ("", {"unknown": 1}, "unknown"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_field(
    client: httpx2.AsyncClient, page: str, body: dict[str, Any], field: str
) -> None:
    assert await refused(client, page, **body) == [field]


async def test_another_tenants_people_are_not_found(
    house: House, stranger: httpx2.AsyncClient, client: httpx2.AsyncClient
) -> None:
    roster = await many_agreements(house, 1)
    mine = str(roster.agreement_ids[0])
    for body in (
        {"agreementId": mine},
        {"propertyId": str(roster.property_id)},
        {"residentId": str(roster.resident_ids[0])},
        {"agreements": [{"agreementId": mine}]},
    ):
        answer = await stranger.post("/billing/preview", json={"period": "2026-10", **body})
        assert answer.status_code == 404, body
    assert (await foreseen(stranger))["invoiceCount"] == 0
    ends = {"agreementId": mine, "endDate": "2026-05-01"}
    assert await refused(client, agreements=[ends]) == ["agreements.0.endDate"]
    unknown = {"period": "2026-10", "agreements": [{"agreementId": str(uuid7())}]}
    assert (await client.post("/billing/preview", json=unknown)).status_code == 404
