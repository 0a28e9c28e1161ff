"""What the pay page of a resident tells, read in a few statements; it writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain import agreement
from domain.calendar import local_day
from domain.errors import NotFound
from domain.invoice import InvoiceStatus
from domain.money import Money
from domain.pay_page import (
    Account,
    Agreed,
    Bill,
    Instalment,
    Received,
    Standing,
    UnderWay,
    standing,
)
from domain.payment_account import Provider
from domain.payment_attempt import OPEN, AttemptStatus, PayBy
from domain.upi import to_pay
from models import agreement_plan, message_facts
from models.instalment import open_parts_of
from models.invoice import Invoice, InvoiceLine
from models.payment import Payment, PaymentStatus
from models.payment_account import AccountStatus, PaymentAccount
from models.payment_attempt import PaymentAttempt
from models.place import Property
from models.resident import Agreement, AgreementStatus, Resident
from models.tenant import BillingSettings, Tenant

LATEST: Final = 3
CAME_IN: Final = (
    PaymentStatus.COMPLETED,
    PaymentStatus.PARTIALLY_REFUNDED,
)
# What a merchant account offers a payer, in the order in which the ways are shown.
OFFERS: Final[tuple[tuple[Provider, tuple[PayBy, ...]], ...]] = (
    (Provider.razorpay, (PayBy.link, PayBy.upi_qr)),
    (Provider.stripe, (PayBy.checkout,)),
)


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who pays, and whom."""

    first_name: str
    language: str
    tenant_name: str
    contact: str
    currency: str
    zone: str
    payee: str | None
    advance: int | None
    providers: Sequence[str] | None


async def account_of(session: AsyncSession, resident_id: UUID, at: datetime) -> Account:
    """All that the resident owes and lately paid, as of `at`; NotFound when there is no such one.

    Invoices in another currency than that of the oldest are left to a page of their own.
    """
    payer = await _payer(session, resident_id)
    bills = await _bills(session, resident_id, at)
    currency = bills[0].balance.currency if bills else payer.currency
    bills = [bill for bill in bills if bill.balance.currency == currency]
    due = Money(sum(_open_minor(bill) for bill in bills), currency)
    oldest = bills[0].number if bills else ""
    return Account(
        tenant_name=payer.tenant_name,
        contact=payer.contact,
        first_name=payer.first_name,
        language=payer.language,
        at=at,
        zone=payer.zone,
        bills=bills,
        due=due,
        advance=Money(int(payer.advance or 0), payer.currency),
        received=await _received(session, resident_id),
        ways=_ways(payer.providers or ()),
        payee=payer.payee,
        upi=to_pay(payer.payee, payer.tenant_name, oldest, due),
        next_due=None if bills else await _next_due(session, resident_id, at),
        under_way=await _under_way(session, resident_id, at),
    )


async def _payer(session: AsyncSession, resident_id: UUID) -> _Payer:
    advance = (
        select(func.sum(Payment.unallocated_minor))
        .where(
            Payment.resident_id == Resident.id,
            Payment.unallocated_minor > 0,
            Payment.currency == Tenant.currency,
            Payment.status.in_(CAME_IN),
        )
        .scalar_subquery()
    )
    providers = (
        select(func.array_agg(PaymentAccount.provider))
        .where(PaymentAccount.status == AccountStatus.ACTIVE)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            Resident.first_name,
            Resident.language,
            Tenant.name,
            Tenant.billing_email,
            Tenant.currency,
            Tenant.timezone,
            BillingSettings.upi_vpa,
            advance,
            providers,
        )
        .join(Tenant, Tenant.tenant_id == Resident.tenant_id)
        .outerjoin(BillingSettings, BillingSettings.tenant_id == Resident.tenant_id)
        .where(Resident.id == resident_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"there is no resident {resident_id}")
    return _Payer(*row)


def _ways(providers: Sequence[str]) -> list[PayBy]:
    return [way for provider, ways in OFFERS if provider in providers for way in ways]


