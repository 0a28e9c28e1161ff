"""A month billed in chunks: right, once, in order; the refused is named and the rest goes in."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from activities.billing_run import Billing, NextChunk
from domain.calendar import Month
from domain.errors import IllegalTransition
from domain.lives import Look
from models.billing_run import stop
from models.invoice import Invoice, InvoiceLine
from models.life import PlannedAction, Wake
from models.payment import Allocation, Payment
from models.record import AuditRow, DomainEvent
from models.resident import Agreement, AgreementStatus
from models.tenant import BillingSettings
from tests.support.agreements import (
    FIRST,
    OCTOBER,
    asked,
    billed,
    counted,
    gaps,
    invoices,
    issued,
    many_agreements,
    run_of,
)
from tests.support.books import balances, booked, breaches, money
from tests.support.debt import ten
from tests.support.house import House, a_property, a_resident, an_agreement

SEPTEMBER = date(2026, 9, 1)
EARLIER = ten(date(2026, 9, 20))


async def one_agreement(house: House, **terms: object) -> Agreement:
    resident, place = await a_resident(house), await a_property(house)
    wanted = {"start": date(2026, 6, 1), "billed_through": SEPTEMBER, **terms}
    return await an_agreement(house, resident.id, place, **wanted)  # pyright: ignore[reportArgumentType]


async def test_a_month_is_billed_chunk_by_chunk_with_everything_it_brings(house: House) -> None:
    """Numbers without a gap, lines, books, events, plans and wake-ups, for each of the 70."""
    await many_agreements(house, 70)
    progress = await issued(house, await asked(house), chunk=20)
    assert (progress.issued, progress.expected, progress.refused) == (70, 70, 0)
    bills = await invoices(house)
    assert [bill.invoice_number for bill in bills] == [
        f"BOS/26-27/{number:06d}" for number in range(1, 71)
    ]
    assert {bill.status for bill in bills} == {"issued"}
    assert {(bill.period, bill.invoice_date) for bill in bills} == {
        (date(2026, 10, 1), date(2026, 10, 1))
    }
    assert await counted(house, InvoiceLine) == 140
    assert await counted(house, PlannedAction) == 7 * 70
    async with house.session() as session:
        woken = set(await session.scalars(select(Wake.subject_id)))
        told = await session.scalars(
            select(DomainEvent).where(DomainEvent.type == "invoice.issued")
        )
        assert {bill.id for bill in bills} <= woken
        assert {event.subject_id for event in told} == {bill.id for bill in bills}
    owed = sum(bill.total_minor for bill in bills)
    assert (await balances(house))["receivables"] == owed
    assert (await run_of(house, await asked(house))).issued_minor == owed
    assert await breaches(house.database) == {}


async def test_asking_twice_bills_once(house: House) -> None:
    """The second time finds nothing to do, whoever asks."""
    await many_agreements(house, 12)
    first = await billed(house)
    again = await billed(house)
    assert (first.status, again.status) == ("issued", "issued")
    assert (await counted(house, Invoice), again.issued) == (12, 12)
    assert await gaps(house) == []


async def test_a_run_that_is_woken_once_more_after_its_close_stays_closed(house: House) -> None:
    """A wake may come late or twice; who came meanwhile is billed all the same."""
    await many_agreements(house, 3)
    await billed(house)
    subject = await asked(house)
    before = await run_of(house, subject)
    later = FIRST + timedelta(hours=1)
    for new in (0, 2):
        if new:
            await many_agreements(house, new)
        await issued(house, subject, later)
        await Billing(house.database, "a-store").close(Look(subject, later))
        run = await run_of(house, subject)
        assert (run.status, run.issued_count) == ("issued", 3 + new)
        assert run.finished_at == (later if new else before.finished_at)
    async with house.session() as session:
        told = select(DomainEvent).where(DomainEvent.type == "billing_run.closed")
        assert [one.data["issued"] for one in await session.scalars(told)] == [3, 5]


async def test_an_agreement_made_later_is_billed_by_the_same_run(house: House) -> None:
    """Asked again, the run bills who is not billed yet."""
    await many_agreements(house, 3)
    await billed(house)
    await many_agreements(house, 2)
    assert (await billed(house)).issued == 5


async def test_news_lets_a_run_begin_again_and_bill_whom_it_had_passed(house: House) -> None:
    """An agreement signed while the run is under way may come before its cursor."""
    roster = await many_agreements(house, 3)
    async with house.session() as session:
        first = update(Agreement).where(Agreement.id == min(roster.agreement_ids))
        await session.execute(first.values(status=AgreementStatus.DRAFT))
    subject = await asked(house)
    billing = Billing(house.database, "a-store")
    await billing.issue_chunk(NextChunk(Look(subject, FIRST)))
    async with house.session() as session:
        await session.execute(first.values(status=AgreementStatus.ACTIVE))
    blind = await billing.issue_chunk(NextChunk(Look(subject, FIRST)))
    told = await billing.issue_chunk(NextChunk(Look(subject, FIRST), afresh=True))
    assert (blind.issued, told.issued, told.expected) == (2, 3, 3)


async def test_above_twenty_thousand_is_a_tax_invoice_of_its_own_series(house: House) -> None:
    """5 percent, half of it for each head; the exempt one goes on a bill of supply."""
    await one_agreement(house, rent_minor=22_000_00)
    await one_agreement(house, rent_minor=20_000_00)
    await billed(house)
    exempt, taxed = await invoices(house)
    assert (exempt.invoice_number, exempt.tax_minor) == ("BOS/26-27/000001", 0)
    assert (taxed.invoice_number, taxed.tax_minor) == ("INV/26-27/000001", 1_100_00)
    assert (taxed.document, taxed.total_minor) == ("tax_invoice", 23_100_00)
    books = await balances(house)
    assert (books["cgst_payable"], books["sgst_payable"]) == (-550_00, -550_00)
    async with house.session() as session:
        line = await session.scalar(select(InvoiceLine).where(InvoiceLine.invoice_id == taxed.id))
    assert line is not None
    assert (line.position, line.tax_rate, line.cgst_minor) == (1, Decimal(5), 550_00)
    assert await breaches(house.database) == {}


async def test_the_first_and_the_last_month_cost_their_days(house: House) -> None:
    """Both by actual days: from the 22nd ten of 31, until the 10th ten of 31."""
    await one_agreement(house, start=date(2026, 10, 22), billed_through=None, rent_minor=9_300_00)
    await one_agreement(house, end=date(2026, 10, 10), rent_minor=9_300_00)
    await billed(house)
    assert [bill.total_minor for bill in await invoices(house)] == [3_000_00, 3_000_00]


async def test_who_owes_nothing_gets_no_invoice_and_is_done_with(house: House) -> None:
    """A stay without rent is passed over once, not looked at for ever."""
    agreement = await one_agreement(house, rent_minor=0)
    progress = await billed(house)
    assert (progress.issued, progress.status) == (0, "issued")
    async with house.session() as session:
        row = await session.get(Agreement, (house.tenant_id, agreement.id))
        assert row is not None
        assert row.billed_through == date(2026, 10, 1)


async def test_only_active_agreements_of_the_month_are_billed(house: House) -> None:
    """Not who has left, not who comes later, not who has not signed."""
    await one_agreement(house, end=date(2026, 9, 30))
    await one_agreement(house, start=date(2026, 11, 1), billed_through=None)
    drafted = await one_agreement(house)
    async with house.session() as session:
        await session.execute(
            update(Agreement).where(Agreement.id == drafted.id).values(status=AgreementStatus.DRAFT)
        )
    assert (await billed(house)).issued == 0


async def test_an_advance_pays_the_invoice_oldest_payment_first(house: House) -> None:
    """What covers it closes it at once: no plan, no wake-up; what does not leaves the rest."""
    rich = await one_agreement(house, rent_minor=9_000_00)
    poor = await one_agreement(house, rent_minor=9_000_00)
    old = await booked(house, money(rich.resident_id, 4_000_00, date(2026, 9, 1)), EARLIER)
    new = await booked(house, money(rich.resident_id, 6_000_00, date(2026, 9, 2)), EARLIER)
    await booked(house, money(poor.resident_id, 2_000_00, date(2026, 9, 2)), EARLIER)
    await billed(house)
    by_payer = {bill.resident_id: bill for bill in await invoices(house)}
    paid, open_one = by_payer[rich.resident_id], by_payer[poor.resident_id]
    assert (paid.status, paid.balance_minor, paid.paid_at) == ("paid", 0, FIRST)
    assert (open_one.status, open_one.balance_minor) == ("issued", 7_000_00)
    async with house.session() as session:
        left = {p.id: p.unallocated_minor for p in await session.scalars(select(Payment))}
        used = await session.scalars(select(Allocation).where(Allocation.invoice_id == paid.id))
        woken = set(await session.scalars(select(Wake.subject_id)))
        planned = set(await session.scalars(select(PlannedAction.subject_id)))
        told = await session.execute(
            select(DomainEvent.type, DomainEvent.data).where(DomainEvent.subject_id == paid.id)
        )
        said = {row.type: row.data for row in told}
        assert {a.payment_id: a.amount_minor for a in used} == {old.id: 4_000_00, new.id: 5_000_00}
    assert (left[old.id], left[new.id]) == (0, 1_000_00)
    assert planned == {open_one.id}
    assert paid.id not in woken
    assert set(said) == {"invoice.issued", "advance.used", "invoice.paid"}
    assert said["invoice.paid"] == {
        "resident_id": str(rich.resident_id),
        "number": paid.invoice_number,
        "total_minor": 9_000_00,
        "balance_minor": 0,
        "currency": "INR",
    }
    assert await breaches(house.database) == {}


async def test_missed_months_are_billed_one_by_one_in_order(house: House) -> None:
    """A month waits for the one before it; each is issued on the day it is issued."""
    await many_agreements(house, 4)
    late = ten(date(2026, 12, 3))
    november = await asked(house, Month(2026, 11), late)
    assert (await issued(house, november, late)).issued == 0
    billing = Billing(house.database, "a-store")
    assert (await billing.close(Look(november, late))).status == "queued"
    assert (await billed(house, OCTOBER, late)).issued == 4
    assert (await issued(house, november, late)).issued == 4
    assert (await billing.close(Look(november, late))).status == "issued"
    bills = await invoices(house)
    assert [bill.period for bill in bills] == [date(2026, 10, 1)] * 4 + [date(2026, 11, 1)] * 4
    assert {bill.invoice_date for bill in bills} == {date(2026, 12, 3)}


async def test_a_month_asked_for_early_is_dated_on_its_first_day(house: House) -> None:
    """Nothing is billed before its month, also in the numbers' year."""
    await one_agreement(house, billed_through=date(2027, 3, 1))
    early = ten(date(2027, 3, 28))
    await billed(house, Month(2027, 4), early)
    (bill,) = await invoices(house)
    assert (bill.invoice_date, bill.invoice_number) == (date(2027, 4, 1), "BOS/27-28/000001")
    assert bill.issued_at == early


