"""A bank statement in the rows: what is certain is booked once, the rest is asked, nothing lost."""

import asyncio
import time
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.database import Database
from models.message import Message, Purpose
from models.money_in import receive
from models.payment import Payment, PaymentMethod
from models.record import AuditRow, DomainEvent
from models.statement import LineState
from tests.support.books import DUE, LATER, balances, booked, breaches, money, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.house import House, a_property, a_resident, a_tenant
from tests.support.statement import a_statement, brought_in, lines_of, tasks_of

UTR = "HDFCN52026100512"


async def a_named_debt(
    house: House, first_name: str, last_name: str, rent_minor: int = RENT_MINOR
) -> Debt:
    """A resident of that name who owes a month."""
    resident = await a_resident(house, first_name, last_name)
    return await a_debt(house, DUE, resident_id=resident.id, rent_minor=rent_minor)


async def number(debt: Debt) -> str:
    """The number of the debt's invoice."""
    return str((await debt.row()).invoice_number)


async def everything(database: Database) -> tuple[int, ...]:
    """How many rows the tables have that an import writes."""
    async with database.platform("count") as session:
        counted = await session.execute(
            text(
                "select (select count(*) from statement_lines), (select count(*) from payments),"
                " (select count(*) from tasks), (select count(*) from postings),"
                " (select count(*) from audit_log), (select count(*) from messages),"
                " (select count(*) from domain_events)"
            )
        )
        return tuple(counted.one())


async def test_what_names_its_invoice_and_pays_it_whole_is_booked_as_the_bank_dated_it(
    house: House,
) -> None:
    """The invoice is paid, the payment carries UTR and value date, a receipt goes out."""
    debt = await a_named_debt(house, "Asha", "Rao")
    row = f'04/10/2026,"10,000.00",{UTR},NEFT CR {await number(debt)} ASHA RAO'
    told = await brought_in(house, a_statement(row))
    assert told.exit_code == 0
    assert told.outcome.booked() == {"exact": (1, RENT_MINOR)}
    payment = (await rows(house, Payment))[0]
    assert (payment.paid_on, payment.reference) == (date(2026, 10, 4), UTR)
    assert (payment.method, payment.amount_minor) == (PaymentMethod.BANK_TRANSFER, RENT_MINOR)
    assert (await debt.row()).status == "paid"
    line = (await lines_of(house))[0]
    assert (line.state, line.rule, line.payment_id) == (LineState.BOOKED, "exact", payment.id)
    receipts = [m for m in await rows(house, Message) if m.purpose == Purpose.RECEIPT]
    assert [m.about_id for m in receipts] == [payment.id]
    audited = [row for row in await rows(house, AuditRow) if row.table_name == "statement_lines"]
    assert [row.actor for row in audited] == ["platform:import statement"]
    assert await breaches(house.database) == {}


async def a_month(house: House) -> str:
    """Seven lines: exact, part, more, by amount, two that look alike, nobody's, and a debit."""
    asha = await a_named_debt(house, "Asha", "Rao")
    binod = await a_named_debt(house, "Binod", "Kumar")
    chitra = await a_named_debt(house, "Chitra", "Iyer")
    await a_named_debt(house, "Dev", "Nair", 7_777_00)
    return a_statement(
        f"05/10/2026,10000,{UTR}1,NEFT {await number(asha)}",
        f"05/10/2026,4000,{UTR}2,UPI/{await number(binod)}/binod@ybl",
        f"05/10/2026,12000,{UTR}3,NEFT {await number(chitra)}",
        "06/10/2026,7777,,CASH DEPOSIT",
        "06/10/2026,350,,CASH DEPOSIT",
        "06/10/2026,350,,CASH DEPOSIT",
        "07/10/2026,-99.50,,BANK CHARGES",
    )


async def test_every_rule_books_what_it_should_and_the_rest_is_asked(house: House) -> None:
    """Parts stay open, more is an advance, the bank holds exactly what was booked."""
    told = await brought_in(house, await a_month(house))
    assert told.outcome.booked() == {
        "exact": (1, RENT_MINOR),
        "reference": (2, 16_000_00),
        "amount": (1, 7_777_00),
    }
    assert (told.statement.debits, told.statement.debits_minor) == (1, 99_50)
    assert [entry.credit.minor for entry in told.outcome.asked()] == [350_00, 350_00]
    book = await balances(house)
    assert (book["bank"], book["advances"]) == (33_777_00, -2_000_00)
    tasks = await tasks_of(house)
    assert [task.what for task in tasks] == ["match", "match"]
    assert "CASH DEPOSIT" in tasks[0].detail
    events = [e.type for e in await rows(house, DomainEvent) if "statement_line" in e.type]
    assert sorted(events) == ["statement_line.booked"] * 4 + ["statement_line.open"] * 2
    methods = {p.reference: p.method for p in await rows(house, Payment)}
    assert methods[f"{UTR}2"] == PaymentMethod.UPI
    assert await breaches(house.database) == {}


async def test_the_same_file_again_changes_nothing(database: Database, house: House) -> None:
    """Not one row; under another file name neither."""
    statement = await a_month(house)
    await brought_in(house, statement)
    before = await everything(database)
    again = await brought_in(house, statement)
    assert (again.outcome.known, again.outcome.entries, again.exit_code) == (6, [], 0)
    assert await everything(database) == before


