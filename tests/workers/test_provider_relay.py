"""Events of providers, settled a batch at a time: the rows do not tell in what order they came."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.database import Database
from models.gateway_log import GatewayLog, Told, keep
from models.invoice import Invoice
from models.message import Message
from models.payment import Allocation, Payment
from models.payment_account import PaymentAccount
from models.payment_attempt import PaymentAttempt
from models.record import DomainEvent, Task
from runtime.clock import SetClock
from tests.support.attempt import an_account, an_attempt, opened
from tests.support.attempt_story import DUE, Story, a_story
from tests.support.books import breaches, rows
from tests.support.crash_points import Fate
from tests.support.debt import Debt, a_debt
from tests.support.house import House, a_tenant
from tests.support.soak import soaked
from tests.support.story import a_ground
from tests.support.underway import START
from tests.support.web import a_vault
from workers.provider_relay import ProviderRelay

BYS = (PayBy.link, PayBy.checkout, PayBy.link, PayBy.checkout, PayBy.link)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes over the wire."""

    name: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Sayings:
    """All that a provider says of one payment, and whose it was when it was said."""

    attempt_id: str
    page_id: str
    payment_id: str
    events: Sequence[Event]

    def of(self, attempt: PaymentAttempt, number: int) -> list[Event]:
        """The same said of another attempt's payment."""
        assert attempt.page_id is not None
        names = {
            self.attempt_id: str(attempt.id),
            self.page_id: attempt.page_id,
            self.payment_id: f"{self.payment_id[:-2]}{number:02d}",
        }
        events: list[Event] = []
        for one in self.events:
            name, body = f"{one.name}_{number}", one.body.replace(one.name, f"{one.name}_{number}")
            for was, now in names.items():
                body = body.replace(was, now)
            events.append(Event(name, one.kind, body))
        return events


@pytest.fixture
async def said(database: Database) -> dict[PayBy, Sayings]:
    """What the sandbox's providers say of a payment by link, and of one by Checkout."""
    said: dict[PayBy, Sayings] = {}
    async with a_ground(database) as ground:
        for by in (PayBy.link, PayBy.checkout):
            story = await a_story(ground, Fate(), by)
            await story.lives(minutes=5)
            await story.pays()
            said[by] = await _heard(story)
    return said


async def _heard(story: Story) -> Sayings:
    answer = await story.ground.client.get("/control/ledger")
    (capture,) = [one for one in answer.json()["items"] if one["kind"] == "capture"]
    found = story.ground.box.sandbox.bank.state.rows(
        "SELECT event, type, body FROM webhook_deliveries ORDER BY seq"
    )
    events = [Event(one["event"], one["type"], one["body"]) for one in found]
    async with story.house.session() as session:
        attempt = (await session.scalars(select(PaymentAttempt))).one()
    assert attempt.page_id is not None
    return Sayings(str(attempt.id), attempt.page_id, capture["payment"], events)


@dataclass(frozen=True, slots=True)
class Shop:
    """Five residents, of whom two are one, with an open page each."""

    house: House
    accounts: dict[PayBy, PaymentAccount]
    debts: Sequence[Debt]
    attempts: Sequence[PaymentAttempt]

    async def hears(self, events: Sequence[Event]) -> None:
        """These are kept, in one batch, and settled."""
        async with self.house.session() as session:
            for event in events:
                is_stripe = event.name.startswith("evt_")
                by = PayBy.checkout if is_stripe else PayBy.link
                account = self.accounts[by]
                told = Told(
                    Provider(account.provider),
                    account.id,
                    event.name,
                    event.kind,
                    event.body.encode(),
                    START,
                )
                await keep(session, told)
        relay = ProviderRelay(self.house.database, SetClock(START))
        while await relay.turn():
            pass

    async def again(self) -> None:
        """A dead relay left everything to another one, though it was settled."""
        async with self.house.session() as session:
            await session.execute(update(GatewayLog).values(status="received", tries=0))
        await self.hears([])


async def a_shop(database: Database) -> Shop:
    house = await a_tenant(database)
    accounts = {
        PayBy.link: await an_account(house, a_vault(), Provider.razorpay),
        PayBy.checkout: await an_account(house, a_vault(), Provider.stripe),
    }
    debts = [await a_debt(house, DUE) for _ in range(4)]
    debts.append(await a_debt(house, DUE, resident_id=debts[0].resident_id))
    attempts = [
        await opened(house, await an_attempt(debt, by, START), START)
        for debt, by in zip(debts, BYS, strict=True)
    ]
    return Shop(house, accounts, debts, attempts)


