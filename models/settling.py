"""What every act that moves a resident's money shares: the order of locks, balances, numbers.

The resident's row is locked first (FOR NO KEY UPDATE), then invoices by id, then payments by id:
two acts on one resident never interleave, and no two wait for each other in a circle.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.calendar import fiscal_year
from domain.errors import NotFound
from domain.invoice import InvoiceStatus
from models import event
from models.bulk import insert_all, update_all
from models.database import one, tenant_of
from models.event import Happened
from models.invoice import Invoice
from models.life import SubjectKind
from models.number import take_numbers
from models.payment import Allocation
from models.place import Property
from models.resident import Agreement, AgreementStatus, Resident
from models.tenant import Tenant


async def lock_resident(session: AsyncSession, resident_id: UUID) -> None:
    """Hold the resident's money until the transaction ends; NotFound when there is no resident."""
    await lock_residents(session, [resident_id])


async def lock_residents(session: AsyncSession, resident_ids: Iterable[UUID]) -> None:
    """Hold the money of these residents, in the order of their ids; NotFound names one of them."""
    wanted = set(resident_ids)
    found = await session.scalars(
        select(Resident.id)
        .where(Resident.id.in_(wanted))
        .order_by(Resident.id)
        .with_for_update(key_share=True)
    )
    if missing := sorted(wanted - set(found)):
        raise NotFound(f"there is no resident {missing[0]}")


async def locked_invoice(session: AsyncSession, invoice_id: UUID) -> Invoice:
    """The invoice, locked after its resident and read anew."""
    known = await one(session, Invoice, invoice_id)
    await lock_resident(session, known.resident_id)
    await session.flush()
    return await one(session, Invoice, invoice_id, lock=True)


async def locked_invoices(session: AsyncSession, ids: Iterable[UUID]) -> list[Invoice]:
    """These invoices, locked in the order of their ids; the resident is locked by the caller."""
    return await locked_where(session, Invoice.id.in_(set(ids)))


async def open_invoices(
    session: AsyncSession, resident_id: UUID, currency: str, *, named: UUID | None = None
) -> list[Invoice]:
    """The resident's invoices that can take money, locked in the order of their ids.

    The named one is among them whatever its state, and so is its late fee.
    """
    invoices = await open_invoices_of(session, [resident_id], () if named is None else [named])
    return [invoice for invoice in invoices[resident_id] if invoice.currency == currency]


async def open_invoices_of(
    session: AsyncSession, resident_ids: Collection[UUID], named: Collection[UUID] = ()
) -> dict[UUID, list[Invoice]]:
    """The same of many residents, in every currency."""
    takes = Invoice.status == InvoiceStatus.issued
    if named:
        takes = or_(takes, Invoice.id.in_(named), Invoice.parent_id.in_(named))
    invoices: dict[UUID, list[Invoice]] = {resident_id: [] for resident_id in resident_ids}
    for invoice in await locked_where(session, Invoice.resident_id.in_(resident_ids), takes):
        invoices[invoice.resident_id].append(invoice)
    return invoices


