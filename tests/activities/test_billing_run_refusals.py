"""What a billing run could not bill: named, listed, a task; and what refuses nobody."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import pytest
from sqlalchemy import select

from domain.errors import Unavailable
from models.invoice import Invoice
from models.record import Task, TaskStatus
from models.resident import Agreement
from tests.support.agreements import (
    asked,
    billed,
    counted,
    gaps,
    invoices,
    issued,
    many_agreements,
    refusals,
)
from tests.support.books import breaches
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_property, a_resident, an_agreement


async def one_agreement(
    house: House, rent_minor: int = 9_000_00, currency: str = "INR"
) -> Agreement:
    resident, place = await a_resident(house), await a_property(house)
    return await an_agreement(
        house,
        resident.id,
        place,
        start=date(2026, 6, 1),
        billed_through=date(2026, 9, 1),
        rent_minor=rent_minor,
        currency=currency,
    )


@asynccontextmanager
async def no_rent_of(urls: DatabaseUrls, minor: int) -> AsyncGenerator[None]:
    """The database refuses invoices of that amount, by a constraint of its own."""
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(
        "alter table invoices add constraint ck_invoices_no_such_rent"
        f" check (subtotal_minor <> {minor})"
    )
    try:
        yield
    finally:
        await owner.execute("alter table invoices drop constraint ck_invoices_no_such_rent")
        await owner.close()


async def test_the_one_the_database_refuses_is_named_and_the_rest_goes_in(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Halved until it stands alone: listed, a task; billed later, it is neither any more."""
    await many_agreements(house, 30)
    bad = await one_agreement(house, rent_minor=6_666_00)
    await many_agreements(house, 30)
    subject = await asked(house)
    async with no_rent_of(database_urls, 6_666_00):
        progress = await issued(house, subject, chunk=40)
    assert (progress.issued, progress.refused, progress.expected) == (60, 1, 61)
    (refusal,) = await refusals(house)
    assert (refusal.agreement_id, refusal.code) == (bad.id, "DATABASE_REFUSED")
    assert "ck_invoices_no_such_rent" in refusal.problem
    assert "6666" not in refusal.problem
    async with house.session() as session:
        task = (await session.scalars(select(Task))).one()
    assert (task.subject_id, task.status) == (subject.id, TaskStatus.OPEN)
    assert await gaps(house) == []
    assert await breaches(house.database) == {}
    healed = await billed(house)
    assert (healed.issued, healed.refused, await refusals(house)) == (61, 0, [])
    async with house.session() as session:
        assert (await session.scalars(select(Task.status))).one() == TaskStatus.DONE
    assert await gaps(house) == []


async def test_when_all_are_refused_each_is_named(
    house: House, database_urls: DatabaseUrls
) -> None:
    """Nothing goes in, and no number is lost."""
    for _ in range(5):
        await one_agreement(house, rent_minor=6_666_00)
    async with no_rent_of(database_urls, 6_666_00):
        progress = await issued(house, await asked(house))
    assert (progress.issued, progress.refused, progress.left) == (0, 5, False)
    assert await counted(house, Invoice) == 0
    await billed(house)
    assert (await invoices(house))[0].invoice_number == "BOS/26-27/000001"


async def test_what_a_rule_refuses_is_named_too(house: House) -> None:
    """A currency nobody knows has no smallest unit."""
    await many_agreements(house, 3)
    odd = await one_agreement(house, currency="XXX")
    progress = await issued(house, await asked(house))
    assert (progress.issued, progress.refused) == (3, 1)
    (refusal,) = await refusals(house)
    assert refusal.agreement_id == odd.id
    assert "XXX" in refusal.problem


async def test_a_mistake_of_the_installation_refuses_nobody(
    house: House, database_urls: DatabaseUrls
) -> None:
    """A right that is missing is no agreement's fault: the step fails and is tried again."""
    await many_agreements(house, 3)
    subject = await asked(house)
    owner = await asyncpg.connect(database_urls.owner)
    try:
        await owner.execute("revoke insert on invoice_lines from inn_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await issued(house, subject)
        assert await refusals(house) == []
        await owner.execute("grant insert on invoice_lines to inn_app")
    finally:
        await owner.close()
    assert (await issued(house, subject)).issued == 3


async def test_a_database_that_goes_away_refuses_nobody(
    house: House, database_urls: DatabaseUrls
) -> None:
    """The step is tried again until it is back; nothing is half written."""
    await many_agreements(house, 40)
    subject = await asked(house)
    admin = await asyncpg.connect(database_urls.superuser)
    try:
        await admin.execute(
            "create function hang_up() returns trigger language plpgsql security definer as $$"
            " begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;"
            "create trigger hang_up after insert on postings for each statement"
            " execute function hang_up()"
        )
        with pytest.raises(Unavailable):
            await issued(house, subject)
        await admin.execute("drop trigger hang_up on postings")
    finally:
        await admin.close()
    assert (await counted(house, Invoice), await refusals(house)) == (0, [])
    assert (await issued(house, subject)).issued == 40
