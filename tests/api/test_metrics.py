"""`/metrics`: true to the rows, without a tenant in it, and not for the public."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.app import build
from api.parts import Links, Parts
from domain.payment_account import Provider
from models.database import Database
from models.gateway_log import Told, keep
from models.life import SubjectKind
from models.measure import SLOW
from models.plan import wake
from models.reading import latest
from runtime.clock import SetClock
from runtime.metrics import Counted, Metrics
from tests.support.attempt import an_account
from tests.support.debt import a_debt
from tests.support.events import (
    Keeping,
    all_sequenced,
    caught_up,
    happens,
    letters_fall_due,
    positions,
)
from tests.support.house import House, a_tenant
from tests.support.outgoing import letter
from tests.support.recording import Recording
from tests.support.web import NOON, a_vault
from workers.port import WatchPort
from workers.slow_figures import SlowFigures

Read = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(page: str) -> Read:
    """Every sample by its name and labels; a page Prometheus could not read fails here."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def labelled(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def a_watcher(database: Database, token: str = "", peer: str = "127.0.0.1") -> httpx2.AsyncClient:
    app = build(Parts(database, a_vault(), SetClock(NOON), Links(), token))
    transport = httpx2.ASGITransport(app, client=(peer, 40_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://innkeeper.test")


async def test_requests_are_counted_by_the_template_of_their_route(house: House) -> None:
    key = {"Authorization": f"Bearer {house.api_key}"}
    async with a_watcher(house.database) as watcher:
        for resident_id in (house.tenant_id, house.owner_id):
            await watcher.get(f"/api/v1/residents/{resident_id}", headers=key)
        await watcher.get("/wp-admin/asha-rao.php")
        await watcher.request("BREW", "/coffee")
        page = (await watcher.get("/metrics")).text
    told = read(page)
    route = "/residents/{resident_id}"
    assert told[labelled("innkeeper_requests_total", method="GET", route=route, status="404")] == 2
    assert told[labelled("innkeeper_request_seconds_count", method="GET", route=route)] == 2
    for never in ("wp-admin", "coffee", "BREW", str(house.tenant_id), house.slug):
        assert never not in page


async def test_the_houses_figures_are_those_of_its_rows(database: Database) -> None:
    houses = [await a_tenant(database) for _ in range(2)]
    for house in houses:
        await a_debt(house, date(2026, 11, 5))
    async with houses[0].session() as session:
        await wake(session, SubjectKind.INVOICE, houses[0].owner_id, "invoice/x")
    async with a_watcher(database) as watcher:
        told = read((await watcher.get("/metrics")).text)
    assert told[labelled("innkeeper_house_readable")] == 1
    assert told[labelled("innkeeper_wakes_waiting")] == 3
    assert 0 < told[labelled("innkeeper_wakes_oldest_seconds")] < 60
    assert told[labelled("innkeeper_invoices_issued_total")] == 2
    assert told[labelled("innkeeper_tasks_open")] == 0
    assert told[labelled("innkeeper_deliveries_due")] == 0


async def test_how_far_events_came_is_told(house: House) -> None:
    """Without a position, with one and not read, read, and not to be read."""
    database, keeping = house.database, Keeping()
    keeping.poisoned = {await happens(house)}
    told = await _told(database)
    assert told[labelled("innkeeper_events_unsequenced")] > 0
    assert 0 < told[labelled("innkeeper_events_unsequenced_oldest_seconds")] < 60
    await all_sequenced(database)
    told = await _told(database)
    assert told[labelled("innkeeper_events_unsequenced")] == 0
    amount = len(await positions(database))
    assert told[labelled("innkeeper_event_consumer_lag", consumer="payment_days")] == amount
    for retries, dead in ((1, 0), (1, 0), (1, 0), (0, 1)):
        await caught_up(database, keeping)
        told = await _told(database)
        assert told[labelled("innkeeper_event_consumer_lag", consumer="keeping")] == 0
        assert told[labelled("innkeeper_event_retries", consumer="keeping")] == retries
        assert told[labelled("innkeeper_event_dead_letters", consumer="keeping")] == dead
        await letters_fall_due(database)
    assert told[labelled("innkeeper_event_dead_letters", consumer="payment_days")] == 0


async def test_what_providers_told_and_is_not_settled_is_told(house: House) -> None:
    account = await an_account(house, a_vault(), Provider.stripe)
    async with house.session() as session:
        for number in range(3):
            event = Told(Provider.stripe, account.id, f"evt_{number}", "odd", b"{}", NOON)
            await keep(session, event)
        failed = "update gateway_logs set status = 'failed' where event_id = 'evt_0'"
        await session.execute(text(failed))
    told = await _told(house.database)
    assert told[labelled("innkeeper_provider_events_waiting")] == 2
    assert 0 <= told[labelled("innkeeper_provider_events_oldest_seconds")] < 60
    assert told[labelled("innkeeper_provider_events_dead")] == 1


async def _told(database: Database) -> Read:
    async with a_watcher(database) as watcher:
        return read((await watcher.get("/metrics")).text)


async def test_breaches_are_counted_by_one_worker_now_and_then_and_told_by_all(
    house: House,
) -> None:
    await a_debt(house, date(2026, 11, 5))
    slow = SlowFigures(house.database, timedelta(minutes=15))
    await slow.turn()
    async with house.database.platform("test") as session:
        first = await latest(session, SLOW)
        assert first is not None
    assert set(first.figures["invariants"].values()) == {0}
    await asyncio.gather(*(slow.turn() for _ in range(3)))  # not before a quarter of an hour
    async with house.database.platform("test") as session:
        again = await latest(session, SLOW)
        assert again is not None
        assert again.taken_at == first.taken_at
    async with a_watcher(house.database) as watcher:
        told = read((await watcher.get("/metrics")).text)
    name = "every entry balances per currency"
    assert told[labelled("innkeeper_invariant_breaches", invariant=name)] == 0
    assert told[labelled("innkeeper_slow_figures_age_seconds")] >= 0


async def test_a_house_without_its_database_still_says_so(house: House) -> None:
    away = Database("postgresql://inn_app:x@127.0.0.1:1/x", "postgresql://p:x@127.0.0.1:1/x")
    async with a_watcher(away) as watcher:
        answer = await watcher.get("/metrics")
    assert answer.status_code == 200
    assert read(answer.text)[labelled("innkeeper_house_readable")] == 0
    await away.close()


@pytest.mark.parametrize(
    ("peer", "header", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.0.0.7", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.7"}, 404),
    ],
)
async def test_without_a_token_only_this_machine_may_read(
    database: Database, peer: str, header: dict[str, str], status: int
) -> None:
    async with a_watcher(database, peer=peer) as watcher:
        assert (await watcher.get("/metrics", headers=header)).status_code == status


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer a-token", 200), ("Bearer another", 404), ("a-token", 404), ("", 404)],
)
async def test_with_a_token_whoever_has_it_may_read_from_anywhere(
    database: Database, given: str, status: int
) -> None:
    async with a_watcher(database, token="a-token", peer="10.0.0.7") as watcher:
        headers = {"Authorization": given} if given else {}
        assert (await watcher.get("/metrics", headers=headers)).status_code == status


