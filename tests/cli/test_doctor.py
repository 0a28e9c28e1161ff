"""`innkeeper doctor`: every fault is found and named, and --repair mends what it can."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import select
from temporalio.client import Client

from activities.invoice_collection import Collecting
from cli import examination
from cli.doctor import visit
from cli.examination import CHECKS, Finding
from models.invariants import INVARIANTS
from models.life import Wake
from models.vault import new_keyset
from runtime.temporal import connect, store_id
from tests.conftest import TemporalServer
from tests.support.command import command, settings_in
from tests.support.database import DatabaseUrls
from tests.support.debt import Debt, a_debt
from tests.support.house import a_database, a_tenant
from tests.support.namespace import own_namespace
from tests.support.pdf import hide_pango


@dataclass(frozen=True, slots=True)
class Clinic:
    """A house with one open invoice whose life has looked, over a namespace of its own."""

    state: Path
    urls: DatabaseUrls
    client: Client
    debt: Debt

    async def found(self, *, repair: bool = False) -> dict[str, Finding]:
        """What the doctor finds, by name."""
        _, findings = await visit(self.state / "settings.env", repair=repair)
        return {finding.name: finding for finding in findings}

    async def wrong(self, *, repair: bool = False) -> dict[str, str]:
        """What is wrong, and what is said of it."""
        found = await self.found(repair=repair)
        return {name: finding.detail for name, finding in found.items() if not finding.ok}

    async def plant(self, *statements: str) -> None:
        """Do damage as only a superuser can."""
        connection = await asyncpg.connect(self.urls.superuser)
        try:
            await connection.execute("set session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def look(self) -> None:
        """The invoice's life has heard its wake-up and looked."""
        collecting = Collecting(self.debt.house.database, await store_id(self.client))
        await collecting.look(self.debt.look(datetime.now(UTC)))
        await self.plant("delete from wakes")

    def change_setting(self, name: str, value: str | None) -> None:
        """Another value for a setting, or none."""
        file = self.state / "settings.env"
        kept = [line for line in file.read_text().splitlines() if not line.startswith(f"{name}=")]
        new = [] if value is None else [f"{name}='{value}'"]
        file.write_text("\n".join([*kept, *new]) + "\n")


@pytest.fixture
async def clinic(
    tmp_path: Path,
    database_urls: DatabaseUrls,
    temporal_server: TemporalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Clinic]:
    """Everything well except what only a worker or --repair puts in place."""
    monkeypatch.setattr(examination, "PATIENCE_SECONDS", 3)  # no worker is about to come here
    namespace = await own_namespace(temporal_server)
    client = await connect(temporal_server.address, namespace)
    (tmp_path / "keyset.json").write_text(new_keyset())
    settings_in(
        tmp_path,
        database_urls,
        temporal_address=temporal_server.address,
        temporal_namespace=namespace,
        keyset=str(tmp_path / "keyset.json"),
        blind_index_key=base64.b64encode(b"k" * 32).decode(),
        smtp_host="127.0.0.1",
        smtp_from="desk@innkeeper.example",
        twilio_account_sid="AC0",
        twilio_auth_token="token",
        twilio_from="+15005550006",
    )
    async with a_database(database_urls) as database:
        now = datetime.now(UTC)
        debt = await a_debt(await a_tenant(database), now.date() + timedelta(days=20), issued=now)
        made = Clinic(tmp_path, database_urls, client, debt)
        await made.look()
        yield made


async def test_a_house_in_order_has_nothing_wrong(clinic: Clinic) -> None:
    """A fresh Temporal lacks schedules and search attributes; --repair puts them there, once."""
    assert set(await clinic.wrong()) == {"search attributes", "schedules"}
    mended, found = await visit(clinic.state / "settings.env", repair=True)
    assert [(one.name, one.ok, one.detail) for one in mended][:3] == [
        ("search attributes", True, "6 registered"),
        ("schedules", True, "2 created"),
        ("lives", True, "0 woken"),
    ]
    assert (mended[3].name, mended[3].ok) == ("events", True)
    assert [finding for finding in found if not finding.ok] == []
    assert len(found) == len(CHECKS) - 1 + len(INVARIANTS)
    again, _ = await visit(clinic.state / "settings.env", repair=True)
    assert [one.detail for one in again] == [
        "0 registered",
        "0 created",
        "0 woken",
        "0 given a position",
    ]


