"""`GET /analytics/payments`: what came in and what went back, as a landlord asks for it."""

from datetime import date
from typing import Any

import pytest

from models.bounce import bounce
from models.database import Database
from models.payment import PaymentMethod
from models.payment_day import PaymentDays
from tests.support.books import booked, money
from tests.support.debt import ten
from tests.support.events import caught_up
from tests.support.house import House, a_resident, a_tenant
from tests.support.web import a_client


def inr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "INR"}


def line(received: str, count: int, bounced: str = "0.00", back: int = 0) -> dict[str, Any]:
    left = f"{float(received) - float(bounced):.2f}"
    return {
        "receivedCount": count,
        "received": inr(received),
        "bouncedCount": back,
        "bounced": inr(bounced),
        "net": inr(left),
    }


@pytest.fixture
async def paid(house: House) -> House:
    """Two payments in cash on one day, a cheque on the next that bounced twelve days later."""
    resident, at = await a_resident(house), ten(date(2026, 10, 3))
    await booked(house, money(resident.id, 500_00, date(2026, 10, 1), PaymentMethod.CASH), at)
    await booked(house, money(resident.id, 250_00, date(2026, 10, 1), PaymentMethod.CASH), at)
    cheque = money(resident.id, 1_000_00, date(2026, 10, 2), PaymentMethod.CHEQUE)
    payment = await booked(house, cheque, at)
    async with house.session() as session:
        await bounce(session, payment.id, ten(date(2026, 10, 14)), "No cover")
    await caught_up(house.database, PaymentDays())
    return house


async def test_money_is_summed_by_day_mode_and_method(paid: House) -> None:
    async with a_client(paid) as client:
        told = (await client.get("/analytics/payments?from=2026-10-01&to=2026-10-31")).json()
    assert (told["from"], told["to"]) == ("2026-10-01", "2026-10-31")
    assert told["totals"] == [line("1750.00", 3, "1000.00", 1)]
    assert told["methods"] == [
        {"mode": "manual", "method": "cash", **line("750.00", 2)},
        {"mode": "manual", "method": "cheque", **line("1000.00", 1, "1000.00", 1)},
    ]
    assert told["days"] == [
        {"day": "2026-10-01", "mode": "manual", "method": "cash", **line("750.00", 2)},
        {"day": "2026-10-02", "mode": "manual", "method": "cheque", **line("1000.00", 1)},
        {
            "day": "2026-10-14",
            "mode": "manual",
            "method": "cheque",
            **line("0.00", 0, "1000.00", 1),
        },
    ]


async def test_it_is_this_month_unless_told_otherwise(paid: House) -> None:
    """Until today at the tenant's own clock, which is 20 October."""
    async with a_client(paid) as client:
        told = (await client.get("/analytics/payments")).json()
        one_day = (await client.get("/analytics/payments?from=2026-10-02&to=2026-10-02")).json()
    assert (told["from"], told["to"], len(told["days"])) == ("2026-10-01", "2026-10-20", 3)
    assert one_day["totals"] == [line("1000.00", 1)]


async def test_quiet_days_say_nothing(paid: House) -> None:
    async with a_client(paid) as client:
        told = (await client.get("/analytics/payments?from=2026-09-01&to=2026-09-30")).json()
    assert (told["totals"], told["methods"], told["days"]) == ([], [], [])


async def test_nobody_sees_the_money_of_others(database: Database, paid: House) -> None:
    assert paid
    async with a_client(await a_tenant(database)) as client:
        assert (await client.get("/analytics/payments")).json()["days"] == []


@pytest.mark.parametrize(
    "query", ["from=2026-10-02&to=2026-10-01", "from=2025-01-01&to=2026-10-01", "from=today"]
)
async def test_a_span_that_makes_no_sense_is_refused(house: House, query: str) -> None:
    async with a_client(house) as client:
        assert (await client.get(f"/analytics/payments?{query}")).status_code == 422
