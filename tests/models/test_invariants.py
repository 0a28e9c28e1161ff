"""The books hold whatever happens, and the questions about them see what is broken."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused
from domain.ledger import Account
from models import credit, late_fee
from models.bounce import bounce
from models.collection import facts_of
from models.credit import cancel, waive_fee, write_off
from models.database import Database
from models.invariants import INVARIANTS
from models.invoice import Invoice
from models.ledger import Posting
from models.money_in import pay_in_full
from models.payment import Payment, PaymentMethod
from models.recovery import recover_from_advances
from models.reissuing import reissue
from models.settling import locked_invoice
from tests.support.books import (
    DUE,
    LATER,
    another,
    booked,
    breaches,
    money,
)
from tests.support.database import DatabaseUrls
from tests.support.debt import RENT_MINOR, Debt, a_debt, pay, ten
from tests.support.house import House
from tests.support.soak import soaked

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("issue"), st.integers(1, 3_000_00), st.integers(-20, 40)),
        st.tuples(st.just("tax"), st.integers(1, 3_000_00), st.integers(-20, 40)),
        st.tuples(st.just("pay"), st.integers(1, 4_000_00), st.integers(0, 40)),
        st.tuples(st.just("cheque"), st.integers(1, 4_000_00), st.integers(0, 40)),
        st.tuples(st.just("named"), st.integers(1, 4_000_00), st.integers(0, 9)),
        st.tuples(st.just("full"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("bounce"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("credit"), st.integers(1, 3_000_00), st.integers(0, 9)),
        st.tuples(st.just("credit line"), st.integers(1, 3_000_00), st.integers(0, 9)),
        st.tuples(st.just("credit all"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("fee"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("waive"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("cancel"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("write off"), st.just(0), st.integers(0, 9)),
        st.tuples(st.just("recover"), st.integers(1, 3_000_00), st.integers(0, 9)),
        st.tuples(st.just("regenerate"), st.just(0), st.integers(0, 9)),
    ),
    min_size=4,
    max_size=16,
)


class Book:
    """One resident's account, moved by random acts; a refused act leaves no trace."""

    def __init__(self, debt: Debt) -> None:
        self.house = debt.house
        self.first = debt
        self.resident_id = debt.resident_id

    async def act(self, what: str, minor: int, number: int) -> None:
        try:
            await self._act(what, minor, number)
        except Refused:
            return

    async def _act(self, what: str, minor: int, number: int) -> None:
        day = LATER.date() - timedelta(days=number)
        match what:
            case "issue" | "tax":
                rate = Decimal(5) if what == "tax" else Decimal(0)
                await another(self.first, DUE + timedelta(days=number), minor, rate)
            case "pay" | "cheque":
                method = PaymentMethod.CASH if what == "pay" else PaymentMethod.CHEQUE
                await booked(self.house, money(self.resident_id, minor, day, method))
            case "named":
                named = await self._pick(Invoice, number)
                await booked(self.house, money(self.resident_id, minor, DUE, invoice_id=named))
            case _:
                await self._other(what, minor or None, number)

    async def _other(self, what: str, minor: int | None, number: int) -> None:
        invoice_id = await self._pick(Invoice, number)
        async with self.house.session() as session:
            match what:
                case "full":
                    await pay_in_full(session, invoice_id, PaymentMethod.CHEQUE, LATER, paid_on=DUE)
                case "bounce":
                    await bounce(session, await self._pick(Payment, number), LATER, "No cover")
                case "fee":
                    parent = await locked_invoice(session, invoice_id)
                    facts = await facts_of(session, parent)
                    if not facts.fee_charged and parent.status == "issued":
                        await late_fee.charge(session, parent, facts, LATER)
                case "waive":
                    await waive_fee(session, invoice_id, "Because", LATER)
                case "cancel":
                    await cancel(session, invoice_id, "Because", LATER)
                case "write off":
                    await write_off(session, invoice_id, "Because", LATER)
                case _:
                    await self._correct(session, what, minor, invoice_id)

    async def _correct(
        self, session: AsyncSession, what: str, minor: int | None, invoice_id: UUID
    ) -> None:
        match what:
            case "regenerate":
                await reissue(session, invoice_id, "Because", LATER)
            case "recover":
                await recover_from_advances(session, invoice_id, None, LATER)
            case "credit line":
                lines = {1: minor or 1}
                await credit.credit(session, invoice_id, None, "Part", LATER, lines=lines)
            case _:
                await credit.credit(session, invoice_id, minor, "Because", LATER)

    async def _pick(self, model: type[Any], number: int) -> UUID:
        async with self.house.session() as session:
            ids = await session.scalars(
                select(model.id)
                .where(model.resident_id == self.resident_id)
                .order_by(model.recorded_at, model.id)
            )
            found = ids.all()
        if not found:
            raise Refused("there is none yet")
        chosen: UUID = found[number % len(found)]
        return chosen

    async def totals(self) -> tuple[int, int]:
        """(what the invoices owe, what is in advance), by the rows."""
        async with self.house.session() as session:
            invoices = await session.scalars(
                select(Invoice.balance_minor).where(Invoice.resident_id == self.resident_id)
            )
            payments = await session.scalars(
                select(Payment.unallocated_minor).where(Payment.resident_id == self.resident_id)
            )
            return sum(invoices), sum(payments)

    async def posted(self, account: Account) -> int:
        """The same by the ledger."""
        async with self.house.session() as session:
            minor = await session.scalars(
                select(Posting.minor).where(
                    Posting.account == account, Posting.resident_id == self.resident_id
                )
            )
            return sum(minor)