async def test_a_run_of_all_and_runs_of_each_property_at_once_bill_everybody_once(
    house: House,
) -> None:
    """Whoever comes second finds them billed; the numbers of all have no gap."""
    rosters = [await many_agreements(house, 30) for _ in range(3)]
    whole = await asked(house)
    parts = [await asked(house, property_id=roster.property_id) for roster in rosters]
    done = await asyncio.gather(*(issued(house, subject, chunk=7) for subject in [whole, *parts]))
    assert sum(progress.issued for progress in done) == 90
    assert await counted(house, Invoice) == 90
    assert await gaps(house) == []
    assert await breaches(house.database) == {}


async def test_a_property_is_billed_alone_when_it_is_asked_for(house: House) -> None:
    """The others wait for their own run."""
    rosters = [await many_agreements(house, 3) for _ in range(2)]
    subject = await asked(house, property_id=rosters[0].property_id)
    assert subject.workflow_id.endswith(f"/2026-10/{rosters[0].property_id}")
    assert (await issued(house, subject)).issued == 3
    assert {bill.property_id for bill in await invoices(house)} == {rosters[0].property_id}


async def test_a_stopped_run_goes_on_when_it_is_asked_again(house: House) -> None:
    """What is issued stays; the next chunk finds the wish to stop."""
    await many_agreements(house, 10)
    subject = await asked(house)
    billing = Billing(house.database, "a-store", chunk=4)
    await billing.issue_chunk(NextChunk(Look(subject, FIRST)))
    async with house.session() as session:
        await stop(session, subject.id, FIRST)
    halted = await billing.issue_chunk(NextChunk(Look(subject, FIRST)))
    assert (halted.issued, halted.left) == (4, False)
    assert (await billing.close(Look(subject, FIRST))).status == "stopped"
    async with house.session() as session:
        with pytest.raises(IllegalTransition):
            await stop(session, subject.id, FIRST)
    assert (await billed(house)).issued == 10


