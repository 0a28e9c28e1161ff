"""A resident taps the link and pays: booked once, whatever happens in between."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from domain.payment_account import Provider
from models.message import Message, Purpose
from models.payment import Payment
from tests.conftest import TemporalServer
from tests.support.books import balances, breaches, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.house import House
from tests.support.shop import Shop, a_shop, find, until


@pytest.fixture
async def shop(house: House, temporal_server: TemporalServer) -> AsyncGenerator[Shop]:
    async with a_shop(house, temporal_server) as made:
        await made.account(Provider.stripe)
        await made.account(Provider.razorpay)
        yield made


@pytest.fixture
async def debt(shop: Shop) -> Debt:
    now = datetime.now(UTC)
    return await a_debt(shop.house, now.date() + timedelta(days=10), issued=now)


@pytest.mark.parametrize(
    ("by", "method"), [("checkout", "card"), ("link", "upi"), ("upi_qr", "upi")]
)
async def test_a_page_is_opened_and_what_is_paid_there_is_booked(
    shop: Shop, debt: Debt, by: str, method: str
) -> None:
    answer = await shop.chooses(debt, by)
    assert answer.status_code == 303, answer.text
    (attempt,) = await shop.attempts()
    assert attempt.status == "pending"
    assert attempt.page_id is not None
    if by == "upi_qr":
        assert urlsplit(answer.headers["Location"]).path.startswith("/pay/")
        assert (attempt.upi_uri or "").startswith("upi://pay?")
    else:
        assert answer.headers["Location"] == attempt.pay_url
    again = await shop.chooses(debt, by)
    assert again.headers["Location"] == answer.headers["Location"]
    assert len(await shop.attempts()) == 1
    body = {"action": "pay", "target": attempt.page_id, "method": method}
    await shop.told("/control/payer", body)

    async def paid() -> bool:
        return (await debt.row()).status == "paid"

    await until(paid)
    await shop.box.sandbox.bank.courier.settled()

    async def settled() -> bool:
        return all(event.status == "done" for event in await shop.events())

    await until(settled)
    assert (await find(shop, attempt.id)).status == "captured"
    (payment,) = await rows(shop.house, Payment)
    assert (payment.amount_minor, payment.attempt_id) == (RENT_MINOR, attempt.id)
    async with shop.house.session() as session:
        told = await session.scalars(select(Message).where(Message.purpose == Purpose.RECEIPT))
        assert len(told.all()) == 1
    captures = [entry for entry in await shop.ledger() if entry["kind"] == "capture"]
    assert [(one["amount"], one["payment"]) for one in captures] == [
        (RENT_MINOR, payment.provider_payment_id)
    ]
    assert (await balances(shop.house))["provider_clearing"] == RENT_MINOR
    assert await breaches(shop.house.database) == {}
    ours = await shop.page(debt)
    for named, words in ((attempt.id, "Received with thanks"), (debt.invoice_id, "Waiting for")):
        assert words in (await shop.client.get(ours, params={"received": str(named)})).text
