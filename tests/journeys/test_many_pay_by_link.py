"""Many residents pay by link while providers misbehave, or while nobody can start a life."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from cli.import_roster import Asked, import_text
from domain.calendar import Month
from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.gateway_log import GatewayLog
from models.invoice import Invoice
from models.life import LifeRow, Wake
from models.message import Message, Purpose
from models.pay_link import link_of
from models.payment import Payment
from models.payment_attempt import PaymentAttempt
from runtime.embedded.temporal import EmbeddedTemporal
from tests.conftest import TemporalServer
from tests.support.agreements import billed
from tests.support.books import balances, breaches, rows
from tests.support.house import House
from tests.support.roster import write_roster
from tests.support.shop import Shop, a_shop, until
from tests.support.soak import soaked

AT_ONCE = 8
PATIENCE_SECONDS = 300
WAYS = (PayBy.checkout, PayBy.link, PayBy.upi_qr)
OPENING = {
    PayBy.checkout: ("stripe", "checkout.sessions.create"),
    PayBy.link: ("razorpay", "payment_links.create"),
    PayBy.upi_qr: ("razorpay", "qr_codes.create"),
}
FAULTS = ("applied-then-500", "500", "429", "applied-then-timeout", "timeout")
THREE_DAYS = 3 * 86_400


@pytest.fixture
async def shop(house: House, temporal_server: TemporalServer) -> AsyncGenerator[Shop]:
    async with a_shop(house, temporal_server, timeout_seconds=1) as made:
        await made.account(Provider.stripe)
        await made.account(Provider.razorpay)
        yield made


async def a_month_due(shop: Shop, residents: int, folder: Path) -> Sequence[Invoice]:
    """A roster that was imported and billed for the month to come."""
    now = datetime.now(UTC)
    month = Month.of(now.date()).next()
    write_roster(folder / "roster.csv", residents)
    text = (folder / "roster.csv").read_text()
    asked = Asked(text, shop.house.slug, month.previous(), dry_run=False)
    await import_text(shop.house.database, shop.vault, asked, now)
    await billed(shop.house, month, now)
    async with shop.house.session() as session:
        return (await session.scalars(select(Invoice).order_by(Invoice.id))).all()


@pytest.mark.timeout(900)
async def test_a_hundred_pay_while_the_providers_misbehave(shop: Shop, tmp_path: Path) -> None:
    """What the providers believe is what we believe, to the paisa, and everybody hears it once."""
    residents = soaked(100, tenth=9)
    invoices = await a_month_due(shop, residents, tmp_path)
    await _mischief(shop, times=max(1, residents // 30))
    gate = asyncio.Semaphore(AT_ONCE)

    async def pays(number: int, invoice: Invoice) -> None:
        async with gate:
            await _pays(shop, invoice, WAYS[number % len(WAYS)])

    await asyncio.gather(*(pays(number, one) for number, one in enumerate(invoices)))
    assert len(await _captures(shop)) == residents
    await shop.told("/control/clock", {"advance": THREE_DAYS})

    async def all_paid() -> bool:
        return Counter(one.status for one in await rows(shop.house, Invoice)) == {"paid": residents}

    await until(all_paid, PATIENCE_SECONDS)
    await _everything_was_heard(shop)
    await _nothing_is_left(shop)
    captures = await _captures(shop)
    payments = await rows(shop.house, Payment)
    assert {one.provider_payment_id: one.amount_minor for one in payments} == {
        one["payment"]: one["amount"] for one in captures
    }
    assert Counter(one.resident_id for one in payments).most_common(1)[0][1] == 1
    async with shop.house.session() as session:
        told = await session.scalars(
            select(Message.about_id).where(Message.purpose == Purpose.RECEIPT)
        )
        assert sorted(told, key=str) == sorted((one.id for one in payments), key=str)
    total = sum(one["amount"] for one in captures)
    assert (await balances(shop.house))["provider_clearing"] == total
    assert await breaches(shop.house.database) == {}


@pytest.mark.timeout(900)
async def test_money_is_booked_while_temporal_is_down_and_every_life_catches_up(
    house: House, tmp_path: Path
) -> None:
    residents = soaked(1000, tenth=12)
    temporal = EmbeddedTemporal(tmp_path / "temporal")
    await temporal.start()
    server = TemporalServer(temporal.address, temporal.namespace, temporal.ui_url)
    try:
        async with a_shop(house, server) as shop:
            await shop.account(Provider.razorpay)
            invoices = await a_month_due(shop, residents, tmp_path)
            pages = await _opened(shop, invoices)
            await until(lambda: _lives_are(shop, 2 * residents), PATIENCE_SECONDS)
            await temporal.stop()
            for page in pages:
                body = {"action": "pay", "target": page, "method": "upi"}
                await shop.told("/control/payer", body)
            await shop.box.sandbox.bank.courier.settled()
            deliveries = shop.box.sandbox.bank.state.rows(
                "SELECT answered, count(*) AS many FROM webhook_deliveries GROUP BY answered"
            )
            assert [one["answered"] for one in deliveries] == [200]
            assert deliveries[0]["many"] >= residents
            await _everything_was_heard(shop)
            assert len(await rows(house, Payment)) == residents
            await temporal.start()
            await _nothing_is_left(shop)
            assert await breaches(house.database) == {}
    finally:
        await temporal.stop()


async def _mischief(shop: Shop, times: int) -> None:
    for provider, operation in OPENING.values():
        for outcome in FAULTS:
            body = {"provider": provider, "operation": operation, "outcome": outcome}
            await shop.told("/control/next", {**body, "delay": 2, "times": times})
    for provider in Provider.stripe, Provider.razorpay:
        body = {"provider": provider, "operation": "checkout.pay", "outcome": "applied-then-500"}
        await shop.told("/control/next", {**body, "times": times})
    tricks = {"duplicate": True, "reorder": True, "delay": THREE_DAYS}
    await shop.told("/control/webhooks", tricks)


async def _pays(shop: Shop, invoice: Invoice, by: PayBy) -> None:
    """Like somebody who taps again when nothing happens."""
    async with shop.house.session() as session:
        page = f"{shop.url}/pay/{await link_of(session, shop.vault, invoice.resident_id)}"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (attempt := await _chosen(shop, page, invoice, by)) is None:
            await asyncio.sleep(0.2)
        if by is PayBy.upi_qr:
            body = {"action": "pay", "target": attempt.page_id, "method": "upi"}
            await shop.told("/control/payer", body)
            return
        assert attempt.pay_url is not None
        method = "card" if by is PayBy.checkout else "upi"
        while await _is_open(shop.client, attempt.pay_url):
            await shop.client.post(attempt.pay_url, data={"action": "pay", "method": method})


async def _chosen(shop: Shop, page: str, invoice: Invoice, by: PayBy) -> PaymentAttempt | None:
    """The attempt whose page is open, if it is by now."""
    fields = {"by": by, "invoices": str(invoice.id)}
    await shop.client.post(f"{page}/attempts", data=fields)
    async with shop.house.session() as session:
        return await session.scalar(
            select(PaymentAttempt).where(
                PaymentAttempt.resident_id == invoice.resident_id,
                PaymentAttempt.status == "pending",
            )
        )


async def _is_open(client: httpx2.AsyncClient, page: str) -> bool:
    shown = await client.get(page)
    assert shown.status_code == 200, shown.text
    return "<form" in shown.text


async def _opened(shop: Shop, invoices: Sequence[Invoice]) -> list[str]:
    """An open page for each."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def opened(invoice: Invoice) -> str:
        async with gate, shop.house.session() as session:
            page = f"{shop.url}/pay/{await link_of(session, shop.vault, invoice.resident_id)}"
        async with gate, asyncio.timeout(PATIENCE_SECONDS):
            while (found := await _chosen(shop, page, invoice, PayBy.link)) is None:
                await asyncio.sleep(0.2)
            assert found.page_id is not None
            return found.page_id

    return list(await asyncio.gather(*map(opened, invoices)))


async def _captures(shop: Shop) -> list[dict[str, Any]]:
    return [entry for entry in await shop.ledger() if entry["kind"] == "capture"]


async def _everything_was_heard(shop: Shop) -> None:
    """Every event is settled, and none is a dead letter."""
    await shop.box.sandbox.bank.courier.settled()

    async def settled() -> bool:
        async with shop.house.session() as session:
            open_ones = select(func.count()).select_from(GatewayLog)
            return not await session.scalar(open_ones.where(GatewayLog.status != "done"))

    await until(settled, PATIENCE_SECONDS)


async def _lives_are(shop: Shop, wanted: int) -> bool:
    async with shop.house.session() as session:
        return await session.scalar(select(func.count()).select_from(LifeRow)) == wanted


async def _nothing_is_left(shop: Shop) -> None:
    """No life waits for anything any more, and nobody has to be woken."""

    async def none() -> bool:
        async with shop.house.session() as session:
            woken = await session.scalar(select(func.count()).select_from(Wake))
        return not woken and await _lives_are(shop, 0)

    await until(none, PATIENCE_SECONDS)
