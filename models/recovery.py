"""Money for what was written off: income of its own, while the invoice stays closed as a loss.

Only money that names the invoice, or an operator's word, recovers it: what a resident pays
otherwise is an advance. The loss stays in the books of its year.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.allocation import OpenInvoice
from domain.allocation import allocate as shared_out
from domain.calendar import local_day
from domain.errors import IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus
from domain.ledger import for_recovery_from_advance
from domain.money import Money
from models import event
from models.invoice import Invoice
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.payment import Payment
from models.settling import Share, allocate, locked_invoice, open_invoices


@dataclass(frozen=True, slots=True)
class Recovery:
    """How much of what was given up on a locked invoice comes in; below zero: is gone again."""

    invoice: Invoice
    minor: int


def recoverable(minor: int, named: UUID | None, invoices: Iterable[Invoice]) -> list[Recovery]:
    """What money that names a written-off invoice recovers: of it, then of the fee given up too."""
    lost = [i for i in invoices if named in (i.id, i.parent_id) and _is_lost(i)]
    if all(invoice.id != named for invoice in lost):
        return []
    by_id = {invoice.id: invoice for invoice in lost}
    recoveries: list[Recovery] = []
    for several in ([i for i in lost if i.id == named], [i for i in lost if i.id != named]):
        owed = [OpenInvoice(i.id, i.due_date, i.invoice_number or "", _lost(i)) for i in several]
        given = shared_out(minor, owed)
        recoveries += [Recovery(by_id[found], part) for found, part in given.parts]
        minor = given.rest_minor
    return recoveries


async def recover(
    session: AsyncSession, payment: Payment, recoveries: Sequence[Recovery], at: datetime
) -> None:
    """Write down what a payment recovers, or recovers no more; its postings are the caller's."""
    shares = [
        Share(
            recovery.invoice.id,
            recovery.minor,
            payment.currency,
            payment_id=payment.id,
            recovered=True,
        )
        for recovery in recoveries
    ]
    await allocate(session, shares, at)
    for recovery in recoveries:
        recovery.invoice.recovered_minor += recovery.minor
        await event.record(
            session,
            "invoice.recovered" if recovery.minor > 0 else "invoice.recovery_undone",
            SubjectKind.INVOICE,
            recovery.invoice.id,
            at,
            payment_id=str(payment.id),
            amount_minor=abs(recovery.minor),
            currency=payment.currency,
        )


async def recover_from_advances(
    session: AsyncSession, invoice_id: UUID, minor: int | None, at: datetime
) -> Invoice:
    """Let the resident's advances make up for a written-off invoice: so much (None: all they can).

    IllegalTransition when nothing is given up on it; InvalidInput beyond it or the advances.
    """
    known = await locked_invoice(session, invoice_id)
    invoices = await open_invoices(session, known.resident_id, known.currency, named=known.id)
    lost = sum(_lost(i) for i in invoices if invoice_id in (i.id, i.parent_id) and _is_lost(i))
    if not lost or not _is_lost(known):
        raise IllegalTransition(f"the invoice is {known.status}: nothing is left to be recovered")
    advances = await _advances(session, known)
    most = min(lost, sum(payment.unallocated_minor for payment in advances))
    if not most or (minor is not None and minor > most):
        at_most = Money(most, known.currency).major
        message = f"at most {at_most} is given up and in advance"
        raise InvalidInput.of("amount", "TOO_LARGE", message)
    left = most if minor is None else minor
    for payment in advances:
        part = min(left, payment.unallocated_minor)
        if part:
            await _recovered(session, payment, recoverable(part, invoice_id, invoices), at)
        left -= part
    return known


async def _advances(session: AsyncSession, invoice: Invoice) -> list[Payment]:
    """The resident's advances, locked by id, the oldest money first."""
    found = await session.scalars(
        select(Payment)
        .where(
            Payment.resident_id == invoice.resident_id,
            Payment.currency == invoice.currency,
            Payment.unallocated_minor > 0,
        )
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return sorted(found, key=lambda payment: (payment.paid_on, payment.payment_number))


async def _recovered(
    session: AsyncSession, payment: Payment, recoveries: Sequence[Recovery], at: datetime
) -> None:
    for recovery in recoveries:
        invoice = recovery.invoice
        entry = NewEntry(
            kind="advance.recovered",
            subject_id=invoice.id,
            resident_id=invoice.resident_id,
            day=local_day(at, invoice.timezone),
            at=at,
            description=f"Advance {payment.payment_number} recovers {invoice.invoice_number}",
            currency=invoice.currency,
        )
        await post(session, entry, for_recovery_from_advance(recovery.minor))
        payment.unallocated_minor -= recovery.minor
    await recover(session, payment, recoveries, at)


def _is_lost(invoice: Invoice) -> bool:
    return invoice.status == InvoiceStatus.written_off and _lost(invoice) > 0


def _lost(invoice: Invoice) -> int:
    return invoice.written_off_minor - invoice.recovered_minor