async def locked_where(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[Invoice]:
    """Such invoices, locked in the order of their ids and read anew."""
    rows = await session.scalars(
        select(Invoice)
        .where(*conditions)
        .order_by(Invoice.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def moved(session: AsyncSession, invoice: Invoice, minor: int, at: datetime) -> None:
    """Change the balance of a locked invoice; nothing left: paid, something again: issued.

    One of which a part was given up is never paid: with nothing left it is written off again.
    """
    await move_all(session, [(invoice, minor)], at)


async def move_all(
    session: AsyncSession, changes: Iterable[tuple[Invoice, int]], at: datetime
) -> None:
    """The same for many locked invoices."""
    moves = [(invoice, minor) for invoice, minor in changes if minor]
    happened = [_changed(invoice, minor, at) for invoice, minor in moves]
    await update_all(session, dict.fromkeys(invoice for invoice, _ in moves))
    await event.record_all(session, [one for one in happened if one is not None], at)


def _changed(invoice: Invoice, minor: int, at: datetime) -> Happened | None:
    invoice.balance_minor += minor
    if invoice.balance_minor == 0:
        given_up = invoice.written_off_minor > 0
        return _closed(invoice, InvoiceStatus.written_off if given_up else InvoiceStatus.paid, at)
    if invoice.status == InvoiceStatus.issued:
        return None
    invoice.status = InvoiceStatus.issued
    invoice.paid_at = None
    invoice.closing_reason = None
    return _told(invoice, "reopened")


async def closed(
    session: AsyncSession, invoice: Invoice, status: InvoiceStatus, at: datetime
) -> None:
    """Nothing is owed on a locked invoice any more, for the reason that `status` names."""
    await event.record_all(session, [_closed(invoice, status, at)], at)


def _closed(invoice: Invoice, status: InvoiceStatus, at: datetime) -> Happened:
    invoice.status = status
    invoice.paid_at = at if status is InvoiceStatus.paid else None
    invoice.cancelled_at = at if status is InvoiceStatus.cancelled else None
    return _told(invoice, status)


def _told(invoice: Invoice, what: str) -> Happened:
    said: dict[str, Any] = {
        "resident_id": str(invoice.resident_id),
        "number": invoice.invoice_number,
        "balance_minor": invoice.balance_minor,
        "currency": invoice.currency,
    }
    if what == InvoiceStatus.paid:
        said["total_minor"] = invoice.total_minor
    return Happened(f"invoice.{what}", SubjectKind.INVOICE, invoice.id, said)


async def timezone_of(session: AsyncSession, resident_id: UUID) -> str:
    """The zone of the house the resident lives in, or lived in last; else the tenant's own."""
    return (await timezones_of(session, [resident_id]))[resident_id]


async def timezones_of(session: AsyncSession, resident_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The same for many residents."""
    wanted = set(resident_ids)
    rows = await session.execute(
        select(Agreement.resident_id, Property.timezone)
        .join(Property, Property.id == Agreement.property_id)
        .where(Agreement.resident_id.in_(wanted))
        .ext(distinct_on(Agreement.resident_id))
        .order_by(
            Agreement.resident_id,
            case((Agreement.status == AgreementStatus.ACTIVE, 0), else_=1),
            Agreement.start_date.desc(),
            Agreement.id,
        )
    )
    zones: dict[UUID, str] = dict(rows.all())
    if homeless := wanted - zones.keys():
        zones |= dict.fromkeys(homeless, (await our_tenant(session)).timezone)
    return zones


async def our_tenant(session: AsyncSession) -> Tenant:
    """The tenant this transaction belongs to."""
    return await one(session, Tenant, tenant_of(session))


async def next_number(session: AsyncSession, series: str, day: date) -> str:
    """The next number of a series in the fiscal year of the day it is given out.

    An act that needs several takes its credit notes' numbers first and its payment's last.
    """
    return (await next_numbers(session, series, [day]))[0]


async def next_numbers(session: AsyncSession, series: str, days: Sequence[date]) -> list[str]:
    """A number for each of these days, in their order."""
    tenant = await our_tenant(session)
    years = [fiscal_year(day, tenant.country) for day in days]
    given = {
        year: iter((await take_numbers(session, {series: years.count(year)}, year))[series])
        for year in sorted(set(years))
    }
    return [next(given[year]) for year in years]


@dataclass(frozen=True, slots=True)
class Share:
    """Money of one payment, or of one credit note, on one invoice; below zero: taken back.

    `recovered` is money for what had been written off.
    """

    invoice_id: UUID
    minor: int
    currency: str
    payment_id: UUID | None = None
    credit_note_id: UUID | None = None
    recovered: bool = False


async def allocate(session: AsyncSession, shares: Sequence[Share], at: datetime) -> None:
    """Write down whose money went to which invoice; balances and postings are the caller's."""
    rows = [
        {
            "payment_id": share.payment_id,
            "credit_note_id": share.credit_note_id,
            "invoice_id": share.invoice_id,
            "amount_minor": share.minor,
            "currency": share.currency,
            "recovered": share.recovered,
            "effective_at": at,
        }
        for share in shares
    ]
    await insert_all(session, Allocation, rows)


async def paid_by(session: AsyncSession, invoice_id: UUID) -> dict[UUID, int]:
    """What each payment has on the invoice, what was taken back again left out."""
    ours = (Allocation.invoice_id == invoice_id, ~Allocation.recovered)
    return await _net(session, Allocation.payment_id, *ours)


async def paid_to(
    session: AsyncSession, payment_id: UUID, *, recovered: bool = False
) -> dict[UUID, int]:
    """What the payment has on each invoice, what was taken back again left out.

    `recovered` asks for what it brought in of debts written off instead.
    """
    ours = (Allocation.payment_id == payment_id, Allocation.recovered == recovered)
    return await _net(session, Allocation.invoice_id, *ours)


async def _net(
    session: AsyncSession, by: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> dict[UUID, int]:
    total = func.sum(Allocation.amount_minor)
    rows = await session.execute(
        select(by, total).where(*conditions, by.is_not(None)).group_by(by).having(total != 0)
    )
    return {found: int(minor) for found, minor in rows}