async def _bills(session: AsyncSession, resident_id: UUID, at: datetime) -> list[Bill]:
    """The open invoices, the oldest due day first; a late fee stands with what it is for."""
    found = await session.execute(
        select(Invoice, Property.name)
        .outerjoin(
            Property,
            (Property.tenant_id == Invoice.tenant_id) & (Property.id == Invoice.property_id),
        )
        .where(
            Invoice.resident_id == resident_id,
            Invoice.status == InvoiceStatus.issued,
            Invoice.balance_minor > 0,
        )
        .order_by(Invoice.due_date, Invoice.id)
    )
    rows = [(invoice, house) for invoice, house in found]
    lines = await message_facts.lines_of(session, [invoice.id for invoice, _ in rows])
    read = {
        invoice.id: await _bill(session, invoice, house, lines.get(invoice.id, ()), at)
        for invoice, house in rows
    }
    fees: dict[UUID, list[Bill]] = {}
    for invoice, _ in rows:
        if invoice.parent_id is not None and invoice.parent_id in read:
            fees.setdefault(invoice.parent_id, []).append(read[invoice.id])
    return [
        _with_fees(read[invoice.id], fees.get(invoice.id, ()))
        for invoice, _ in rows
        if invoice.parent_id not in read
    ]


def _with_fees(bill: Bill, fees: Sequence[Bill]) -> Bill:
    return replace(bill, fees=fees) if fees else bill


def _open_minor(bill: Bill) -> int:
    return bill.balance.minor + sum(fee.balance.minor for fee in bill.fees)


async def _bill(
    session: AsyncSession,
    invoice: Invoice,
    house: str | None,
    lines: Sequence[InvoiceLine],
    at: datetime,
) -> Bill:
    parts = [
        Instalment(one.number, one.of, one.part.due, Money(one.open_minor, invoice.currency))
        for one in await open_parts_of(session, invoice)
    ]
    agreed = Agreed(
        due=parts[0].due if parts else invoice.due_date,
        promised_for=invoice.promised_for,
        paused_until=invoice.paused_until,
        disputed=invoice.disputed_at is not None,
    )
    stands = standing(agreed, local_day(at, invoice.timezone))
    return Bill(
        invoice_id=invoice.id,
        number=invoice.invoice_number or "",
        lines=[(line.description, Money(_with_tax(line), invoice.currency)) for line in lines],
        due=agreed.due,
        total=Money(invoice.total_minor, invoice.currency),
        balance=Money(invoice.balance_minor, invoice.currency),
        standing=stands,
        until=_until(agreed, stands),
        house=house,
        instalments=parts,
    )


def _until(agreed: Agreed, stands: Standing) -> date | None:
    days = {Standing.promised: agreed.promised_for, Standing.paused: agreed.paused_until}
    return days.get(stands)


def _with_tax(line: InvoiceLine) -> int:
    return line.amount_minor + line.cgst_minor + line.sgst_minor + line.igst_minor


async def _received(session: AsyncSession, resident_id: UUID) -> list[Received]:
    found = await session.scalars(
        select(Payment)
        .where(Payment.resident_id == resident_id, Payment.status.in_(CAME_IN))
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(LATEST)
    )
    return [
        Received(
            row.id,
            row.payment_number,
            Money(row.amount_minor, row.currency),
            row.paid_on,
            row.paid_at,
            row.method,
            row.attempt_id,
        )
        for row in found
    ]


async def _under_way(session: AsyncSession, resident_id: UUID, at: datetime) -> UnderWay | None:
    """The newest try that is open and still wanted."""
    row = await session.scalar(
        select(PaymentAttempt)
        .where(
            PaymentAttempt.resident_id == resident_id,
            PaymentAttempt.status.in_(OPEN),
            PaymentAttempt.close_asked_at.is_(None),
            PaymentAttempt.expires_at > at,
        )
        .order_by(PaymentAttempt.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    return UnderWay(
        by=PayBy(row.by),
        status=AttemptStatus(row.status),
        amount=Money(row.amount_minor, row.currency),
        expires_at=row.expires_at,
        url=row.upi_uri or row.pay_url,
    )


async def _next_due(session: AsyncSession, resident_id: UUID, at: datetime) -> date | None:
    """When the resident will be asked for money next, over all agreements that bind them."""
    rows = await session.scalars(
        select(Agreement).where(
            Agreement.resident_id == resident_id, Agreement.status == AgreementStatus.ACTIVE
        )
    )
    days = [
        agreement.next_due(await agreement_plan.facts_of(session, row), at) for row in rows.all()
    ]
    return min((day for day in days if day is not None), default=None)
