"""Documents over HTTP as PDF: named by their number, saying what the page says."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.upi import parse
from tests.support.house import House, a_property, a_resident, an_agreement
from tests.support.pdf import a_press, codes, hide_pango, pages

RENT = {"description": "Rent, October 2026", "rate": {"amount": "25000.00", "currency": "INR"}}


@pytest.fixture
async def invoice(house: House, client: httpx2.AsyncClient) -> dict[str, Any]:
    """A taxed invoice of a tenant who takes UPI."""
    place, resident = await a_property(house), await a_resident(house)
    await an_agreement(house, resident.id, place, rent_minor=25_000_00)
    told = await client.put("/billing/settings", json={"upiVpa": "sunrise@okhdfcbank"})
    assert told.json()["upiVpa"] == "sunrise@okhdfcbank"
    body = {"residentId": str(resident.id), "lineItems": [RENT]}
    made = await client.post("/invoices", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


@pytest.fixture
async def _prints() -> AsyncGenerator[None]:
    async with a_press():
        yield


async def pdf_at(client: httpx2.AsyncClient, path: str) -> httpx2.Response:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    return answer


@pytest.mark.usefixtures("_prints")
async def test_an_invoice_is_printed_with_the_code_that_pays_it(
    client: httpx2.AsyncClient, invoice: dict[str, Any]
) -> None:
    answer = await pdf_at(client, f"/invoices/{invoice['id']}/pdf")
    assert answer.headers["content-disposition"] == 'inline; filename="INV-26-27-000001.pdf"'
    (read,) = pages(answer.content)
    assert f"Tax invoice Number {invoice['invoiceNumber']}" in read
    assert "Total ₹26,250.00" in read
    (code,) = codes(answer.content)
    assert parse(code).amount_minor == 26_250_00
    again = await pdf_at(client, f"/invoices/{invoice['id']}/pdf")
    assert again.content == answer.content


@pytest.mark.usefixtures("_prints")
async def test_what_is_paid_and_credited_stands_on_it_and_on_papers_of_its_own(
    client: httpx2.AsyncClient, invoice: dict[str, Any]
) -> None:
    paid = await client.post(
        "/payments",
        json={
            "residentId": invoice["residentId"],
            "amount": {"amount": "26250.00", "currency": "INR"},
            "method": "cheque",
            "reference": "000123",
        },
    )
    receipt = await pdf_at(client, f"/payments/{paid.json()['id']}/pdf")
    assert receipt.headers["content-disposition"] == 'inline; filename="PAY-26-27-000001.pdf"'
    (read,) = pages(receipt.content)
    assert "How paid cheque Reference 000123" in read
    assert f"{invoice['invoiceNumber']} ₹0.00 ₹26,250.00" in read
    after = await pdf_at(client, f"/invoices/{invoice['id']}/pdf")
    assert "Paid ₹26,250.00" in pages(after.content)[0]
    assert codes(after.content) == []
    await client.post(f"/payments/{paid.json()['id']}/bounce")
    back = await pdf_at(client, f"/payments/{paid.json()['id']}/pdf")
    assert "Sent back by the bank on 20 October 2026" in pages(back.content)[0]
    page = await client.get(f"/payments/{paid.json()['id']}/html")
    assert "Sent back by the bank" in page.text


async def test_an_address_that_takes_no_upi_is_refused(client: httpx2.AsyncClient) -> None:
    refused = await client.put("/billing/settings", json={"upiVpa": "sunrise"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "upiVpa"


async def test_a_document_is_its_own_tenants_alone(
    stranger: httpx2.AsyncClient, invoice: dict[str, Any]
) -> None:
    for path in (f"/invoices/{invoice['id']}/pdf", f"/credit-notes/{invoice['id']}/pdf"):
        assert (await stranger.get(path)).status_code == 404


async def test_without_pango_only_the_pdf_waits(
    client: httpx2.AsyncClient,
    invoice: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    hide_pango(monkeypatch, tmp_path)
    refused = await client.get(f"/invoices/{invoice['id']}/pdf")
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["code"] == "PDF_UNAVAILABLE"
    assert "Pango" in refused.json()["detail"]
    page = await client.get(f"/invoices/{invoice['id']}/html")
    assert page.status_code == 200
    assert "<svg" in page.text
