"""A process that dies anywhere in the chunk step leaves nothing half done, and nothing twice."""

import signal
from enum import StrEnum

import asyncpg
import pytest
from sqlalchemy import select, update

from domain.lives import Subject
from models.database import Database
from models.invoice import Invoice
from models.life import Wake
from models.record import BillingRefusal, DomainEvent
from models.resident import Agreement
from tests.support.agreements import FIRST, OCTOBER, asked, counted, gaps, many_agreements
from tests.support.books import booked, breaches, money
from tests.support.chunk_child import ChunkStep, ended
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_tenant
from tests.support.soak import SOAK
from tests.support.wire import Wire, a_wire

AGREEMENTS = 12
# In a soak every statement; else some six of them, and always the last: the commit.
POINTS = 6


class Bad(StrEnum):
    """What is wrong with one of the agreements."""

    NOTHING = "nothing"
    A_RULE_REFUSES_IT = "a rule refuses it"
    THE_DATABASE_REFUSES_IT = "the database refuses it"


_SPOILED = {
    Bad.A_RULE_REFUSES_IT: {"currency": "XXX"},
    Bad.THE_DATABASE_REFUSES_IT: {"food_minor": 7},
}
_NO_SEVEN = "alter table invoice_lines add constraint ck_no_seven check (amount_minor <> 7)"


async def a_month_to_bill(database: Database, bad: Bad = Bad.NOTHING) -> tuple[House, Subject]:
    """Twelve agreements; one has an advance, and one may be what is refused."""
    house = await a_tenant(database)
    roster = await many_agreements(house, AGREEMENTS)
    await booked(house, money(roster.resident_ids[3], 1_000_00, FIRST.date()), FIRST)
    if bad in _SPOILED:
        async with house.session() as session:
            spoil = update(Agreement).where(Agreement.id == roster.agreement_ids[5])
            await session.execute(spoil.values(_SPOILED[bad]))
    return house, await asked(house, OCTOBER)


async def taken(urls: DatabaseUrls, subject: Subject, wire: Wire | None = None) -> int | None:
    """The step in a fresh process, over the wire if there is one; its exit code."""
    app_url = urls.app if wire is None else wire.through(urls.app)
    process = ChunkStep(app_url, urls.platform, subject, FIRST, AGREEMENTS).start()
    if wire is not None:
        wire.victim = process.pid
    return await ended(process)


async def everything_is_there_once(house: House, refused: int = 0) -> None:
    """Each invoice with its event and wake-up, numbers without a gap, books that balance."""
    expected = AGREEMENTS - refused
    async with house.session() as session:
        bills = (await session.scalars(select(Invoice))).all()
        told = await session.scalars(
            select(DomainEvent.subject_id).where(DomainEvent.type == "invoice.issued")
        )
        woken = await session.scalars(select(Wake.subject_id).where(Wake.subject_kind == "invoice"))
        ids = sorted(bill.id for bill in bills)
        assert (sorted(told), sorted(woken)) == (ids, ids)
    assert len({bill.agreement_id for bill in bills}) == len(bills) == expected
    assert await counted(house, BillingRefusal) == refused
    assert await gaps(house) == []
    assert await breaches(house.database) == {}


async def statements_of(urls: DatabaseUrls, database: Database, bad: Bad) -> int:
    """How many statements the step sends when nothing happens to it."""
    _, subject = await a_month_to_bill(database, bad)
    async with a_wire(urls.app) as wire:
        assert await taken(urls, subject, wire) == 0
        return wire.count


@pytest.mark.parametrize("bad", Bad)
async def test_killed_before_any_statement_the_step_is_simply_taken_again(
    database_urls: DatabaseUrls, database: Database, bad: Bad
) -> None:
    """SIGKILL before each statement in turn, then a fresh process."""
    owner = await asyncpg.connect(database_urls.owner)
    await owner.execute(_NO_SEVEN)
    await owner.close()
    total = await statements_of(database_urls, database, bad)
    assert total > 20
    every = 1 if SOAK else total // POINTS
    for fatal in sorted({*range(1, total + 1, every), total}):
        house, subject = await a_month_to_bill(database, bad)
        async with a_wire(database_urls.app) as wire:
            wire.fatal = fatal
            assert await taken(database_urls, subject, wire) == -signal.SIGKILL, fatal
        if bad is not Bad.THE_DATABASE_REFUSES_IT:  # halves are transactions of their own
            assert await counted(house, Invoice) == 0, fatal
        assert await taken(database_urls, subject) == 0
        await everything_is_there_once(house, refused=int(bad is not Bad.NOTHING))


async def test_killed_before_it_heard_of_its_commit_the_step_finds_all_done(
    database_urls: DatabaseUrls, database: Database
) -> None:
    """The transaction stands; the process that sent it never knew."""
    total = await statements_of(database_urls, database, Bad.NOTHING)
    house, subject = await a_month_to_bill(database)
    async with a_wire(database_urls.app) as wire:
        wire.fatal, wire.answered = total, True
        assert await taken(database_urls, subject, wire) == -signal.SIGKILL
    assert await counted(house, Invoice) == AGREEMENTS
    assert await taken(database_urls, subject) == 0
    await everything_is_there_once(house)
