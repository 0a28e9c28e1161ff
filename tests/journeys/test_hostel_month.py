"""A hostel's month on the whole stack: imported, billed, paid, killed, lost and repaired."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.local_stack import LocalStack, a_stack, until
from tests.support.roster import write_roster
from tests.support.soak import soaked

PERIOD = "2026-10"
REAL_ROSTER = Path(__file__).parents[3] / "shared" / "data" / "roster_hyderabad.csv"


@pytest.mark.timeout(900)
async def test_a_roster_is_imported_billed_once_and_a_few_pay_cash(tmp_path: Path) -> None:
    """What a landlord does in the first hour: nothing twice, books in balance, receipts out."""
    residents, paying = soaked(1289, tenth=64), soaked(100)
    async with a_stack(tmp_path / "house") as stack:
        tenant = await stack.new_tenant("sunrise")
        roster = _roster(tmp_path, residents)
        before = await stack.run("import", "roster", str(roster), *_importing("sunrise"))
        again = await stack.run("import", "roster", str(roster), *_importing("sunrise"))
        assert before
        assert again
        async with stack.client(tenant["apiKey"]) as api:
            run = await _bill(api)
            assert run["issuedCount"] == residents
            assert (await _bill(api))["issuedCount"] == residents
            invoices = await _all(api, "/invoices", period=PERIOD)
            assert len(invoices) == residents
            assert len({invoice["invoiceNumber"] for invoice in invoices}) == residents
            await _pay(api, invoices[:paying])
            await until("every receipt is in the inbox", lambda: _receipts(stack, paying))
            assert await _unbalanced(api) == []
            paid = await _all(api, "/invoices", period=PERIOD, status="paid")
            assert len(paid) == paying
        assert await stack.run("doctor")


@pytest.mark.timeout(900)
async def test_sudden_deaths_in_a_run_lose_and_double_nothing(tmp_path: Path) -> None:
    """The worker, then PostgreSQL, killed in the middle of a run: it ends by itself, and right."""
    residents = soaked(1000, tenth=120)
    async with a_stack(tmp_path / "house") as stack:
        tenant = await stack.new_tenant("sunrise")
        roster = tmp_path / "roster.csv"
        write_roster(roster, residents)
        await stack.run("import", "roster", str(roster), *_importing("sunrise"))
        async with stack.client(tenant["apiKey"]) as api:
            asked = await api.post("/invoices/generate-batch", json={"period": PERIOD})
            assert asked.status_code == 202
            stack.kill("worker")
            await asyncio.sleep(2)
            stack.kill("postgres")
            await until("the run is closed", lambda: _closed(api), every=1)
            invoices = await _all(api, "/invoices", period=PERIOD)
            assert len(invoices) == residents
            per_agreement = Counter(invoice["agreementId"] for invoice in invoices)
            assert set(per_agreement.values()) == {1}
            numbers = sorted(int(i["invoiceNumber"].rsplit("/", 1)[1]) for i in invoices)
            assert numbers == list(range(numbers[0], numbers[0] + residents))
            assert await _unbalanced(api) == []
            await until("every collection lives", lambda: _living(stack, residents), every=1)
        assert await stack.run("doctor")


@pytest.mark.timeout(900)
async def test_the_loss_of_temporals_store_loses_no_life(tmp_path: Path) -> None:
    """Its file deleted, started again, repaired: every life is back and nobody hears twice."""
    residents = soaked(400, tenth=24)
    async with a_stack(tmp_path / "house") as stack:
        tenant = await stack.new_tenant("sunrise")
        roster = tmp_path / "roster.csv"
        write_roster(roster, residents)
        await stack.run("import", "roster", str(roster), *_importing("sunrise"))
        async with stack.client(tenant["apiKey"]) as api:
            await _bill(api)
            late = await _late_invoice(api)
            await until("every collection lives", lambda: _living(stack, residents + 1), every=1)
            await until("the late one hears of it", lambda: stack.inbox("email", late["email"]))
        before = await stack.inbox("email")
        await stack.down()
        for file in (stack.state / "temporal").glob("*.db*"):
            file.unlink()
        await stack.up()
        assert "wrong" in await stack.run("doctor", status=1)
        await stack.run("doctor", "--repair")
        await until("every life is back", lambda: _served(stack, residents + 1), every=1)
        await stack.run("doctor")
        assert await stack.inbox("email") == before


def _roster(folder: Path, residents: int) -> Path:
    """The real listings when they lie beside the project and all are wanted, else invented ones."""
    if residents == soaked(1289, tenth=0) and REAL_ROSTER.exists():
        return REAL_ROSTER
    path = folder / "roster.csv"
    write_roster(path, residents)
    return path


def _importing(slug: str) -> tuple[str, ...]:
    return ("--tenant", slug, "--billed-through", "2026-09")


async def _bill(api: httpx2.AsyncClient) -> dict[str, Any]:
    asked = await api.post("/invoices/generate-batch", json={"period": PERIOD})
    assert asked.status_code == 202, asked.text
    await until("the run is closed", lambda: _closed(api))
    runs = (await api.get("/billing/runs")).json()["items"]
    return next(run for run in runs if run["period"] == PERIOD)


async def _closed(api: httpx2.AsyncClient) -> bool:
    runs = (await api.get("/billing/runs")).raise_for_status().json()["items"]
    return bool(runs) and all(run["status"] == "issued" for run in runs)


async def _all(api: httpx2.AsyncClient, path: str, **asked: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get(path, params={"limit": 200, **asked, **cursor})
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        if page.json()["nextCursor"] is None:
            return items
        cursor = {"cursor": page.json()["nextCursor"]}


async def _pay(api: httpx2.AsyncClient, invoices: list[dict[str, Any]]) -> None:
    """Each pays its own in cash, twice with one key, as a clerk with a bad connection would."""
    for invoice in invoices:
        body = {
            "residentId": invoice["residentId"],
            "amount": invoice["balanceDue"],
            "method": "cash",
            "invoiceId": invoice["id"],
        }
        key = {"Idempotency-Key": f"cash-{invoice['id']}"}
        first, second = await asyncio.gather(
            api.post("/payments", json=body, headers=key),
            api.post("/payments", json=body, headers=key),
        )
        assert {first.status_code, second.status_code} <= {201, 409}


async def _unbalanced(api: httpx2.AsyncClient) -> list[dict[str, Any]]:
    balance = (await api.get("/ledger/trial-balance")).raise_for_status().json()
    return [total for total in balance["totals"] if total["debit"] != total["credit"]]


async def _receipts(stack: LocalStack, wanted: int) -> bool:
    mails = await stack.inbox("email")
    receipts = [mail for mail in mails if mail["subject"].startswith("Received")]
    assert len(receipts) <= wanted
    return len(receipts) == wanted


async def _living(stack: LocalStack, wanted: int) -> bool:
    return await stack.count("select count(*) from lives") == wanted


async def _served(stack: LocalStack, wanted: int) -> bool:
    """One store serves every life, and no wake-up waits."""
    stores = await stack.count("select count(distinct store_id) from lives")
    waiting = await stack.count("select count(*) from wakes")
    return stores == 1 and waiting == 0 and await _living(stack, wanted)


async def _late_invoice(api: httpx2.AsyncClient) -> dict[str, Any]:
    """One resident is three days late, so a reminder leaves at once and others are to come."""
    resident = (await api.get("/residents", params={"limit": 1})).json()["items"][0]
    made = await api.post(
        "/invoices",
        json={
            "residentId": resident["id"],
            "invoiceType": "adjustment",
            "dueDate": (datetime.now(UTC).date() - timedelta(days=3)).isoformat(),
            "lineItems": [
                {
                    "description": "Electricity, August",
                    "quantity": "1",
                    "rate": {"amount": "450.00", "currency": "INR"},
                }
            ],
        },
    )
    assert made.status_code == 201, made.text
    return {**made.json(), "email": resident["email"]}
