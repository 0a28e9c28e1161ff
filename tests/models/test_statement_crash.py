"""An import that dies anywhere loses nothing; the same file again completes it, nothing twice."""

import signal

import pytest

from cli.import_statement import Asked
from models.database import Database
from models.payment import Payment
from models.record import DomainEvent
from tests.support.agreements import counted
from tests.support.books import DUE, LATER, balances, breaches
from tests.support.chunk_child import ended
from tests.support.database import DatabaseUrls
from tests.support.debt import RENT_MINOR, a_debt
from tests.support.house import House, a_resident, a_tenant
from tests.support.soak import SOAK
from tests.support.statement import a_statement, brought_in, lines_of, tasks_of
from tests.support.statement_child import StatementRun
from tests.support.wire import Wire, a_wire

# In a soak every third statement; else some of them, and always the last.
BEFORE, AFTER = 4, 2


async def a_file(database: Database) -> tuple[House, str]:
    """Two residents, a line for each, and one that is nobody's."""
    house = await a_tenant(database)
    numbers: list[str] = []
    for name in ("Asha", "Binod"):
        resident = await a_resident(house, name, "Rao")
        debt = await a_debt(house, DUE, resident_id=resident.id)
        numbers.append(str((await debt.row()).invoice_number))
    rows = [f"05/10/2026,10000,UTR{n},NEFT {number}" for n, number in enumerate(numbers)]
    return house, a_statement(*rows, "06/10/2026,350,,CASH DEPOSIT")


async def imported(
    urls: DatabaseUrls, house: House, text: str, wire: Wire | None = None
) -> int | None:
    """The import in a fresh process, over the wire if there is one; its exit code."""
    app_url = urls.app if wire is None else wire.through(urls.app)
    asked = Asked(text, "october.csv", house.slug)
    process = StatementRun(app_url, urls.platform, asked, LATER).start()
    if wire is not None:
        wire.victim = process.pid
    return await ended(process)


async def everything_is_there_once(house: House) -> None:
    """Three lines, two payments, one task, and books that balance."""
    assert [line.state for line in await lines_of(house)] == ["booked", "booked", "open"]
    assert await counted(house, Payment) == 2
    assert len(await tasks_of(house)) == 1
    assert (await balances(house))["bank"] == 2 * RENT_MINOR
    assert await counted(house, DomainEvent) > 0
    assert await breaches(house.database) == {}


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
async def test_killed_at_any_statement_the_import_is_simply_run_again(
    database_urls: DatabaseUrls, database: Database, *, answered: bool
) -> None:
    """SIGKILL before each statement in turn, or after it was carried out; then the file again."""
    house, text = await a_file(database)
    async with a_wire(database_urls.app) as wire:
        assert await imported(database_urls, house, text, wire) == 0
        total = wire.count
    await everything_is_there_once(house)
    every = 3 if SOAK else total // (AFTER if answered else BEFORE)
    for fatal in sorted({*range(1 + int(answered), total + 1, every), total}):
        house, text = await a_file(database)
        async with a_wire(database_urls.app) as wire:
            wire.fatal, wire.answered = fatal, answered
            assert await imported(database_urls, house, text, wire) == -signal.SIGKILL, fatal
        await brought_in(house, text)
        await everything_is_there_once(house)
