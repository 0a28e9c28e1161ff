"""What the rows say for a bank statement: a handful of queries for the whole file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.allocation import OpenInvoice
from domain.invoice import InvoiceStatus
from domain.statement import Credit
from domain.statement_facts import Facts, Payer, Payment
from domain.statement_words import address_in, numbers_in
from models.invoice import Invoice
from models.payment import Payment as PaymentRow
from models.payment import PaymentMethod, PaymentStatus
from models.resident import Agreement, AgreementStatus, Resident
from models.statement import LineState, StatementLine

# Money that somebody booked by hand this long around the statement may be one of its lines.
AROUND = timedelta(days=31)
LATELY = timedelta(days=20)
# A payer's address comes once or twice a statement; one on more lines is the house's own.
SHARED_FROM = 3
_BY_BANK = (
    PaymentMethod.UPI,
    PaymentMethod.NETBANKING,
    PaymentMethod.BANK_TRANSFER,
    PaymentMethod.CHEQUE,
    PaymentMethod.CARD,
)
_GONE = (PaymentStatus.BOUNCED, PaymentStatus.FAILED)
_CLOSED = text("""
select invoice_number, resident_id, id from invoices
 where status <> 'issued' and invoice_number is not null
   and regexp_replace(upper(invoice_number), '[^A-Z0-9]', '', 'g') = any(:numbers)
""")
_REFERRED = text("""
select id from payments
 where reference is not null and status not in ('bounced', 'failed')
   and ltrim(regexp_replace(upper(reference), '[^A-Z0-9]', '', 'g'), '0') = any(:keys)
""")
_ADDRESSES = text("""
select payer_address, min(resident_id::text)::uuid as resident_id from statement_lines
 where payer_address = any(:addresses) and state <> 'dismissed'
 group by payer_address
having bool_and(resident_id is not null and rule is distinct from 'amount')
   and count(distinct resident_id) = 1
""")


async def facts_for(session: AsyncSession, credits_: Sequence[Credit], currency: str) -> Facts:
    """Everything that these credits can be matched against."""
    days = [credit.day for credit in credits_] or [date.max]
    return Facts(
        payers=await _payers(session, currency, min(days)),
        closed=await _closed(session, credits_),
        payments=await _payments(session, credits_, currency),
        addresses=await _addresses(session, credits_),
        utrs=await _utrs(session, credits_),
        waiting=await _waiting(session, credits_),
    )


async def open_of(session: AsyncSession, resident_id: UUID, currency: str) -> list[OpenInvoice]:
    """What one resident has open now."""
    found = await _open(session, currency, resident_id)
    return found.get(resident_id, [])


async def _open(
    session: AsyncSession, currency: str, resident_id: UUID | None = None
) -> dict[UUID, list[OpenInvoice]]:
    query = select(
        Invoice.resident_id,
        Invoice.id,
        Invoice.due_date,
        Invoice.invoice_number,
        Invoice.balance_minor,
    ).where(
        Invoice.status == InvoiceStatus.issued,
        Invoice.balance_minor > 0,
        Invoice.currency == currency,
    )
    if resident_id is not None:
        query = query.where(Invoice.resident_id == resident_id)
    found: dict[UUID, list[OpenInvoice]] = {}
    for owner, invoice_id, due, number, minor in await session.execute(query):
        found.setdefault(owner, []).append(OpenInvoice(invoice_id, due, number or "", minor))
    return found


async def _payers(session: AsyncSession, currency: str, first: date) -> dict[UUID, Payer]:
    invoices = await _open(session, currency)
    terms = await _terms(session, currency)
    lately = set(
        await session.scalars(
            select(PaymentRow.resident_id)
            .where(PaymentRow.paid_on >= first - LATELY, PaymentRow.status.not_in(_GONE))
            .distinct()
        )
    )
    people = await session.execute(
        select(Resident.id, Resident.first_name, Resident.last_name, Resident.phone)
    )
    return {
        who: Payer(
            id=who,
            name=f"{first_name} {last_name}".strip(),
            phone=phone,
            numbers=tuple(number for number, _ in terms.get(who, ())),
            rents=frozenset(rent for _, rents in terms.get(who, ()) for rent in rents),
            invoices=tuple(invoices.get(who, ())),
            paid_lately=who in lately,
        )
        for who, first_name, last_name, phone in people
    }


async def _terms(
    session: AsyncSession, currency: str
) -> dict[UUID, list[tuple[str, tuple[int, ...]]]]:
    """By resident, each agreement's number, and what it asks for a month while it is active."""
    whole = Agreement.rent_minor + Agreement.maintenance_minor + Agreement.food_minor
    rows = await session.execute(
        select(
            Agreement.resident_id,
            Agreement.agreement_number,
            Agreement.status,
            Agreement.rent_minor,
            whole,
        ).where(Agreement.currency == currency)
    )
    found: dict[UUID, list[tuple[str, tuple[int, ...]]]] = {}
    for who, number, status, rent, month in rows:
        rents = (rent, month) if status == AgreementStatus.ACTIVE else ()
        found.setdefault(who, []).append((number, rents))
    return found