async def test_it_speaks_to_people_and_programs(clinic: Clinic) -> None:
    """One line each and the exit code; secrets are never shown."""
    ill = await command("doctor", "--state", str(clinic.state))
    assert ill.code == 1
    lines = ill.out.splitlines()
    assert all(line.split()[0] in ("ok", "wrong") for line in lines)
    assert any(line.startswith("wrong   schedules ") for line in lines)
    well = await command("doctor", "--repair", "--json", "--state", str(clinic.state))
    assert well.code == 0, well.out
    told = json.loads(well.out)
    assert told["ok"] is True
    assert {check["name"] for check in told["checks"]} >= {"settings", "walls", "lives"}
    assert [repair["name"] for repair in told["repairs"]] == [
        "search attributes",
        "schedules",
        "lives",
        "events",
    ]
    for secret in (clinic.urls.app, clinic.urls.owner.split(":")[2].split("@")[0]):
        assert secret not in ill.out + well.out


async def test_a_missing_or_bad_setting_is_named_without_its_value(clinic: Clinic) -> None:
    """And what does not depend on it is still looked at."""
    clinic.change_setting("INNKEEPER_SMTP_HOST", None)
    clinic.change_setting("INNKEEPER_BLIND_INDEX_KEY", "c2hvcnQ=")
    wrong = await clinic.wrong(repair=True)
    assert set(wrong) == {"settings", "keys"}
    assert "INNKEEPER_SMTP_HOST" in wrong["settings"]
    assert "INNKEEPER_BLIND_INDEX_KEY" in wrong["settings"]
    assert "c2hvcnQ=" not in str(wrong)


async def test_a_keyset_that_cannot_be_read_is_wrong(clinic: Clinic) -> None:
    """No file, or no keyset in it."""
    (clinic.state / "keyset.json").write_text('{"key": []}')
    assert (await clinic.wrong())["keys"] == "the keyset cannot be read"
    (clinic.state / "keyset.json").unlink()
    assert (await clinic.wrong())["keys"].startswith("cannot be asked: ")


async def test_without_any_settings_everything_that_needs_them_is_wrong(tmp_path: Path) -> None:
    """No trace of a stack: it says so and does not break."""
    (tmp_path / "settings.env").write_text("INNKEEPER_TEMPORAL_ADDRESS=127.0.0.1:1\n")
    mended, found = await visit(tmp_path / "settings.env", repair=True)
    assert {one.name for one in [*mended, *found] if one.ok} == {"documents"}
    assert len(found) == len(CHECKS)


