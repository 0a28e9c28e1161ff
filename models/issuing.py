"""Issues single invoices: number, frozen terms, lines, postings, event, plan, in one transaction.

The billing run writes many at once by statements of its own; what an invoice is, is the same.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing_run import Line
from domain.errors import IllegalTransition
from domain.invoice import InvoiceStatus, InvoiceType
from domain.money import exponent
from models import event
from models.advances import use_advances
from models.collection import CollectionTerms, replan, terms_of
from models.database import one
from models.invoice import Invoice
from models.invoice_writing import NewInvoice, drawn_up, lines_of, written
from models.life import SubjectKind
from models.resident import Agreement
from models.settling import lock_resident, locked_invoice
from models.tenant import BillingSettings

__all__ = [
    "NewInvoice",
    "change_draft",
    "issue",
    "issue_draft",
    "lines_of",
    "locked_draft",
    "save_draft",
    "terms_now",
]


async def issue(session: AsyncSession, new: NewInvoice, at: datetime) -> Invoice:
    """Write and number the invoice, post it, let advances pay it, plan its collection.

    InvalidInput when nothing is asked for. The caller has locked nothing, or the resident.
    """
    await lock_resident(session, new.resident_id)
    invoice = await drawn_up(session, new, at)
    await _issued(session, invoice, new.lines, at)
    return invoice


async def save_draft(session: AsyncSession, new: NewInvoice, at: datetime) -> Invoice:
    """Keep an invoice that has no number yet, owes nothing and may still be changed."""
    invoice = await drawn_up(session, new, at)
    session.add(invoice)
    await session.flush()
    await event.record(session, "invoice.drafted", SubjectKind.INVOICE, invoice.id, at)
    return invoice


async def change_draft(
    session: AsyncSession, invoice_id: UUID, new: NewInvoice, at: datetime
) -> Invoice:
    """Replace what a draft says; IllegalTransition once it is issued."""
    draft = await locked_draft(session, invoice_id)
    written = await drawn_up(session, new, at)
    for column in _REWRITTEN:
        setattr(draft, column, getattr(written, column))
    await session.flush()
    return draft


async def issue_draft(session: AsyncSession, invoice: Invoice, at: datetime) -> Invoice:
    """Issue a draft as it stands, with the day, the terms and the number of now."""
    draft = await locked_draft(session, invoice.id)
    lines = lines_of(draft)
    new = NewInvoice(
        resident_id=draft.resident_id,
        agreement_id=draft.agreement_id,
        property_id=draft.property_id,
        parent_id=draft.parent_id,
        invoice_type=InvoiceType(draft.invoice_type),
        lines=lines,
        due=draft.due_date,
        terms=await terms_now(session, draft.agreement_id, draft.currency),
        period=draft.period,
        sequence=draft.sequence,
        notes=draft.notes,
    )
    written = await drawn_up(session, new, at)
    for column in _REWRITTEN:
        setattr(draft, column, getattr(written, column))
    await _issued(session, draft, lines, at)
    return draft


async def locked_draft(session: AsyncSession, invoice_id: UUID) -> Invoice:
    """The draft, locked after its resident; IllegalTransition when it is none any more."""
    invoice = await locked_invoice(session, invoice_id)
    if invoice.status != InvoiceStatus.draft:
        raise IllegalTransition(
            f"{invoice.invoice_number} is {invoice.status}: only a draft can be changed; correct it"
            " with a credit note"
        )
    return invoice


async def terms_now(
    session: AsyncSession, agreement_id: UUID | None, currency: str
) -> CollectionTerms:
    """What an invoice issued now would freeze: the agreement's late fee, else the tenant's."""
    settings = (await session.scalars(select(BillingSettings))).one()
    percentage: Decimal | None = None
    if agreement_id is not None:
        percentage = (await one(session, Agreement, agreement_id)).late_fee_percentage
    return terms_of(settings, percentage, exponent(currency))


_REWRITTEN = (
    *("resident_id", "agreement_id", "property_id", "parent_id", "invoice_type", "document"),
    *("period", "sequence", "invoice_date", "due_date", "currency", "subtotal_minor", "tax_minor"),
    *("total_minor", "terms", "timezone", "recipient_name", "supplier_gstin", "place_of_supply"),
    *("notes", "draft_lines"),
)


async def _issued(
    session: AsyncSession, invoice: Invoice, lines: Sequence[Line], at: datetime
) -> None:
    await written(session, invoice, lines, at)
    if invoice.id not in await use_advances(session, invoice.resident_id, at):
        await replan(session, invoice.id, at)
