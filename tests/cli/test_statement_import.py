"""`innkeeper import statement` tells people and programs what became of every line."""

import json
from pathlib import Path

import pytest

from domain.errors import InvalidInput, NotFound
from tests.support.books import DUE
from tests.support.command import command, settings_in
from tests.support.database import DatabaseUrls
from tests.support.debt import a_debt
from tests.support.house import House
from tests.support.statement import lines_of

UTR = "HDFCN52020100512"


async def test_the_command_tells_people_and_programs(
    house: House, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    """Exit 3 with the list when rows stay out, 0 when all are in or asked; JSON when asked."""
    debt = await a_debt(house, DUE)
    number = (await debt.row()).invoice_number
    file = tmp_path / "october.csv"
    head = "Txn Date,Description,Ref No./Cheque No.,Debit,Credit"
    good = [
        f'05/10/2020,NEFT {number},{UTR},,"10,000.00"',
        "06/10/2020,CASH DEPOSIT,,,350",
        "07/10/2020,CHARGES,,99.50,",
    ]
    file.write_bytes("\r\n".join([head, *good, "31/02/2020,?,,,abc"]).encode("utf-8-sig"))
    asked = ["import", "statement", str(file), "--tenant", house.slug]
    asked += ["--state", str(settings_in(tmp_path, database_urls))]
    dry = await command(*asked, "--dry-run", "--account", "HDFC current")
    assert (dry.code, await lines_of(house)) == (3, [])
    assert "1 would be booked, ₹10,000.00" in dry.out
    people = await command(*asked)
    assert people.code == 3, people.err
    assert "line,column,value,problem\n" in people.out
    assert "5,Txn Date,31/02/2020,is no day of the calendar" in people.out
    assert "3,2020-10-06,350.00,CASH DEPOSIT," in people.out
    assert "1  by exact, ₹10,000.00" in people.out
    assert "1  debits, left alone, ₹99.50" in people.out
    file.write_text("\n".join([head, *good]))
    programs = await command(*asked, "--json")
    assert programs.code == 0, programs.err
    said = json.loads(programs.out)
    assert (said["lines"], said["known"], said["booked"], said["refused"]) == (3, 2, {}, [])


async def test_a_new_line_is_told_with_its_reason(
    house: House, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    """Rule, resident and invoice of what is booked; candidates of what is asked."""
    debt = await a_debt(house, DUE)
    file = tmp_path / "october.csv"
    number = (await debt.row()).invoice_number
    file.write_text(
        f"Date,Amount,UTR,Narration\n05/10/2020,10000,X1,{number}\n05/10/2020,1,X2,?a\n"
    )
    state = str(settings_in(tmp_path, database_urls))
    asked = ["import", "statement", str(file), "--tenant", house.slug, "--state", state]
    said = json.loads((await command(*asked, "--json")).out)
    booked, open_line = said["entries"]
    assert (booked["state"], booked["rule"], booked["invoiceId"]) == (
        "booked",
        "exact",
        str(debt.invoice_id),
    )
    assert (open_line["state"], open_line["candidates"]) == ("open", [])
    assert said["bookedAmount"] == {"amount": "10000.00", "currency": "INR"}


async def test_what_is_no_statement_is_refused_whole(
    house: House, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    """It is no text in UTF-8, names no columns, or belongs to a tenant that is not there."""
    state = str(settings_in(tmp_path, database_urls))
    file = tmp_path / "october.csv"
    asked = ["import", "statement", str(file), "--state", state, "--tenant"]
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not text in UTF-8"):
        await command(*asked, house.slug)
    file.write_text("name,age\nAsha,25\n")
    with pytest.raises(InvalidInput, match="names its columns"):
        await command(*asked, house.slug)
    with pytest.raises(NotFound, match="no tenant nobody"):
        await command(*asked, "nobody")
