"""Issues a month's rent anew: the invoice is cancelled and another takes its place, in one act."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import Month
from domain.errors import Conflict, IllegalTransition
from domain.invoice import InvoiceStatus, InvoiceType
from models import event
from models.billing_chunk import drafted, office_for, terms_now
from models.bulk import driver_of
from models.credit import cancel, refuse_cancelling
from models.invoice import Invoice
from models.issuing import NewInvoice, issue
from models.life import SubjectKind
from models.settling import locked_invoice


async def reissue(session: AsyncSession, invoice_id: UUID, reason: str, at: datetime) -> Invoice:
    """The month's invoice by the agreement and settings of now, under a new number.

    The old one is cancelled by a credit note, with its late fee. The new one takes the sequence
    after it, so that a month stays billed once. IllegalTransition unless it is a month's rent,
    issued or cancelled and not replaced; Conflict when money is on it, or nothing is owed now.
    """
    old = await locked_invoice(session, invoice_id)
    await _may_be_replaced(session, old)
    if old.status == InvoiceStatus.issued:
        await refuse_cancelling(session, old)
    # The new number is taken before the credit note's, as whoever issues takes them.
    new = await issue(session, await _anew(session, old, at), at)
    if old.status == InvoiceStatus.issued:
        await cancel(session, old.id, reason, at)
    await event.record(
        session,
        "invoice.replaced",
        SubjectKind.INVOICE,
        old.id,
        at,
        replaced_by=str(new.id),
        number=new.invoice_number,
        total_minor=new.total_minor,
        currency=new.currency,
    )
    return new


async def _may_be_replaced(session: AsyncSession, old: Invoice) -> None:
    if old.invoice_type != InvoiceType.rent or old.period is None or old.agreement_id is None:
        raise IllegalTransition("only a month's rent is issued anew: make another invoice instead")
    heir = await session.scalar(select(Invoice.invoice_number).where(Invoice.replaces_id == old.id))
    if heir is not None:
        raise IllegalTransition(f"it was issued anew already, as {heir}")
    if old.status in (InvoiceStatus.draft, InvoiceStatus.written_off):
        raise IllegalTransition(f"an invoice that is {old.status} is not issued anew")
    if old.status == InvoiceStatus.paid:
        await refuse_cancelling(session, old)


async def _anew(session: AsyncSession, old: Invoice, at: datetime) -> NewInvoice:
    assert old.period is not None
    assert old.agreement_id is not None
    month = Month.of(old.period)
    office = await office_for(session, month, old.property_id, at)
    chunk = drafted(office, await terms_now(await driver_of(session), old.agreement_id))
    if chunk.refusals:
        raise Conflict(chunk.refusals[0].problem, code=chunk.refusals[0].code)
    if not chunk.bills:
        message = f"nothing is owed for {month.text} by the agreement as it now is: cancel it"
        raise Conflict(message, code="NOTHING_OWED")
    bill = chunk.bills[0]
    return NewInvoice(
        resident_id=old.resident_id,
        agreement_id=old.agreement_id,
        property_id=bill.row["property_id"],
        parent_id=None,
        invoice_type=InvoiceType.rent,
        lines=bill.pattern.draft.lines,
        due=bill.pattern.draft.due,
        terms=bill.pattern.terms,
        period=old.period,
        sequence=old.sequence + 1,
        notes=old.notes,
        replaces_id=old.id,
    )
