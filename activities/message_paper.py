"""The document a mail carries: its page, as the rows stand when the mail leaves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from domain.paper import CreditNotePaper, InvoicePaper, ReceiptPaper, file_name
from models import message_facts
from models.message import Message, Purpose
from models.paper import credit_note_paper, invoice_paper, receipt_paper
from templates import document

Paper = InvoicePaper | CreditNotePaper | ReceiptPaper


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A document still to be printed: the name of its file, and its page."""

    name: str
    html: str


async def enclosed(session: AsyncSession, message: Message, language: str) -> Enclosed | None:
    """What goes with a mail: the invoice, credit note or receipt it tells of; None: nothing."""
    read = _PAPER.get(Purpose(message.purpose))
    if read is None:
        return None
    paper = await read(session, message)
    return Enclosed(file_name(paper.number), document(paper, language))


async def _invoice(session: AsyncSession, message: Message) -> Paper:
    return await invoice_paper(session, await message_facts.about_invoice(session, message))


async def _fee(session: AsyncSession, message: Message) -> Paper:
    """A late fee is an invoice of its own."""
    return await invoice_paper(session, await message_facts.penalty_of(session, message))


async def _credit_note(session: AsyncSession, message: Message) -> Paper:
    fee = await message_facts.penalty_of(session, message)
    return await credit_note_paper(session, await message_facts.credit_note_of(session, fee.id))


async def _receipt(session: AsyncSession, message: Message) -> Paper:
    return await receipt_paper(session, await message_facts.about_payment(session, message))


_PAPER: dict[Purpose, Callable[[AsyncSession, Message], Awaitable[Paper]]] = {
    Purpose.INVOICE: _invoice,
    Purpose.LATE_FEE: _fee,
    Purpose.FEE_REVERSED: _credit_note,
    Purpose.RECEIPT: _receipt,
}