async def _closed(
    session: AsyncSession, credits_: Iterable[Credit]
) -> list[tuple[str, UUID, UUID]]:
    """Invoices that the statement names and that take no money: they still say whose it is."""
    year_and_count = 10  # the digits that every document's number ends with
    numbers = {
        number
        for credit in credits_
        for said in (credit.narration, credit.reference)
        for number in numbers_in(said)
        if number[-year_and_count:].isdigit() and len(number) > year_and_count
    }
    rows = await session.execute(_CLOSED, {"numbers": sorted(numbers)})
    return [(number, who, invoice_id) for number, who, invoice_id in rows]


async def _payments(
    session: AsyncSession, credits_: Sequence[Credit], currency: str
) -> list[Payment]:
    """Payments with a reference of the statement, or booked by hand about these days."""
    if not credits_:
        return []
    rows = await session.execute(_REFERRED, {"keys": sorted(_references(credits_))})
    referred = [row.id for row in rows]
    days = [credit.day for credit in credits_]
    amounts = {credit.minor for credit in credits_}
    about = PaymentRow.paid_on.between(min(days) - AROUND, max(days) + AROUND)
    by_hand = PaymentRow.method.in_(_BY_BANK) & about & among(PaymentRow.amount_minor, amounts)
    linked = select(StatementLine.payment_id).where(StatementLine.payment_id.is_not(None))
    found = await session.execute(
        select(
            PaymentRow.id,
            PaymentRow.payment_number,
            PaymentRow.resident_id,
            PaymentRow.amount_minor,
            PaymentRow.paid_on,
            PaymentRow.reference,
            PaymentRow.id.in_(linked),
        )
        .where(
            among(PaymentRow.id, referred) | by_hand,
            PaymentRow.status.not_in(_GONE),
            PaymentRow.currency == currency,
        )
        .order_by(PaymentRow.id)
    )
    return [Payment(*row) for row in found]


def _references(credits_: Iterable[Credit]) -> set[str]:
    keys: set[str] = set()
    for credit in credits_:
        keys |= {number.lstrip("0") for number in numbers_in(credit.narration)}
        keys |= {number.lstrip("0") for number in numbers_in(credit.reference)}
        keys.add(credit.utr or "")
    shortest = 4
    return {key for key in keys if len(key) >= shortest and any(map(str.isdigit, key))}


async def _addresses(session: AsyncSession, credits_: Iterable[Credit]) -> dict[str, UUID]:
    """The UPI addresses that paid for one resident alone, as a number or a person told."""
    said = Counter(address_in(credit.narration) for credit in credits_)
    addresses = {one for one, times in said.items() if one is not None and times < SHARED_FROM}
    rows = await session.execute(_ADDRESSES, {"addresses": sorted(addresses)})
    return {row.payer_address: row.resident_id for row in rows}


async def _utrs(session: AsyncSession, credits_: Iterable[Credit]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for credit in credits_:
        if credit.utr is not None:
            found.setdefault(credit.utr, set()).add(credit.minor)
    rows = await session.execute(
        select(StatementLine.utr, StatementLine.amount_minor).where(among(StatementLine.utr, found))
    )
    for utr, minor in rows:
        assert utr is not None
        found[utr].add(minor)
    return found


async def _waiting(session: AsyncSession, credits_: Iterable[Credit]) -> dict[int, set[UUID]]:
    rows = await session.execute(
        select(StatementLine.amount_minor, StatementLine.candidates).where(
            StatementLine.state == LineState.OPEN,
            among(StatementLine.amount_minor, {credit.minor for credit in credits_}),
        )
    )
    found: dict[int, set[UUID]] = {}
    for minor, candidates in rows:
        people: list[dict[str, Any]] = candidates
        found.setdefault(minor, set()).update(UUID(one["residentId"]) for one in people)
    return found


def among(column: InstrumentedAttribute[Any], values: Iterable[object]) -> ColumnElement[bool]:
    """As one array: a statement has more lines than a statement of SQL may have parameters."""
    return column == any_(literal(list(values), ARRAY(column.type)))