async def test_calls_to_carriers_are_counted_by_what_came_of_them(database: Database) -> None:
    metrics = Metrics(database, SetClock(NOON))
    carrier = Recording(SetClock(datetime.now(UTC)))
    carrier.away_at_first = True
    counted = Counted(carrier, metrics)
    with pytest.raises(Exception, match="away"):
        await counted.send(letter())
    await counted.send(letter())
    await counted.look_up(letter(2), NOON)
    told = read((await metrics.text()).decode())
    name = "innkeeper_carrier_calls_total"
    for operation, outcome in (
        ("send", "unavailable"),
        ("send", "delivered"),
        ("look_up", "not found"),
    ):
        asked = labelled(name, channel="email", operation=operation, outcome=outcome)
        assert told[asked] == 1


async def test_a_worker_tells_the_same_at_a_port_of_its_own(
    database: Database, unused_tcp_port: int
) -> None:
    leaving = asyncio.Event()
    port = WatchPort(Metrics(database, SetClock(NOON)), leaving, "a-token")
    async with (
        port.open("127.0.0.1", unused_tcp_port),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as watcher,
    ):
        key = {"Authorization": "Bearer a-token"}
        told = read((await watcher.get("/metrics", headers=key)).text)
        assert told[labelled("innkeeper_house_readable")] == 1
        assert (await watcher.get("/metrics")).status_code == 404
        assert (await watcher.post("/metrics")).status_code == 405
        assert (await watcher.get("/health/ready")).json() == {"status": "ok"}
        leaving.set()
        assert (await watcher.get("/health/ready")).status_code == 503
        assert (await watcher.get("/health/live")).status_code == 200
