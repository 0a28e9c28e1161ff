"""Told to stop, a worker finishes what runs, loses and doubles nothing, and is gone in time."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import select

from domain.message_delivery import DeliveryState
from models.invoice import Invoice, Reminder
from models.message import Delivery, Purpose
from models.messages import tell
from tests.conftest import TemporalServer
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt
from tests.support.house import ZONE, House, a_database, a_resident, a_tenant
from tests.support.namespace import own_namespace
from tests.support.part import Part, a_part, whole_settings
from tests.support.post import Post, a_post

SLOW_SECONDS = 2
QUICKLY = 20  # seconds: below the 25 it may take, whatever else the machine does
PATIENCE_SECONDS = 2
_WAITS = """
select count(*) from pg_stat_activity
 where wait_event_type = 'Lock' and datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A house whose worker is a process of its own, and the post office it writes to."""

    house: House
    post: Post
    urls: DatabaseUrls
    state: Path

    async def letters(self, amount: int) -> None:
        """So many receipts to send at once, by mail."""
        debt = await a_debt(self.house, datetime.now(UTC).date() + timedelta(days=20))
        async with self.house.session() as session:
            for days in range(amount):
                await tell(
                    session,
                    resident_id=debt.resident_id,
                    purpose=Purpose.INVOICE,
                    at=datetime.now(UTC) - timedelta(days=days),
                    timezone=ZONE,
                    about_id=debt.invoice_id,
                )

    async def deliveries(self) -> list[Delivery]:
        async with self.house.session() as session:
            return list(await session.scalars(select(Delivery)))

    async def mails(self) -> set[str]:
        """The ids of the mails that arrived; a doubled one fails here."""
        ids = [mail["headers"]["Message-ID"] for mail in await self.post.mails()]
        assert len(ids) == len(set(ids))
        return set(ids)

    @asynccontextmanager
    async def held_up(self, debt: Debt) -> AsyncGenerator[None]:
        """Somebody holds the resident's row: a step that writes to him takes as long as the block.

        A look does not ask for that row, so it is the step that waits.
        """
        connection = await asyncpg.connect(self.urls.superuser)
        try:
            async with connection.transaction():
                held = "select 1 from residents where id = $1 for update"
                await connection.execute(held, debt.resident_id)
                yield
        finally:
            await connection.close()

    async def a_late_debt(self) -> Debt:
        """An invoice with a reminder due long ago and a fee: its life has much to do at once."""
        resident = await a_resident(self.house)
        now = datetime.now(UTC)
        return await a_debt(
            self.house,
            now.date() - timedelta(days=1),
            resident_id=resident.id,
            issued=now - timedelta(days=11),
        )

    async def reminders(self) -> int:
        async with self.house.session() as session:
            return len((await session.scalars(select(Reminder))).all())

    async def blocked(self) -> None:
        """Until a step waits for that row."""
        connection = await asyncpg.connect(self.urls.superuser)
        try:
            async with asyncio.timeout(40):
                while not await connection.fetchval(_WAITS):
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()


@pytest.fixture
async def scene(
    tmp_path: Path, database_urls: DatabaseUrls, temporal_server: TemporalServer
) -> AsyncGenerator[Scene]:
    namespace = await own_namespace(temporal_server)
    async with a_database(database_urls) as database, a_post(timeout_seconds=10) as post:
        sandbox = urlsplit(str(post.client.base_url))
        state = whole_settings(
            tmp_path,
            database_urls,
            temporal_address=temporal_server.address,
            temporal_namespace=namespace,
            smtp_port=str(post.smtp_port),
            twilio_base_url=f"http://{sandbox.netloc}/twilio",
        )
        yield Scene(await a_tenant(database), post, database_urls, state)


@asynccontextmanager
async def a_worker(scene: Scene, patience_seconds: float = 25) -> AsyncGenerator[Part]:
    with (scene.state / "settings.env").open("a") as settings:
        settings.write(f"INNKEEPER_DRAIN_SECONDS='{patience_seconds}'\n")
    async with a_part(scene.state, "worker") as part:
        await part.says("worker serves")
        yield part


async def test_letters_under_way_are_finished_and_the_others_left_to_the_next_worker(
    scene: Scene,
) -> None:
    await scene.post.order("smtp", "success", operation="send", delay=SLOW_SECONDS, times=10)
    await scene.letters(30)
    async with a_worker(scene) as worker:
        await until_begun(scene)
        worker.tell()
        code, seconds = await worker.ended()
    assert code == 0, worker.log.read_text()[-2_000:]
    assert seconds < QUICKLY  # ten letters share a few connections
    tried = [d for d in await scene.deliveries() if d.state != DeliveryState.pending]
    assert 0 < len(tried) < 30
    assert {d.state for d in tried} == {DeliveryState.sent}
    assert len(await scene.mails()) == len(tried)
    async with a_worker(scene) as worker:  # at once, not when a lease has run out
        async with asyncio.timeout(45):
            while len(await scene.mails()) < 30:
                await asyncio.sleep(0.1)
        worker.tell()
        assert (await worker.ended())[0] == 0
    assert {d.state for d in await scene.deliveries()} == {DeliveryState.sent}


async def test_a_long_step_is_finished_once_before_the_worker_ends(scene: Scene) -> None:
    debt = await scene.a_late_debt()
    async with a_worker(scene) as worker:
        async with scene.held_up(debt):
            await scene.blocked()
            worker.tell()
            await worker.says("told to stop")
            await asyncio.sleep(1)
            assert worker.process.returncode is None
        code, seconds = await worker.ended()
    assert code == 0, worker.log.read_text()[-2_000:]
    assert seconds < QUICKLY
    assert await scene.reminders() == 1


async def test_a_step_that_takes_longer_than_the_patience_is_cut_off_and_taken_again(
    scene: Scene,
) -> None:
    debt = await scene.a_late_debt()
    async with a_worker(scene, PATIENCE_SECONDS) as worker, scene.held_up(debt):
        await scene.blocked()
        worker.tell()
        code, seconds = await worker.ended()
    assert code == 0, worker.log.read_text()[-2_000:]
    assert PATIENCE_SECONDS - 0.5 <= seconds < PATIENCE_SECONDS + 3
    assert await scene.reminders() == 0
    async with a_worker(scene):
        async with asyncio.timeout(60):
            while not await scene.reminders():
                await asyncio.sleep(0.1)
    async with scene.house.session() as session:
        invoices = (await session.scalars(select(Invoice))).all()
    assert [invoice.id for invoice in invoices] == [debt.invoice_id]
    assert await scene.reminders() == 1


async def test_who_is_told_twice_ends_at_once(scene: Scene) -> None:
    debt = await scene.a_late_debt()
    async with a_worker(scene) as worker, scene.held_up(debt):
        await scene.blocked()
        worker.tell()
        await worker.says("told to stop")
        worker.tell(signal.SIGINT)
        code, seconds = await worker.ended()
    assert code == 1
    assert seconds < QUICKLY
    assert "ended by force" in worker.log.read_text()


async def test_a_worker_without_temporal_stops_as_soon_as_it_is_told(scene: Scene) -> None:
    with (scene.state / "settings.env").open("a") as settings:
        settings.write("INNKEEPER_TEMPORAL_ADDRESS='127.0.0.1:1'\n")
    async with a_part(scene.state, "worker") as worker:
        await worker.says("Temporal does not answer")
        worker.tell()
        code, seconds = await worker.ended()
    assert code == 0
    assert seconds < QUICKLY


async def until_begun(scene: Scene) -> None:
    """Until some letters are at the carrier and some still wait in the relay's hands."""
    async with asyncio.timeout(40):
        while True:
            states = [delivery.state for delivery in await scene.deliveries()]
            if DeliveryState.processing in states:
                return
            await asyncio.sleep(0.05)
