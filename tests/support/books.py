"""The books of a house as tests move and read them: money, fees, balances, invariants."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, inspect, select

from domain.invoice import InvoiceType
from models import late_fee
from models.collection import CollectionTerms, facts_of
from models.database import Database
from models.invariants import check
from models.invoice import Invoice
from models.issuing import NewInvoice, issue
from models.ledger import Posting
from models.money_in import receive
from models.money_intake import NewPayment
from models.payment import Payment, PaymentMethod
from models.settling import locked_invoice
from tests.support.debt import RENT_MINOR, TERMS, Debt, a_line, ten
from tests.support.house import INR, House

DUE = date(2026, 10, 5)
FEE_DAY = DUE + timedelta(days=4)
LATER = ten(date(2026, 10, 20))


async def breaches(database: Database) -> dict[str, list[str]]:
    """What breaks an invariant, by its name; empty when the books are as they must be."""
    found = await check(database)
    return {name: [breach.detail for breach in broken] for name, broken in found.items() if broken}


async def balances(house: House) -> dict[str, int]:
    """Every account that is not at zero, debits less credits in minor units."""
    async with house.session() as session:
        found = await session.execute(
            select(Posting.account, func.sum(Posting.minor)).group_by(Posting.account)
        )
        return {account: int(minor) for account, minor in found if minor}


async def rows(house: House, model: type[Any]) -> list[Any]:
    """Every row of a table, in the order they were written."""
    async with house.session() as session:
        return list(
            await session.scalars(
                select(model).order_by(model.recorded_at, *inspect(model).primary_key)
            )
        )


def money(
    resident_id: UUID,
    minor: int,
    paid_on: date = DUE,
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER,
    **more: Any,
) -> NewPayment:
    """Money by bank transfer, dated on the due day unless told otherwise."""
    return NewPayment(resident_id, minor, INR, method, paid_on, **more)


async def booked(house: House, new: NewPayment, at: datetime = LATER) -> Payment:
    """The payment, booked in a transaction of its own."""
    async with house.session() as session:
        return await receive(session, new, at)


async def another(
    debt: Debt,
    due: date,
    minor: int = RENT_MINOR,
    rate: Decimal = Decimal(0),
    terms: CollectionTerms = TERMS,
) -> Debt:
    """A second invoice of the same payer, issued when the first was."""
    row = await debt.row()
    new = NewInvoice(
        resident_id=debt.resident_id,
        agreement_id=row.agreement_id,
        property_id=row.property_id,
        parent_id=None,
        invoice_type=InvoiceType(row.invoice_type),
        lines=[a_line(minor, rate)],
        due=due,
        terms=terms,
    )
    async with debt.house.session() as session:
        invoice = await issue(session, new, row.issued_at or LATER)
    return Debt(debt.house, debt.resident_id, invoice.id, due)


async def charged(debt: Debt, at: datetime | None = None) -> Invoice:
    """The late fee of the debt, charged on its day."""
    at = at or ten(FEE_DAY)
    async with debt.house.session() as session:
        parent = await locked_invoice(session, debt.invoice_id)
        return await late_fee.charge(session, parent, await facts_of(session, parent), at)
