"""Takes back what an invoice charged: credit notes, cancelling, waived fees, bad debts.

An issued document is never edited: each of these is a new row beside it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import local_day
from domain.credit_note import Charge, lines_taken_back
from domain.errors import Conflict, IllegalTransition, InvalidInput
from domain.invoice import InvoiceStatus
from domain.ledger import for_write_off
from domain.money import Money
from models import event
from models.advances import use_advances
from models.collection import replan
from models.credit_note import CREDITABLE, charges_left, creditable, take_back
from models.database import one
from models.invoice import CreditNote, Invoice
from models.late_fee import has_more_to_charge, penalties_of
from models.ledger_entry import NewEntry, post
from models.life import SubjectKind
from models.settling import closed, locked_invoice, paid_by


async def credit(
    session: AsyncSession,
    invoice_id: UUID,
    total_minor: int | None,
    reason: str,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
) -> CreditNote:
    """Credit a part of an invoice, or all that is left (None), by a note with its own number.

    A part is a total with tax, or by position what goes off the price of each line before tax.
    What had been paid already becomes an advance and pays what else is open. IllegalTransition
    unless the invoice is issued or paid; InvalidInput beyond what is left to be credited.
    """
    invoice = await locked_invoice(session, invoice_id)
    if invoice.status in CREDITABLE:
        left = await charges_left(session, invoice.id)
        _within(invoice, left, total_minor, lines)
    note = await take_back(session, invoice, total_minor, reason, at, lines=lines)
    await _settle(session, invoice, at)
    return note


def _within(
    invoice: Invoice,
    left: Sequence[Charge],
    total_minor: int | None,
    lines: Mapping[int, int] | None,
) -> None:
    most, total = creditable(invoice, left), total_minor
    if lines is not None:
        by_place = {position - 1: minor for position, minor in lines.items()}
        for place, minor in by_place.items():
            _within_line(invoice, left, place, minor)
        total = sum(part.gross_minor for part in lines_taken_back(left, by_place))
    if total is not None and total <= 0:
        raise InvalidInput.of("amount", "TOO_SMALL", "a credit note takes something back")
    if total is not None and total > most:
        at_most = Money(most, invoice.currency).major
        message = f"at most {at_most} is left to be credited"
        raise InvalidInput.of("amount", "TOO_LARGE", message)


def _within_line(invoice: Invoice, left: Sequence[Charge], place: int, minor: int) -> None:
    if not 0 <= place < len(left):
        message = f"there is no line {place + 1}; the invoice has {len(left)}"
        raise InvalidInput.of("lineItems", "NO_SUCH_LINE", message)
    if minor <= 0:
        raise InvalidInput.of("lineItems", "TOO_SMALL", f"line {place + 1} takes nothing back")
    if minor > left[place].amount_minor:
        most = Money(left[place].amount_minor, invoice.currency).major
        message = f"line {place + 1}: at most {most} before tax is left to be credited"
        raise InvalidInput.of("lineItems", "TOO_LARGE", message)


async def cancel(session: AsyncSession, invoice_id: UUID, reason: str, at: datetime) -> Invoice:
    """Reverse an issued invoice nobody has paid anything of, and its late fee with it.

    The number stays taken and the paper stays kept, with a credit note for the whole beside it.
    """
    invoice = await locked_invoice(session, invoice_id)
    await refuse_cancelling(session, invoice)
    await take_back(session, invoice, None, reason, at)
    invoice.closing_reason = reason
    for penalty in await _open_penalties_of(session, invoice.id):
        if await paid_by(session, penalty.id):
            continue
        await take_back(session, penalty, None, reason, at)
        penalty.closing_reason = reason
        await replan(session, penalty.id, at)
    await replan(session, invoice.id, at)
    return invoice


async def refuse_cancelling(session: AsyncSession, invoice: Invoice) -> None:
    """Conflict when money is on a locked invoice, IllegalTransition unless it is issued."""
    if invoice.status == InvoiceStatus.draft:
        raise IllegalTransition("a draft is deleted, not cancelled")
    if invoice.status == InvoiceStatus.paid or await paid_by(session, invoice.id):
        raise Conflict(
            f"{invoice.invoice_number} has been paid in part or whole: issue a credit note",
            code="INVOICE_HAS_PAYMENTS",
        )
    _must_be_issued(invoice, "cancelled")
    if invoice.written_off_minor:
        raise IllegalTransition("a part of it was written off: issue a credit note for the rest")


async def write_off(session: AsyncSession, invoice_id: UUID, reason: str, at: datetime) -> Invoice:
    """Give up what is open of an issued invoice, and of its late fee: a loss, nobody is asked."""
    invoice = await locked_invoice(session, invoice_id)
    _must_be_issued(invoice, "written off")
    await _give_up(session, invoice, reason, at)
    for penalty in await _open_penalties_of(session, invoice.id):
        await _give_up(session, penalty, reason, at)
        await replan(session, penalty.id, at)
    await replan(session, invoice.id, at)
    return invoice


async def _give_up(session: AsyncSession, invoice: Invoice, reason: str, at: datetime) -> None:
    given_up = invoice.balance_minor
    entry = NewEntry(
        kind="invoice.written_off",
        subject_id=invoice.id,
        resident_id=invoice.resident_id,
        day=local_day(at, invoice.timezone),
        at=at,
        description=f"{invoice.invoice_number} written off",
        currency=invoice.currency,
        receivables=[(invoice.id, -given_up)],
    )
    await post(session, entry, for_write_off(given_up))
    invoice.balance_minor = 0
    invoice.written_off_minor += given_up
    invoice.closing_reason = reason
    await closed(session, invoice, InvoiceStatus.written_off, at)


async def waive_fee(session: AsyncSession, invoice_id: UUID, reason: str, at: datetime) -> Invoice:
    """Let the late fee of an invoice go: credit what is open of it, and charge none later.

    Both parts of it: the flat one and the one for each late day. The invoice is named, or its
    penalty; the invoice is returned. IllegalTransition when the fee was waived before, when it is
    settled, or when there can be none any more.
    """
    named = await one(session, Invoice, invoice_id)
    invoice = await locked_invoice(session, named.parent_id or named.id)
    penalties = await penalties_of(session, invoice.id)
    _may_be_waived(invoice, penalties)
    invoice.fee_waived_at = at
    invoice.fee_waived_reason = reason
    await event.record(session, "invoice.fee_waived", SubjectKind.INVOICE, invoice.id, at)
    for penalty in penalties:
        if penalty.status != InvoiceStatus.issued:
            continue
        await take_back(session, penalty, penalty.balance_minor, reason, at)
        await replan(session, penalty.id, at)
    await replan(session, invoice.id, at)
    return invoice


def _may_be_waived(invoice: Invoice, penalties: Sequence[Invoice]) -> None:
    if invoice.fee_waived_at is not None:
        raise IllegalTransition("the late fee has been waived already")
    if any(penalty.status == InvoiceStatus.issued for penalty in penalties):
        return
    if penalties and not has_more_to_charge(invoice, penalties):
        status = penalties[-1].status
        raise IllegalTransition(f"the late fee is {status}; a credit note gives money back")
    _must_be_issued(invoice, "spared its late fee")


def _must_be_issued(invoice: Invoice, what: str) -> None:
    if invoice.status != InvoiceStatus.issued:
        raise IllegalTransition(
            f"the invoice is {invoice.status}; only an issued one can be {what}"
        )


async def _open_penalties_of(session: AsyncSession, invoice_id: UUID) -> list[Invoice]:
    """The parts of an invoice's late fee that money is still asked for by, locked after it."""
    penalties = await penalties_of(session, invoice_id)
    return [penalty for penalty in penalties if penalty.status == InvoiceStatus.issued]


async def _settle(session: AsyncSession, invoice: Invoice, at: datetime) -> None:
    """Advances that came free pay what is open, and the credited invoice is planned anew."""
    touched = await use_advances(session, invoice.resident_id, at)
    if invoice.id not in touched:
        await replan(session, invoice.id, at)