async def test_terms_are_frozen_as_they_are_today(house: House) -> None:
    """An agreement's own late fee goes before the tenant's; later settings reach neither."""
    await one_agreement(house)
    own = await one_agreement(house)
    async with house.session() as session:
        await session.execute(
            update(Agreement).where(Agreement.id == own.id).values(late_fee_percentage=Decimal(2))
        )
        await session.execute(update(BillingSettings).values(default_due_days=9))
    await billed(house)
    fees = {bill.agreement_id: bill.terms["fee"]["percent"] for bill in await invoices(house)}
    assert fees[own.id] == "2.00"
    assert set(fees.values()) == {"2.00", "5.00"}
    assert {bill.due_date for bill in await invoices(house)} == {date(2026, 10, 10)}


async def test_the_evidence_of_a_run_is_its_invoices(house: House) -> None:
    """Each is audited whole; how far its agreement is billed follows from it and is not again."""
    agreement = await one_agreement(house)
    await billed(house)
    async with house.session() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.actor.like("life:billing/%")))
        by_table = {row.table_name: row for row in rows}
        assert "agreements" not in by_table
        kept = by_table["invoices"]
        assert kept.after is not None
        assert kept.after["agreement_id"] == str(agreement.id)
        await session.execute(update(Agreement).values(billed_through=SEPTEMBER))
        changed = await session.scalar(
            select(AuditRow).where(
                AuditRow.table_name == "agreements", AuditRow.operation == "update"
            )
        )
    assert changed is not None
    assert changed.before is not None
    assert changed.before["billed_through"] == "2026-10-01"


async def test_a_posting_without_its_entry_is_refused(house: House) -> None:
    """The statement's trigger keeps what a key would keep."""
    async with house.session() as session:
        with pytest.raises(Exception, match="there is no journal entry"):
            await session.execute(
                text(
                    "insert into postings (entry_id, account, minor, currency)"
                    " select uuidv7(), 'cash', 1, 'INR' union all"
                    " select uuidv7(), 'bank', -1, 'INR'"
                )
            )
