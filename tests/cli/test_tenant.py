"""`innkeeper tenant create`: credentials told once, and one clear line for what is not right."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from models.database import Database, one
from models.tenant import ApiKey, Role, Tenant, User
from models.tenant_setup import PASSWORDS, tenant_by_slug
from tests.support.command import Said, command, settings_in
from tests.support.database import DatabaseUrls
from tests.support.house import House
from tests.support.stack import innkeeper
from tests.support.web import a_client

GOOD = {
    "--name": "Sunrise Hostels",
    "--slug": "sunrise",
    "--owner": "Owner@Sunrise.Example.com",
    "--country": "IN",
    "--currency": "INR",
    "--timezone": "Asia/Kolkata",
}


@pytest.fixture
def state(tmp_path: Path, database_urls: DatabaseUrls) -> Path:
    """A state folder whose settings name this test's database."""
    return settings_in(tmp_path, database_urls)


def words(state: Path, *flags: str, **changed: str) -> list[str]:
    asked = GOOD | {f"--{name}": value for name, value in changed.items()}
    named = [word for pair in asked.items() for word in pair]
    return ["tenant", "create", *named, *flags, "--state", str(state)]


async def create(state: Path, *flags: str, **changed: str) -> Said:
    return await command(*words(state, *flags, **changed))


async def slugs(database: Database) -> list[str]:
    async with database.platform("test") as session:
        return list(await session.scalars(select(Tenant.slug).order_by(Tenant.slug)))


async def test_a_program_is_told_what_it_needs(state: Path, database: Database) -> None:
    """The contract's five names, in JSON on the standard output, and a key that works."""
    code, said = await innkeeper(*words(state, "--json"))
    assert code == 0, said
    told = json.loads(said)
    assert list(told) == ["tenantId", "apiKey", "publicKey", "ownerId", "password"]
    assert told["apiKey"].startswith("sk_live_sunrise_")
    assert told["publicKey"].startswith("pk_live_sunrise_")
    tenant_id = UUID(told["tenantId"])
    assert await tenant_by_slug(database, "sunrise") == tenant_id
    keys = (told["apiKey"], told["publicKey"], UUID(told["ownerId"]), told["password"])
    house = House(database, tenant_id, "sunrise", *keys)
    async with a_client(house) as client:
        assert (await client.get("/properties")).status_code == 200


async def test_what_is_kept_is_not_what_was_told(state: Path, database: Database) -> None:
    """The password as Argon2id, the keys as hashes, the mail address in one way of writing."""
    told = json.loads((await create(state, "--json")).out)
    house = House(database, UUID(told["tenantId"]), "sunrise", "", "", UUID(int=0), "")
    async with house.session() as session:
        owner = await one(session, User, UUID(told["ownerId"]))
        assert (owner.email, owner.role) == ("owner@sunrise.example.com", Role.OWNER)
        assert owner.password_hash.startswith("$argon2id$")
        assert PASSWORDS.verify(told["password"], owner.password_hash)
        hints = await session.scalars(select(ApiKey.hint))
        assert {hint[-4:] for hint in hints} == {told["apiKey"][-4:], told["publicKey"][-4:]}
        tenant = await one(session, Tenant, house.tenant_id)
        assert (tenant.name, tenant.currency, tenant.timezone, tenant.test_keys) == (
            "Sunrise Hostels",
            "INR",
            "Asia/Kolkata",
            False,
        )


async def test_a_person_is_told_the_same_in_a_table(state: Path) -> None:
    """With the advice to keep it."""
    said = await create(state)
    assert said.code == 0
    assert "not shown again" in said.out
    for word in ("tenant", "API key", "public key", "owner", "password"):
        assert f"\n  {word} " in said.out


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("slug", "Sun Rise", "small letters"),
        ("slug", "s", "2 to 63"),
        ("slug", "-sunrise", "hyphens between"),
        ("slug", "sun--rise", "single hyphens"),
        ("slug", "s" * 64, "2 to 63"),
        ("slug", "sünrise", "small letters"),
        ("slug", "sunrise\n", "small letters"),
        ("name", " ", "1 to 200"),
        ("name", "two\nlines", "one line"),
        ("name", "n" * 201, "200"),
        ("owner", "nobody", "nobody"),
        ("country", "India", "ISO 3166"),
        ("country", "in", "ISO 3166"),
        ("currency", "RUPEE", "ISO 4217"),
        ("timezone", "Asia/Hyderabad", "IANA"),
        ("timezone", "../etc/passwd", "IANA"),
    ],
)
async def test_what_is_not_right_is_one_line(
    tmp_path: Path, field: str, value: str, rule: str
) -> None:
    """Field, value and rule on the standard error, exit 2, before any database is asked."""
    nowhere = "postgresql://inn_app:x@127.0.0.1:1/nothing"
    state = settings_in(tmp_path, DatabaseUrls("x", nowhere, nowhere, nowhere, nowhere))
    said = await create(state, "--json", **{field: value})
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{field}: ")
    assert rule in said.err


async def test_everything_that_is_not_right_is_named_at_once(state: Path) -> None:
    """Nobody wants to mend one field at a time."""
    said = await create(state, slug="Sun Rise", currency="RUPEE", timezone="Mars")
    assert said.code == 2
    assert [field for field in ("slug:", "currency:", "timezone:") if field in said.err] == [
        "slug:",
        "currency:",
        "timezone:",
    ]


async def test_a_taken_slug_makes_nothing(state: Path, database: Database) -> None:
    """Also when two ask for it at once: one gets it."""
    both = await asyncio.gather(*(innkeeper(*words(state)) for _ in range(2)))
    (made, _), refused = sorted(both)
    assert made == 0
    assert refused == (2, "slug: 'sunrise' is taken; choose another\n")
    assert await slugs(database) == ["sunrise"]
    assert (await create(state, slug="sunrise-2")).code == 0
    assert await slugs(database) == ["sunrise", "sunrise-2"]
