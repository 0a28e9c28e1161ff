"""The first page of a house: where to look, and what happens next, without a key and a script."""

import re
from datetime import timedelta
from urllib.parse import quote

import httpx2
from sqlalchemy import select, text

from api.app import build
from api.parts import Links, Parts
from cli.demo import DEMO, furnish
from domain import keys
from models.database import Actor, Database
from models.invoice import Invoice
from models.tenant_setup import set_up_tenant
from runtime.clock import SetClock
from tests.support.books import breaches
from tests.support.database import DatabaseUrls
from tests.support.house import a_database
from tests.support.web import NOON, a_vault

LINKS = Links(
    temporal_ui="http://127.0.0.1:8233",
    temporal="127.0.0.1:7233",
    namespace="innkeeper",
    sandbox="http://127.0.0.1:8100",
)
ACTOR = Actor("platform:test")


async def shown(database: Database, links: Links = LINKS, language: str = "en") -> httpx2.Response:
    """The page as a browser gets it."""
    parts = Parts(database, a_vault(), SetClock(NOON), links)
    transport = httpx2.ASGITransport(build(parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://innkeeper.test") as client:
        answer = await client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer


async def furnished(database: Database) -> list[Invoice]:
    told = await set_up_tenant(database, DEMO)
    await furnish(database, a_vault(), NOON)
    async with database.tenant(told.tenant_id, ACTOR) as session:
        return list(await session.scalars(select(Invoice).order_by(Invoice.invoice_number)))


async def test_it_shows_two_lives_of_the_demo_and_what_happens_next(database: Database) -> None:
    """One overdue, one before its first reminder; each leads to its life in Temporal."""
    late, soon = await furnished(database)
    page = (await shown(database)).text
    for invoice in (late, soon):
        assert invoice.invoice_number is not None
        assert invoice.invoice_number in page
        life = quote(keys.invoice_collection(invoice.tenant_id, invoice.id), safe="")
        assert f"http://127.0.0.1:8233/namespaces/innkeeper/workflows/{life}" in page
    assert "overdue" in page
    assert "₹9,500.00" in page
    assert "Demo House" in page
    assert (late.due_date, soon.due_date) == (
        NOON.date() - timedelta(days=2),
        NOON.date() + timedelta(days=5),
    )


async def test_it_asks_nobody_else_and_runs_nothing(database: Database) -> None:
    """Strict policy, every style allowed by its hash, no third party, nobody's name."""
    await furnished(database)
    answer = await shown(database)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert not re.search(r"<script|style=|\son\w+=", answer.text)
    for address in re.findall(r"https?://[^\s\"'<>]+", answer.text):
        assert address.startswith("http://127.0.0.1:"), address
    assert "Asha" not in answer.text


async def test_it_links_to_what_answers(database: Database) -> None:
    """The documentation of the plan is where the card says."""
    await furnished(database)
    page = (await shown(database)).text
    for address in ('href="/docs"', 'href="http://127.0.0.1:8100/control/inbox"'):
        assert address in page
    parts = Parts(database, a_vault(), SetClock(NOON), LINKS)
    routes = build(parts).openapi()["paths"]
    operation = routes["/api/v1/invoices/{invoice_id}/plan"]["get"]
    assert f'href="/docs#/{operation["tags"][0]}/{operation["operationId"]}"' in page


async def test_an_empty_house_says_so(database: Database) -> None:
    """Without a demo, and without neighbours."""
    page = (await shown(database, Links())).text
    assert "Nobody lives here yet" in page
    assert "control/inbox" not in page


async def test_it_tells_of_nobody_who_lives_in_a_real_house(database: Database) -> None:
    """A tenant that happens to be called demo has live keys; production has no sandbox."""
    invoices = await furnished(database)
    number = str(invoices[0].invoice_number)
    assert (
        number
        not in (
            await shown(database, Links(temporal_ui="http://t", temporal="t", namespace="n"))
        ).text
    )
    async with database.tenant(invoices[0].tenant_id, ACTOR) as session:
        await session.execute(text("update tenants set test_keys = false"))
    assert number not in (await shown(database)).text


async def test_it_speaks_the_readers_language(database: Database) -> None:
    """Hindi where the browser asks for it, English for everybody else."""
    assert 'lang="hi"' in (await shown(database, language="hi-IN,hi;q=0.9,en;q=0.8")).text
    assert 'lang="en"' in (await shown(database, language="fr")).text


async def test_it_stands_while_the_database_is_away(database_urls: DatabaseUrls) -> None:
    """The links are what one needs then."""
    nowhere = "postgresql://inn_app:x@127.0.0.1:1/nothing"
    async with a_database(DatabaseUrls("x", nowhere, nowhere, nowhere, nowhere)) as away:
        assert 'href="/docs"' in (await shown(away)).text


async def test_furnishing_twice_changes_nothing(database: Database) -> None:
    """Also a month later, and the books are in order."""
    invoices = await furnished(database)
    for later in (timedelta(), timedelta(days=40)):
        await furnish(database, a_vault(), NOON + later)
    async with database.tenant(invoices[0].tenant_id, ACTOR) as session:
        for table, rows in {
            "invoices": 2,
            "agreements": 2,
            "properties": 1,
            "residents": 2,
        }.items():
            assert await session.scalar(text(f"select count(*) from {table}")) == rows  # noqa: S608
    assert await breaches(database) == {}


async def test_a_house_without_a_demo_is_left_empty(database: Database) -> None:
    """Nothing is furnished for nobody."""
    await furnish(database, a_vault(), NOON)
    async with database.platform("test") as session:
        assert await session.scalar(text("select count(*) from tenants")) == 0
