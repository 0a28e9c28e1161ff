"""A cheque that came back: its money is taken out of the books again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.errors import IllegalTransition
from domain.ledger import for_bounce
from models import event
from models.advances import use_advances
from models.collection import replan_all
from models.database import one
from models.ledger_entry import NewEntry, post
from models.money_in import told
from models.payment import Payment, PaymentMethod, PaymentStatus
from models.recovery import Recovery, recover
from models.settling import (
    Share,
    allocate,
    lock_resident,
    locked_invoices,
    move_all,
    paid_to,
    timezone_of,
)


async def bounce(session: AsyncSession, payment_id: UUID, at: datetime, reason: str) -> Payment:
    """A cheque came back: its money is gone from every invoice, which is open again.

    IllegalTransition unless it is a cheque whose money is in the books.
    """
    payment = await one(session, Payment, payment_id)
    await lock_resident(session, payment.resident_id)
    parts = await paid_to(session, payment_id)
    recovered = await paid_to(session, payment_id, recovered=True)
    locked = await locked_invoices(session, {*parts, *recovered})
    invoices = [invoice for invoice in locked if invoice.id in parts]
    payment = await one(session, Payment, payment_id, lock=True)
    _may_bounce(payment)
    zone = await timezone_of(session, payment.resident_id)
    shares = [
        Share(invoice.id, -parts[invoice.id], payment.currency, payment_id=payment.id)
        for invoice in invoices
    ]
    await allocate(session, shares, at)
    lost = [invoice for invoice in locked if invoice.id in recovered]
    await recover(session, payment, [Recovery(i, -recovered[i.id]) for i in lost], at)
    entry = NewEntry(
        kind="payment.bounced",
        subject_id=payment.id,
        resident_id=payment.resident_id,
        day=local_day(at, zone),
        at=at,
        description=f"{payment.payment_number} came back",
        currency=payment.currency,
        receivables=sorted(parts.items()),
    )
    postings = for_bounce(
        payment.method, sum(parts.values()), payment.unallocated_minor, sum(recovered.values())
    )
    await post(session, entry, postings)
    payment.status = PaymentStatus.BOUNCED
    payment.unallocated_minor = 0
    payment.bounced_at = at
    payment.bounce_reason = reason
    await event.record_all(session, [told("payment.bounced", payment, local_day(at, zone))], at)
    await move_all(session, [(invoice, parts[invoice.id]) for invoice in invoices], at)
    touched = await use_advances(session, payment.resident_id, at)
    await replan_all(session, set(parts) - touched, at)
    return payment


def _may_bounce(payment: Payment) -> None:
    if payment.method != PaymentMethod.CHEQUE:
        raise IllegalTransition(f"{payment.payment_number} was paid by {payment.method}, no cheque")
    if payment.status != PaymentStatus.COMPLETED:
        raise IllegalTransition(f"{payment.payment_number} is {payment.status} already")
