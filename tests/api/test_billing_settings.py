"""How a tenant bills, read and changed over HTTP."""

from typing import Any

import httpx2
import pytest

from tests.support.agreements import billed, invoices, many_agreements
from tests.support.house import House

GSTIN = "36AABCU9603R1ZO"


async def put(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    """A change asked for."""
    return await client.put("/billing/settings", json=body)


async def test_a_new_tenant_bills_by_the_usual_terms(client: httpx2.AsyncClient) -> None:
    """Five percent after three days of grace; reminders before and after."""
    shown = (await client.get("/billing/settings")).json()
    assert shown["invoicePrefix"] == "INV"
    assert (shown["defaultDueDays"], shown["lateFeeGracePeriodDays"]) == (5, 3)
    assert (shown["lateFeeType"], shown["lateFeeValue"]) == ("percentage", "5.00")
    assert (shown["reminderDaysBefore"], shown["reminderDaysAfter"]) == (3, [1, 7, 15])
    assert (shown["gstEnabled"], shown["gstNumber"], shown["lateFeeCap"]) == (True, None, None)


async def test_what_is_sent_changes_and_the_rest_stays(client: httpx2.AsyncClient) -> None:
    """Money in the tenant's currency; days sorted, each once."""
    changed = await put(
        client,
        invoicePrefix="LV",
        lateFeeType="fixed",
        lateFeeValue="250.00",
        lateFeeCap={"amount": "1000.00", "currency": "INR"},
        reminderDaysAfter=[10, 2, 2],
    )
    assert changed.status_code == 200, changed.text
    shown = (await client.get("/billing/settings")).json()
    assert shown == changed.json()
    assert (shown["invoicePrefix"], shown["lateFeeValue"]) == ("LV", "250.00")
    assert shown["lateFeeCap"] == {"amount": "1000.00", "currency": "INR"}
    assert (shown["reminderDaysAfter"], shown["defaultDueDays"]) == ([2, 10], 5)
    assert (await put(client, lateFeeCap=None)).json()["lateFeeCap"] is None


async def test_the_late_fee_has_two_parts_a_base_and_a_cap(client: httpx2.AsyncClient) -> None:
    """The greater of a percentage and an amount, so much a day, of the recurring charges."""
    shown = (await client.get("/billing/settings")).json()
    assert shown["lateFeePerDay"] == shown["lateFeeFixed"] == {"amount": "0.00", "currency": "INR"}
    assert shown["lateFeeBase"] == "outstanding_excluding_fees"
    terms = {
        "lateFeeType": "greater_of",
        "lateFeeFixed": {"amount": "250.00", "currency": "INR"},
        "lateFeePerDay": {"amount": "50.00", "currency": "INR"},
        "lateFeeBase": "recurring",
        "lateFeeMinimumBalance": {"amount": "500.00", "currency": "INR"},
    }
    assert (await put(client, lateFeeType="greater_of")).json()["errors"][0] == {
        "field": "lateFeeFixed",
        "code": "REQUIRED",
        "message": "greater_of needs the amount beside the percentage",
    }
    changed = await put(client, **terms)
    assert changed.status_code == 200, changed.text
    shown = (await client.get("/billing/settings")).json()
    assert {name: shown[name] for name in terms} == terms


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lateFeePerDay", None),
        ("lateFeePerDay", {"amount": "-1.00", "currency": "INR"}),
        ("lateFeeFixed", {"amount": "1.00", "currency": "EUR"}),
        ("lateFeeBase", "everything"),
        ("invoicePrefix", "ABCD"),
        ("invoicePrefix", "in"),
        ("invoicePrefix", "BOS"),
        ("defaultDueDays", -1),
        ("defaultDueDays", 91),
        ("lateFeeValue", "101"),
        ("lateFeeType", "daily"),
        ("lateFeeGracePeriodDays", None),
        ("reminderDaysAfter", [0]),
        ("gstNumber", "36AABCU9603R1ZX"),
        ("lateFeeCap", {"amount": "10", "currency": "EUR"}),
        ("cgstRate", 9),
    ],
)
async def test_what_breaks_a_rule_is_refused_with_its_field(
    client: httpx2.AsyncClient, field: str, value: Any
) -> None:
    """And nothing is changed."""
    before = (await client.get("/billing/settings")).json()
    answer = await put(client, **{field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert (await client.get("/billing/settings")).json() == before


async def test_changed_settings_act_on_invoices_issued_later(
    client: httpx2.AsyncClient, house: House
) -> None:
    """What is issued keeps its due day and fee."""
    await many_agreements(house, 1)
    await billed(house)
    await put(client, defaultDueDays=20, lateFeeEnabled=False, gstNumber=GSTIN)
    await many_agreements(house, 1)
    await billed(house)
    old, new = await invoices(house)
    assert (new.due_date - old.due_date).days >= 11
    assert (old.terms["fee"]["enabled"], new.terms["fee"]["enabled"]) == (True, False)
    assert (old.supplier_gstin, new.supplier_gstin) == (None, GSTIN)


async def test_the_gstin_is_kept_as_it_is_written_officially(client: httpx2.AsyncClient) -> None:
    """Blanks and small letters are ours to mend; null takes it away."""
    assert (await put(client, gstNumber=" 36aabcu9603r1zo ")).json()["gstNumber"] == GSTIN
    assert (await put(client, gstNumber=None)).json()["gstNumber"] is None