async def _left(shop: Shop) -> dict[str, Any]:
    """What the rows say in the end, without the ids and the numbers that the order gives out."""
    payments = await rows(shop.house, Payment)
    allocations = await rows(shop.house, Allocation)
    by_id = {one.id: one.provider_payment_id for one in payments}
    debts = [debt.invoice_id for debt in shop.debts]
    return {
        "payments": sorted(
            (
                *(str(p.provider_payment_id), p.amount_minor, p.unallocated_minor, p.method),
                *(p.paid_on, str(p.reference), [a.id for a in shop.attempts].index(p.attempt_id)),
            )
            for p in payments
            if p.attempt_id is not None
        ),
        "allocations": sorted(
            (str(by_id[a.payment_id]), debts.index(a.invoice_id), a.amount_minor)
            for a in allocations
            if a.payment_id is not None
        ),
        "numbers": sorted(one.payment_number for one in payments),
        "invoices": [(await debt.row()).status for debt in shop.debts],
        "attempts": sorted((one.by, one.status) for one in await rows(shop.house, PaymentAttempt)),
        "messages": Counter(one.purpose for one in await rows(shop.house, Message)),
        "booked": Counter(
            one.type
            for one in await rows(shop.house, DomainEvent)
            if one.type.startswith(("payment.", "invoice."))
        ),
        "tasks": len(await rows(shop.house, Task)),
        "open": [one.balance_minor for one in await rows(shop.house, Invoice) if one.balance_minor],
    }


@settings(settings.get_profile("house"), max_examples=soaked(100, tenth=4))
@given(data=st.data())
async def test_however_the_events_of_five_payments_come_the_rows_end_the_same(
    database: Database, said: dict[PayBy, Sayings], data: st.DataObject
) -> None:
    """In any order, some twice, in batches of any size, and settled anew: as told one by one."""
    plain = await a_shop(database)
    for event in _events(plain, said):
        await plain.hears([event])
    shop = await a_shop(database)
    events = _events(shop, said)
    twice = data.draw(st.lists(st.sampled_from(range(len(events))), max_size=8))
    order = data.draw(st.permutations([*range(len(events)), *twice]))
    while order:
        size = data.draw(st.integers(1, len(order)))
        batch, order = order[:size], order[size:]
        await shop.hears([events[number] for number in batch])
    expected = await _left(plain)
    assert len(expected["payments"]) == len(BYS)
    assert expected["invoices"] == ["paid"] * len(BYS)
    assert await _left(shop) == expected
    await shop.again()
    assert await _left(shop) == expected
    logs = await rows(shop.house, GatewayLog)
    assert {one.status for one in logs} == {"done"}
    assert await breaches(shop.house.database) == {}


def _events(shop: Shop, said: dict[PayBy, Sayings]) -> list[Event]:
    return [
        event
        for number, (attempt, by) in enumerate(zip(shop.attempts, BYS, strict=True))
        for event in said[by].of(attempt, number)
    ]


async def test_what_cannot_be_settled_keeps_nothing_else_back(
    database: Database, said: dict[PayBy, Sayings]
) -> None:
    """One event that the database refuses, one that nobody can read: the others are booked."""
    shop = await a_shop(database)
    events = _events(shop, said)
    captured = next(one for one in events if one.kind == "payment.captured")
    body = json.loads(captured.body)
    entity = body["payload"]["payment"]["entity"]
    entity["id"], entity["amount"] = "pay_Impossible0001", 10**30
    broken = [
        Event("x1", "payment.captured", json.dumps(body)),
        Event("x2", "payment.captured", "nonsense"),
    ]
    await shop.hears([*broken, *events])
    logs = {one.event_id: one for one in await rows(shop.house, GatewayLog)}
    put_off = [logs[one.name] for one in broken]
    assert [(one.status, one.tries, bool(one.problem)) for one in put_off] == [
        ("received", 1, True)
    ] * 2
    assert {logs[one.name].status for one in events} == {"done"}
    assert len(await rows(shop.house, Payment)) == len(BYS)
