"""A roster goes in once, whole where it is good, and says of every bad row what is wrong."""

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, literal_column, select, text

from cli.import_roster import Asked, Told, import_text
from domain.calendar import Month
from domain.errors import InvalidInput, NotFound
from models.database import Database
from models.place import Bed, Room
from models.registry import TABLES
from models.resident import Agreement, Resident
from models.vault import Vault, new_keyset
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_property, a_resident, an_agreement
from tests.support.web import a_vault

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "data" / "roster.csv"
REAL = ROOT.parent / "shared" / "data" / "roster_hyderabad.csv"
AT = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
HEAD = SMALL.read_text().splitlines()[0]
SEPTEMBER = Month(2026, 9)


@pytest.fixture
def vault() -> Vault:
    """One vault for all runs of a test."""
    return a_vault()


async def imported(
    house: House, vault: Vault, roster: str, through: Month | None = None, *, dry: bool = False
) -> Told:
    return await import_text(house.database, vault, Asked(roster, house.slug, through, dry), AT)


async def everything(database: Database) -> dict[str, int]:
    """How many rows every table has, and which row versions: any write at all changes it."""
    async with database.platform("count") as session:
        counted: dict[str, int] = {}
        for table in TABLES.sorted_tables:
            version = literal_column("xmin::text::bigint")
            counted[table.name] = int(
                await session.scalar(
                    select(func.coalesce(func.sum(version), 0) + func.count()).select_from(table)
                )
                or 0
            )
        return counted


async def test_the_good_rows_go_in_and_every_problem_of_the_others_is_told(
    house: House, vault: Vault
) -> None:
    """Line, column and value of each; one bad row never keeps another out."""
    told = await imported(house, vault, SMALL.read_text())
    problems = [(p.line, p.column, p.value) for p in told.outcome.refused]
    assert problems == [
        (6, "rent", ""),
        (7, "rent", "on request"),
        (8, "bed", "A"),
        (9, "area", "Gachibowli"),
        (10, "property_type", "castle"),
        (10, "floor", "ground"),
        (10, "deposit", "-1"),
        (11, "email", "tara(at)example.com"),
        (11, "phone", "12"),
        (11, "gender", "unsure"),
        (11, "date_of_birth", "2031-02-30"),
        (11, "pan", "ABMXA3211G"),
        (11, "move_in", "2027-01-01"),
        (11, "rent_due_day", "32"),
        (12, "first_name", ""),
        (13, "pan", "ACUPA7085R"),
        (14, "", ""),
    ]
    assert all(problem.problem for problem in told.outcome.refused)
    assert (told.lines, told.outcome.rows, told.exit_code) == (13, 4, 3)
    assert told.outcome.added == {
        "properties": 2,
        "floors": 3,
        "rooms": 3,
        "beds": 4,
        "residents": 3,
        "agreements": 3,
        "occupancies": 3,
        "journal_entries": 1,
    }


async def test_what_goes_in_is_what_the_row_says(house: House, vault: Vault) -> None:
    """Terms, days, contacts normalised, the PAN sealed, the deposit an opening balance."""
    await imported(house, vault, SMALL.read_text())
    async with house.session() as session:
        agreements = (
            await session.scalars(select(Agreement).order_by(Agreement.agreement_number))
        ).all()
        asha = (await session.scalars(select(Resident).where(Resident.first_name == "Asha"))).one()
        books = (
            await session.execute(
                text("select account, sum(minor) from postings group by 1 order by 1")
            )
        ).all()
        amenities = await session.execute(
            select(Room.amenities, Bed.amenities)
            .join(Bed, Bed.room_id == Room.id)
            .where(Bed.bed_number == "A", Room.room_number == "001")
            .order_by(Bed.rent_minor.desc())
        )
    assert [a.agreement_number for a in agreements] == [f"AGR/26-27/00000{n}" for n in (1, 2, 3)]
    assert [a.rent_minor for a in agreements] == [7_500_00, 7_500_50, 6_000_00]
    assert [a.rent_due_day for a in agreements] == [1, 5, 31]
    assert {(a.status, a.stage, a.end_date) for a in agreements} == {("active", "checked_in", None)}
    assert {str(a.billed_through) for a in agreements} == {"2026-10-01"}
    assert (asha.email, asha.phone, asha.gender) == (
        "asha.rao@example.com",
        "+919820000001",
        "female",
    )
    assert asha.pan_encrypted is not None
    assert vault.open(house.tenant_id, "residents.pan", asha.pan_encrypted) == "ACUPA7085R"
    assert [tuple(row) for row in books] == [
        ("deposits_held", -2_000_00),
        ("opening_balances", 2_000_00),
    ]
    assert [tuple(row) for row in amenities] == [(["sharing: 2"], ["meals: All Meals"]), ([], [])]


async def test_the_second_time_nothing_is_written(
    database: Database, house: House, vault: Vault
) -> None:
    """Not one row, not one line of audit; good rows are known, bad ones told again."""
    await imported(house, vault, SMALL.read_text(), SEPTEMBER)
    before = await everything(database)
    again = await imported(house, vault, SMALL.read_text(), SEPTEMBER)
    assert (again.outcome.rows, again.outcome.unchanged, again.outcome.added) == (0, 4, {})
    assert await everything(database) == before


async def test_a_dry_run_tells_the_same_and_keeps_nothing(
    database: Database, house: House, vault: Vault
) -> None:
    """What it tells is what the real run then does."""
    before = await everything(database)
    dry = await imported(house, vault, SMALL.read_text(), dry=True)
    assert await everything(database) == before
    real = await imported(house, vault, SMALL.read_text())
    assert dry.outcome == real.outcome


