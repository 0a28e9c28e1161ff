"""Many agreements at once, and a month of them billed step by step as the run's life does it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from activities.billing_run import Billing, NextChunk, Progress
from benchmarks import roster
from benchmarks.roster import Roster
from domain.calendar import Month
from domain.lives import Look, Subject
from models.billing_run import ask, subject_of
from models.invoice import Invoice
from models.record import BillingRefusal, BillingRun
from models.tenant import NumberSeries
from tests.support.debt import ten
from tests.support.house import House

OCTOBER = Month(2026, 10)
FIRST = ten(date(2026, 10, 1))


async def many_agreements(
    house: House,
    amount: int,
    *,
    start: date = date(2026, 6, 1),
    billed_through: date | None = date(2026, 9, 1),
) -> Roster:
    """A property of the house with that many residents, all billed until September."""
    async with house.session() as session:
        return await roster.many_agreements(
            session, amount, name=f"House {uuid7()}", start=start, billed_through=billed_through
        )


async def asked(
    house: House, month: Month = OCTOBER, at: datetime = FIRST, property_id: UUID | None = None
) -> Subject:
    """The run of that month, asked for."""
    async with house.session() as session:
        return subject_of(await ask(session, month, property_id, at, "platform:test"))


async def issued(
    house: House, subject: Subject, at: datetime = FIRST, *, chunk: int = 500
) -> Progress:
    """Every chunk of the run, without its close."""
    billing = Billing(house.database, "a-store", chunk=chunk)
    progress = await billing.issue_chunk(NextChunk(Look(subject, at), afresh=True))
    while progress.left:
        progress = await billing.issue_chunk(NextChunk(Look(subject, at)))
    return progress


async def billed(house: House, month: Month = OCTOBER, at: datetime = FIRST) -> Progress:
    """The month asked for, issued and closed."""
    subject = await asked(house, month, at)
    await issued(house, subject, at)
    return await Billing(house.database, "a-store").close(Look(subject, at))


async def invoices(house: House) -> Sequence[Invoice]:
    """Every invoice, by number."""
    async with house.session() as session:
        return (await session.scalars(select(Invoice).order_by(Invoice.invoice_number))).all()


async def run_of(house: House, subject: Subject) -> BillingRun:
    """The run's row."""
    async with house.session() as session:
        row = await session.get(BillingRun, (subject.tenant_id, subject.id))
        assert row is not None
        return row


async def refusals(house: House) -> Sequence[BillingRefusal]:
    """What could not be billed."""
    async with house.session() as session:
        return (await session.scalars(select(BillingRefusal))).all()


async def gaps(house: House) -> list[str]:
    """Where a series of numbers is not consecutive, or was counted wrong; empty as it must be."""
    async with house.session() as session:
        numbers = await session.scalars(select(Invoice.invoice_number))
        given: dict[str, list[int]] = {}
        for number in numbers:
            series, _, count = str(number).split("/")
            given.setdefault(series, []).append(int(count))
        counted = {
            row.series: row.next_number for row in await session.scalars(select(NumberSeries))
        }
    return [
        f"{series}: {sorted(used)}, next {counted[series]}"
        for series, used in given.items()
        if sorted(used) != list(range(1, counted[series]))
    ]


async def counted(house: House, model: type) -> int:
    """How many rows of a table the house has."""
    async with house.session() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0