async def test_a_later_statement_that_overlaps_adds_only_what_is_new(house: House) -> None:
    """A third equal line is a third; a UTR is known whatever the bank writes around it."""
    await brought_in(house, await a_month(house))
    told = await brought_in(
        house,
        a_statement(
            "06/10/2026,350,,CASH DEPOSIT",
            "06/10/2026,350,,cash  deposit",
            "06/10/2026,350,,CASH DEPOSIT",
            f"06/10/2026,10000,{UTR}1,other words",
            "08/10/2026,6000,,Binod Kumar",
        ),
    )
    assert told.outcome.known == 3
    assert [(e.credit.line, e.credit.minor) for e in told.outcome.asked()] == [(4, 350_00)]
    assert told.outcome.booked() == {"amount": (1, 6_000_00)}
    assert await breaches(house.database) == {}


async def test_a_dry_run_says_what_the_import_then_does_and_writes_nothing(
    database: Database, house: House
) -> None:
    statement = await a_month(house)
    before = await everything(database)
    dry = await brought_in(house, statement, dry=True)
    assert await everything(database) == before
    real = await brought_in(house, statement)
    told = {e.credit.line: e.verdict for e in dry.outcome.entries}
    assert told == {e.credit.line: e.verdict for e in real.outcome.entries}


async def test_money_booked_by_hand_is_linked_and_not_booked_again(house: House) -> None:
    """By its UTR, however it was typed; a bounced one does not count."""
    debt = await a_named_debt(house, "Asha", "Rao")
    payment = await booked(
        house, money(debt.resident_id, RENT_MINOR, reference=" hdfc-n520261005 12")
    )
    told = await brought_in(house, a_statement(f"05/10/2026,10000,{UTR},{await number(debt)}"))
    assert (len(told.outcome.there()), told.outcome.booked()) == (1, {})
    line = (await lines_of(house))[0]
    assert (line.state, line.payment_id) == (LineState.KNOWN, payment.id)
    assert len(await rows(house, Payment)) == 1
    assert await tasks_of(house) == []


async def test_a_payers_address_is_known_again_the_next_month(house: House) -> None:
    """Named by number once; then the address alone tells Asha from Chitra."""
    asha = await a_named_debt(house, "Asha", "Rao")
    await a_named_debt(house, "Chitra", "Iyer", 6_000_00)
    first = f"05/10/2026,4000,,UPI/{await number(asha)}/asha@okhdfc"
    await brought_in(house, a_statement(first))
    told = await brought_in(house, a_statement("06/10/2026,6000,,UPI/asha@okhdfc/rest"))
    assert told.outcome.booked() == {"exact": (1, 6_000_00)}
    assert (await asha.row()).status == "paid"


async def test_two_imports_at_the_same_moment_book_everything_once(house: House) -> None:
    """One waits for the other and finds all known."""
    statement = await a_month(house)
    told = await asyncio.gather(*(brought_in(house, statement) for _ in range(3)))
    assert sorted(len(one.outcome.entries) for one in told) == [0, 0, 6]
    assert len(await rows(house, Payment)) == 4
    assert len(await tasks_of(house)) == 2
    assert await breaches(house.database) == {}


async def test_the_database_itself_keeps_a_line_from_coming_twice(house: House) -> None:
    """Whoever finds a way around the turn meets the unique key."""
    await brought_in(house, a_statement("06/10/2026,350,,CASH DEPOSIT"))
    copied = (
        "insert into statement_lines (identity, account, file_name, file_line, day, amount_minor,"
        " currency, reference, narration, state, why, effective_at) select identity, account,"
        " file_name, file_line, day, amount_minor, currency, reference, narration, state, why,"
        " effective_at from statement_lines"
    )
    with pytest.raises(DBAPIError, match="uq_statement_lines_tenant_id_identity"):
        async with house.session() as session:
            await session.execute(text(copied))


async def test_money_taken_at_the_desk_meanwhile_is_seen(house: House) -> None:
    """The statement was matched before, is booked after: the second look finds a paid invoice."""
    debt = await a_named_debt(house, "Asha", "Rao")
    statement = a_statement(f"05/10/2026,10000,{UTR},{await number(debt)}")
    cash = money(debt.resident_id, RENT_MINOR, method=PaymentMethod.CASH)
    async with house.session() as desk:
        await receive(desk, cash, LATER)
        importing = asyncio.create_task(brought_in(house, statement))
        await asyncio.sleep(0.5)  # it waits for the resident that the desk holds
    told = await importing
    assert told.outcome.booked() == {"reference": (1, RENT_MINOR)}
    assert (await balances(house))["advances"] == -RENT_MINOR
    assert await breaches(house.database) == {}


async def test_lines_are_behind_the_tenants_wall(database: Database, house: House) -> None:
    """The same file of another tenant is another's money."""
    statement = await a_month(house)
    await brought_in(house, statement)
    stranger = await a_tenant(database)
    told = await brought_in(stranger, statement)
    assert (told.outcome.known, told.outcome.booked()) == (0, {})
    assert len(await lines_of(stranger)) == 6


async def test_five_thousand_lines_take_seconds(house: House) -> None:
    """Questions are asked of the whole file, not line by line: here none is anybody's."""
    await a_property(house, beds=1)
    await a_named_debt(house, "Asha", "Rao")
    statement = a_statement(
        *(f"05/10/2026,{n}.50,{UTR}{n},UPI/62931{n:07}/PAYER {n}/p{n}@ybl" for n in range(1, 5001))
    )
    began = time.monotonic()
    told = await brought_in(house, statement)
    assert len(told.outcome.asked()) == 5000
    assert time.monotonic() - began < 40
    again = await brought_in(house, statement)
    assert again.outcome.known == 5000
