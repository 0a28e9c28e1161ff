"""A person's answer to a line of a statement: whose money it is, that it is here, or nobody's."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict, IllegalTransition, InvalidInput
from domain.statement import Credit
from domain.statement_matching import Rule
from models import event
from models.database import one
from models.invoice import Invoice
from models.money_in import receive
from models.payment import Payment, PaymentStatus
from models.statement import STATEMENT_LINE, LineState, StatementLine
from models.statement_import import new_payment

GONE = (PaymentStatus.BOUNCED, PaymentStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of: a resident or an invoice to book it to, the payment it is, or nobody's."""

    resident_id: UUID | None = None
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    dismiss: bool = False

    @property
    def is_made(self) -> bool:
        """Something was chosen at all."""
        return self != Choice()


async def answer(
    session: AsyncSession, line_id: UUID, choice: Choice, reason: str, at: datetime
) -> None:
    """Do with the line what was chosen; its row is locked by the caller.

    InvalidInput for no choice or two, IllegalTransition when the line was settled before or the
    named invoice takes no money, Conflict when its UTR is booked already for the same amount.
    """
    line = await one(session, StatementLine, line_id)
    if line.state != LineState.OPEN:
        raise IllegalTransition(f"the line is {line.state} already")
    books = choice.resident_id is not None or choice.invoice_id is not None
    if [books, choice.payment_id is not None, choice.dismiss].count(True) != 1:
        message = (
            "choose one: residentId or invoiceId books it, paymentId says it is here already,"
            " dismiss leaves it out"
        )
        raise InvalidInput.of("residentId", "CHOICE", message)
    if choice.payment_id is not None:
        await _is(session, line, choice.payment_id)
    elif choice.dismiss:
        line.state = LineState.DISMISSED
    else:
        await _book(session, line, choice, at)
    line.why = f"somebody decided: {reason}"
    await _told(session, line, at)


async def _book(session: AsyncSession, line: StatementLine, choice: Choice, at: datetime) -> None:
    resident_id = choice.resident_id
    if choice.invoice_id is not None:
        resident_id = resident_id or (await one(session, Invoice, choice.invoice_id)).resident_id
    assert resident_id is not None
    await _not_here_yet(session, line)
    said = Credit(
        line=line.file_line,
        day=line.day,
        minor=line.amount_minor,
        narration=line.narration,
        reference=line.reference,
        utr=line.utr,
    )
    new = new_payment(said, line.currency, resident_id, choice.invoice_id)
    payment = await receive(session, new, at)
    line.state, line.rule = LineState.BOOKED, Rule.PERSON
    line.resident_id, line.payment_id = resident_id, payment.id


async def _not_here_yet(session: AsyncSession, line: StatementLine) -> None:
    """A payment that carries this UTR over this amount is the same money."""
    if line.utr is None:
        return
    bare = func.ltrim(func.regexp_replace(func.upper(Payment.reference), "[^A-Z0-9]", "", "g"), "0")
    known = await session.scalar(
        select(Payment.payment_number)
        .where(
            bare == line.utr.lstrip("0"),
            Payment.amount_minor == line.amount_minor,
            Payment.status.not_in(GONE),
        )
        .limit(1)
    )
    if known is not None:
        raise Conflict(
            f"UTR {line.utr} is booked already as {known}: name it as paymentId",
            code="ALREADY_BOOKED",
        )


async def _is(session: AsyncSession, line: StatementLine, payment_id: UUID) -> None:
    payment = await one(session, Payment, payment_id, lock=True)
    if (payment.amount_minor, payment.currency) != (line.amount_minor, line.currency):
        raise InvalidInput.of("paymentId", "OTHER_AMOUNT", "is a payment of another amount")
    if payment.status in GONE:
        raise IllegalTransition(f"{payment.payment_number} is {payment.status}")
    taken = await session.scalar(
        select(exists().where(StatementLine.payment_id == payment_id, StatementLine.id != line.id))
    )
    if taken:
        raise Conflict(f"another line is {payment.payment_number} already", code="ALREADY_LINKED")
    line.state = LineState.KNOWN
    line.resident_id, line.payment_id = payment.resident_id, payment.id


async def _told(session: AsyncSession, line: StatementLine, at: datetime) -> None:
    paid = {} if line.payment_id is None else {"payment_id": str(line.payment_id)}
    await event.record(session, f"statement_line.{line.state}", STATEMENT_LINE, line.id, at, **paid)
