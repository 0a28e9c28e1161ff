"""`innkeeper events`: who follows the events, and one of them made anew."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import text

from models.database import Database
from models.payment_day import PaymentDays
from tests.support.books import DUE
from tests.support.command import command, settings_in
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt, pay, ten
from tests.support.events import caught_up
from tests.support.house import House


@pytest.fixture
def state(tmp_path: Path, database_urls: DatabaseUrls) -> Path:
    """A state folder whose settings name the test's database."""
    settings_in(tmp_path, database_urls, blind_index_key=base64.b64encode(b"k" * 32).decode())
    return tmp_path


async def test_a_view_that_is_wrong_is_made_anew(
    database: Database, house: House, state: Path
) -> None:
    await pay(await a_debt(house, DUE), ten(DUE))
    await caught_up(database, PaymentDays())
    right = text("select sum(received_minor) from payment_days")
    async with house.session() as session:
        before = await session.scalar(right)
        await session.execute(text("update payment_days set received_minor = 1"))
    told = await command("events", "rebuild", "payment_days", "--state", str(state))
    assert told.code == 0, told.out
    assert told.out.startswith("payment_days is made anew from ")
    async with house.session() as session:
        assert await session.scalar(right) == before
    told = await command("events", "consumers", "--state", str(state))
    assert told.out == "payment_days: 0 behind, 0 tried again, 0 dead letters\n"


async def test_nobody_of_that_name_is_made_anew(state: Path) -> None:
    told = await command("events", "rebuild", "nobody", "--state", str(state))
    assert told.code == 2
    assert "payment_days" in told.out + told.err