@settings(settings.get_profile("house"), max_examples=soaked(400, tenth=25))
@given(acts=ACTS)
async def test_whatever_happens_the_books_balance(
    database: Database, house: House, acts: list[tuple[str, int, int]]
) -> None:
    """Done or refused: every invariant holds, and nobody has both debt and advance."""
    book = Book(await a_debt(house, DUE, rent_minor=1_000_00, period=DUE.replace(day=1)))
    for act in acts:
        await book.act(*act)
    owed, advance = await book.totals()
    assert owed == await book.posted(Account.receivables)
    assert advance == -await book.posted(Account.advances)
    assert not (owed and advance)
    assert await breaches(database) == {}


# How each question is seen to answer: what to do to healthy books so that it finds something.
PLANTED = {
    "every entry balances per currency": (
        "update postings set minor = minor - 1 where account = 'rent_income'"
    ),
    "a balance is the sum of its receivable postings": (
        "update invoices set balance_minor = balance_minor - 1 where status = 'issued'"
    ),
    "what is owed is the total less money, credit and what was given up": (
        "update allocations set amount_minor = amount_minor + 1"
    ),
    "what was given up is the loss in the ledger": (
        "update invoices set written_off_minor = written_off_minor + 1"
    ),
    "what was recovered is the income in the ledger": ("update allocations set recovered = true"),
    "credit notes never take back more than was charged": (
        "insert into credit_notes (tenant_id, invoice_id, credit_note_number, reason, currency,"
        " subtotal_minor, cgst_minor, sgst_minor, igst_minor, total_minor, issued_on,"
        " effective_at)"
        " select tenant_id, id, 'CN/26-27/000001', 'x', currency, 1, 0, 0, 0, 1, due_date,"
        " issued_at from invoices where status = 'paid'"
    ),
    "an invoice issued anew replaces a cancelled one of its month": (
        "update invoices set replaces_id = (select id from invoices where status = 'paid')"
        " where status = 'issued'"
    ),
    "advances are the advances account, per resident": (
        "update payments set unallocated_minor = unallocated_minor - 1 where unallocated_minor > 0"
    ),
    "a payment is on invoices or in advance, to the last unit": (
        "update allocations set amount_minor = amount_minor - 1 where amount_minor > 1"
    ),
    "no payment took back more from an invoice than it gave": (
        "update allocations set amount_minor = -amount_minor"
    ),
    "paid means nothing is owed, and nothing owed means paid": (
        "update invoices set paid_at = null where status = 'paid'"
    ),
    "numbers have no gap in their series and fiscal year": (
        "update number_series set next_number = next_number + 1 where series = 'PAY'"
    ),
    "an agreement is billed once a month": (
        "update invoices set period = '2026-10-01', sequence = balance_minor,"
        " agreement_id = (select min(agreement_id::text)::uuid from invoices)"
    ),
    "no place is taken twice at once": (
        "alter table occupancies drop constraint ex_occupancies_one_at_a_time;"
        "insert into occupancies (tenant_id, unit_id, kind, starts_at)"
        " select tenant_id, unit_id, 'residence', starts_at from occupancies"
    ),
    "CGST equals SGST, and lines add up to their document": (
        "update invoice_lines set cgst_minor = cgst_minor + 1"
    ),
    "an open invoice with a plan has a life or a wake-up": "delete from wakes",
    "a closed invoice plans nothing": (
        "update next_actions set subject_id = (select id from invoices where status = 'paid')"
        " where ordinal = 0"
    ),
    "no event was passed over, and positions have no gap": (
        "update domain_events set recorded_at = recorded_at - interval '1 day'"
    ),
}


@pytest.mark.parametrize("name", INVARIANTS)
async def test_each_question_sees_its_breach(
    database: Database, house: House, database_urls: DatabaseUrls, name: str
) -> None:
    paid = await a_debt(house, DUE)
    await pay(paid, ten(DUE), RENT_MINOR + 1_00)
    await a_debt(house, DUE)
    assert await breaches(database) == {}
    connection = await asyncpg.connect(database_urls.superuser)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(PLANTED[name])
    finally:
        await connection.close()
    assert name in await breaches(database)