async def test_a_machine_that_cannot_print_is_told_of_and_is_not_ill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only PDF needs Pango."""
    (tmp_path / "settings.env").write_text("INNKEEPER_TEMPORAL_ADDRESS=127.0.0.1:1\n")
    hide_pango(monkeypatch, tmp_path)
    _, found = await visit(tmp_path / "settings.env", repair=False)
    (documents,) = [one for one in found if one.name == "documents"]
    assert documents.ok
    assert documents.detail.startswith("no PDF, all else works: PDF needs WeasyPrint and")


async def test_servers_that_are_away_are_wrong(clinic: Clinic) -> None:
    """PostgreSQL for each role, Temporal, and all that rests on them."""
    clinic.change_setting("INNKEEPER_TEMPORAL_ADDRESS", "127.0.0.1:1")
    wrong = await clinic.wrong()
    assert set(wrong) == {"Temporal", "search attributes", "schedules", "lives"}
    assert wrong["lives"] == "cannot be asked: Temporal does not answer"
    nowhere = "postgresql://inn_app:secret@127.0.0.1:1/nothing"
    for name in ("DATABASE_URL", "PLATFORM_DATABASE_URL", "OWNER_DATABASE_URL"):
        clinic.change_setting(f"INNKEEPER_{name}", nowhere)
    found = await clinic.found()
    assert {name for name, one in found.items() if one.ok} == {"settings", "keys", "documents"}
    assert "secret" not in str(found)


async def test_the_wrong_role_behind_an_address_is_found(clinic: Clinic) -> None:
    """An application that connects as the platform would see above the walls."""
    clinic.change_setting("INNKEEPER_DATABASE_URL", clinic.urls.platform)
    wrong = await clinic.wrong(repair=True)
    assert set(wrong) == {"PostgreSQL as the application"}
    assert wrong["PostgreSQL as the application"].startswith("inn_platform on PostgreSQL 18")


OLD_WAKE = (
    "insert into wakes (tenant_id, subject_kind, subject_id, workflow_id, recorded_at)"
    " select tenant_id, subject_kind, subject_id, workflow_id, now() - interval '2 minutes'"
    " from lives"
)
STUCK_DELIVERY = (
    "insert into messages (tenant_id, resident_id, day, purpose, timezone, effective_at)"
    " select tenant_id, resident_id, current_date, 'reminder', 'Asia/Kolkata', now()"
    " from invoices;"
    "insert into deliveries (tenant_id, message_id, channel, not_before)"
    " select tenant_id, id, 'email', now() - interval '16 minutes' from messages"
)
STUCK_TOLD = (
    "insert into gateway_logs (tenant_id, account_id, provider, event_id, kind, body,"
    " effective_at, due_at)"
    " select tenant_id, id, 'stripe', 'evt_1', 'odd', '', now(), now() - interval '6 minutes'"
    " from invoices"
)
UNREAD = "update event_positions set recorded_at = now() - interval '6 minutes'"
PASSED_OVER = (
    "insert into domain_events (tenant_id, type, subject_kind, subject_id, data, actor,"
    " effective_at, recorded_at)"
    " select tenant_id, 'door.opened', 'door', id, '{}', 'test', now(), now() - interval '1 day'"
    " from invoices"
)
# What was done, where the doctor sees it, a word he says of it.
FAULTS = [
    ("update alembic_version set version_num = '0001'", "migrations", "innkeeper migrate"),
    ("alter table beds no force row level security", "walls", "beds"),
    ("create unique index u on beds (bed_number)", "keys of tables", "beds.u"),
    ("grant select on user_emails to inn_app", "look-ups", "user_emails"),
    ("alter table floors owner to inn_app", "roles", "inn_app owns floors"),
    (OLD_WAKE, "wake-ups", "1 wait"),
    (STUCK_DELIVERY, "deliveries", "1 stuck"),
    (STUCK_TOLD, "provider events", "1 wait"),
    (UNREAD, "consumers of events", " wait, the oldest since"),
    (
        "update invoices set balance_minor = balance_minor - 1",
        "a balance is the sum of its receivable postings",
        "its postings say",
    ),
    (
        "update postings set minor = minor + 1 where account <> 'receivables'",
        "every entry balances per currency",
        "is off by 1",
    ),
    (
        "update number_series set next_number = next_number + 1",
        "numbers have no gap in their series and fiscal year",
        "next is",
    ),
]
AGED = "update next_actions set recorded_at = recorded_at - interval '6 minutes'"
LOSSES = {
    "no life": ("delete from lives", AGED),
    "overslept": ("update lives set awaits_at = now() - interval '20 minutes'",),
    "another store": ("update lives set store_id = 'lost'",),
}


async def test_every_planted_fault_is_found_and_named(clinic: Clinic) -> None:
    """Those that only a person can mend; --repair does not talk them away."""
    await clinic.found(repair=True)
    assert await clinic.wrong() == {}
    await clinic.plant(*(damage for damage, _, _ in FAULTS))
    wrong = await clinic.wrong(repair=True)
    for _, where, word in FAULTS:
        assert word in wrong.get(where, ""), where


async def test_a_lost_life_is_found_and_woken(clinic: Clinic) -> None:
    """However it was lost; one wake-up, and nothing is wrong any more."""
    await clinic.found(repair=True)
    for reason, damage in LOSSES.items():
        await clinic.plant(*damage)
        lives = (await clinic.wrong())["lives"]
        assert lives == f"1 lost: {clinic.debt.workflow_id} ({reason})"
        assert await clinic.wrong(repair=True) == {}
        async with clinic.debt.house.session() as session:
            woken = await session.scalars(select(Wake.workflow_id))
            assert woken.all() == [clinic.debt.workflow_id]
        await clinic.look()


async def test_an_event_that_was_passed_over_is_found_and_placed(clinic: Clinic) -> None:
    """A clock was set back; nobody would ever look there again."""
    await clinic.found(repair=True)
    await clinic.plant(PASSED_OVER)
    wrong = await clinic.wrong()
    assert list(wrong) == ["no event was passed over, and positions have no gap"]
    assert "was passed over" in wrong.popitem()[1]
    assert await clinic.wrong(repair=True) == {}


async def test_a_schedule_somebody_deleted_comes_back(clinic: Clinic) -> None:
    """Repair's own, and each tenant's clock."""
    await clinic.found(repair=True)
    await clinic.client.get_schedule_handle("repair").delete()
    wrong = await clinic.wrong()
    for _ in range(50):
        if wrong:
            break
        await asyncio.sleep(0.1)
        wrong = await clinic.wrong()
    assert wrong == {"schedules": "missing: repair"}
    assert await clinic.wrong(repair=True) == {}


async def test_a_person_who_is_late_is_no_fault_of_the_house(clinic: Clinic) -> None:
    """Overdue tasks are told, for information."""
    await clinic.plant(
        "insert into tasks (tenant_id, subject_kind, subject_id, what, title, opened_at, due_at)"
        " select tenant_id, 'invoice', id, 'x', 'x', now(), now() - interval '1 day' from invoices"
    )
    told = (await clinic.found())["tasks"]
    assert told.ok
    assert told.detail.startswith("1 overdue, the oldest since ")
