"""A bank statement in the rows: what is certain is booked once, the rest is asked, nothing lost."""


from datetime import date

from sqlalchemy import select

from models.invoice import Invoice
from models.message import Message, Purpose
from models.payment import Payment, PaymentMethod
from models.statement import LineState
from tests.support.books import DUE, LATER, balances, booked, breaches, money, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.house import House, a_property, a_resident, a_tenant
from tests.support.statement import a_statement, brought_in, lines_of, tasks_of

UTR = "HDFCN52026100512345"


async def a_named_debt(
    house: House, first_name: str, last_name: str, rent_minor: int = RENT_MINOR
) -> Debt:
    """A resident of that name who owes a month."""
    resident = await a_resident(house, first_name, last_name)
    return await a_debt(house, DUE, resident_id=resident.id, rent_minor=rent_minor)


async def number(debt: Debt) -> str:
    """The number of the debt's invoice."""
    return str((await debt.row()).invoice_number)


async def test_what_names_its_invoice_and_pays_it_whole_is_booked_as_the_bank_dated_it(
    house: House,
) -> None:
    """The invoice is paid, the payment carries UTR and value date, a receipt goes out."""
    debt = await a_named_debt(house, "Asha", "Rao")
    row = f'04/10/2026,"10,000.00",{UTR},NEFT CR {await number(debt)} ASHA RAO'
    told = await brought_in(house, a_statement(row))
    assert told.exit_code == 0
    assert told.outcome.booked() == {"exact": (1, RENT_MINOR)}
    payment = (await rows(house, Payment))[0]
    assert (payment.paid_on, payment.reference) == (date(2026, 10, 4), UTR)
    assert (payment.method, payment.amount_minor) == (PaymentMethod.BANK_TRANSFER, RENT_MINOR)
    assert (await debt.row()).status == "paid"
    line = (await lines_of(house))[0]
    assert (line.state, line.rule, line.payment_id) == (LineState.BOOKED, "exact", payment.id)
    receipts = [m for m in await rows(house, Message) if m.purpose == Purpose.RECEIPT]
    assert [m.about_id for m in receipts] == [payment.id]
    assert await breaches(house.database) == {}