async def test_a_changed_row_is_told_and_left_alone(
    database: Database, house: House, vault: Vault
) -> None:
    """The columns that differ are named; a repaired row goes in beside it."""
    await imported(house, vault, SMALL.read_text())
    changed = SMALL.read_text().replace("A,7500,2000", "A,7900,2000").replace("on request", "6500")
    told = await imported(house, vault, changed)
    assert [(p.line, p.column, p.value) for p in told.outcome.changed] == [(2, "rent", "7900")]
    assert (told.outcome.rows, told.outcome.unchanged, told.exit_code) == (1, 3, 3)
    async with database.tenant(house.tenant_id, house.actor) as session:
        rents = set(await session.scalars(select(Agreement.rent_minor)))
    assert rents == {7_500_00, 7_500_50, 6_000_00, 6_500_00}


async def test_a_chunk_the_database_refuses_is_halved_until_the_bad_row_is_named(
    house: House, vault: Vault
) -> None:
    """A character that PostgreSQL does not keep: one row stays out, fifty-nine go in."""
    names = {41: "R\0ao"}
    rows = [
        f"Lake House,pg,Madhapur,Hyderabad,Telangana,0,{n:03},1,A,7500,0,,Asha,"
        f"{names.get(n, 'Rao')},,+9198200{n:05},,,,2026-09-01,5"
        for n in range(1, 61)
    ]
    told = await imported(house, vault, "\n".join([HEAD, *rows]))
    assert [(p.line, p.column) for p in told.outcome.refused] == [(42, "")]
    assert "refused by the database" in told.outcome.refused[0].problem
    assert (told.outcome.rows, told.outcome.added["beds"]) == (59, 59)


async def test_beds_and_people_that_are_here_already_are_respected(
    house: House, vault: Vault
) -> None:
    """A place of the same name is used, a bed that is lived in is refused, so is a known PAN."""
    place = await a_property(house, beds=2, name="Lake House", rent_minor=5_000_00)
    await an_agreement(house, (await a_resident(house)).id, place, bed=0)
    row = (
        "Lake House,pg,Madhapur,Hyderabad,Telangana,0,001,2,B{},7500,0,,"
        "Asha,Rao,,+9198200000{},,,{},2026-09-01,5"
    )
    rows = [row.format(1, "01", ""), row.format(2, "02", "ACUPA7085R")]
    told = await imported(house, vault, "\n".join([HEAD, *rows]))
    assert [(p.line, p.column) for p in told.outcome.refused] == [(2, "bed")]
    assert told.outcome.added["beds"] == 0
    assert told.outcome.added["properties"] == 0
    double = await imported(house, vault, "\n".join([HEAD, row.format(3, "03", "acupa 7085r")]))
    assert [(p.line, p.column) for p in double.outcome.refused] == [(2, "pan")]


async def test_a_file_that_is_no_roster_is_refused_as_a_whole(house: House, vault: Vault) -> None:
    """Columns are missing, the tenant is unknown, the month is to come."""
    with pytest.raises(InvalidInput, match="lacks the columns property"):
        await imported(house, vault, "name,age\nAsha,25\n")
    with pytest.raises(InvalidInput, match="--billed-through"):
        await imported(house, vault, HEAD, Month(2062, 9))
    with pytest.raises(NotFound):
        await import_text(house.database, vault, Asked(HEAD, "nobody", None, dry_run=False), AT)
    empty = await imported(house, vault, HEAD)
    assert (empty.lines, empty.exit_code) == (0, 0)


@pytest.mark.skipif(not REAL.exists(), reason="the real listings do not lie beside the project")
async def test_the_real_listings_go_in_whole(
    database: Database, house: House, vault: Vault
) -> None:
    """1,289 residents in 20 properties; again nothing changes."""
    told = await imported(house, vault, REAL.read_text(), SEPTEMBER)
    assert (told.lines, told.outcome.rows, told.outcome.refused) == (1500, 1500, [])
    assert (told.outcome.added["properties"], told.outcome.added["residents"]) == (20, 1289)
    before = await everything(database)
    again = await imported(house, vault, REAL.read_text(), SEPTEMBER)
    assert (again.outcome.unchanged, again.exit_code) == (1500, 0)
    assert await everything(database) == before


async def test_the_command_tells_people_and_programs(
    house: House, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    """Exit 3 with the list when rows stay out, 0 when all are in, JSON when asked."""
    environment = {
        **os.environ,
        "INNKEEPER_DATABASE_URL": database_urls.app,
        "INNKEEPER_PLATFORM_DATABASE_URL": database_urls.platform,
        "INNKEEPER_KEYSET": new_keyset(),
        "INNKEEPER_BLIND_INDEX_KEY": base64.b64encode(bytes(32)).decode(),
    }

    def run(file: Path, *more: str) -> subprocess.CompletedProcess[str]:
        asked = ["import", "roster", str(file), "--tenant", house.slug, "--state", str(tmp_path)]
        command = [sys.executable, "-m", "cli.main", *asked, *more]
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )

    people = run(SMALL)
    assert people.returncode == 3, people.stderr
    assert "line,column,value,problem\n" in people.stdout
    assert "7,rent,on request," in people.stdout
    assert "4 went in" in people.stdout
    good = tmp_path / "good.csv"
    good.write_text("\n".join(SMALL.read_text().splitlines()[:5]))
    programs = run(good, "--json")
    assert programs.returncode == 0, programs.stderr
    said = json.loads(programs.stdout)
    assert (said["imported"], said["unchanged"], said["refused"]) == (0, 4, [])
    unknown = run(good, "--billed-through", "soon")
    assert unknown.returncode == 1
    assert "--billed-through" in unknown.stderr
