"""A month foreseen and then billed, told alike, so that the two can be held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from activities.billing_run import Billing
from activities.invoice_collection import Collecting
from domain import keys
from domain.calendar import Month
from domain.late_fee import FeePart
from domain.lives import Look, Subject
from models.billing_preview import AskedPreview, Preview, preview
from models.billing_run import ask, subject_of
from models.invoice import Invoice, InvoiceLine
from models.payment import Allocation
from models.record import BillingRefusal, BillingRun
from tests.support.agreements import issued
from tests.support.house import House


@dataclass(frozen=True)
class Told:
    """An invoice, foreseen or issued: all that a payer sees of it but its number."""

    agreement_id: UUID
    period: date
    document: str
    recipient: str
    issued_on: date
    due: date
    lines: tuple[Any, ...]
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    balance_minor: int
    advances: frozenset[tuple[UUID, int]]


async def foreseen(house: House, asked: AskedPreview) -> Preview:
    """What the preview says."""
    async with house.session() as session:
        return await preview(session, asked)


async def really_billed(house: House, month: Month, at: datetime, *, chunk: int = 3) -> None:
    """The month asked for, and every month before it that this opens, each run to its end."""
    async with house.session() as session:
        await ask(session, month, None, at, "platform:test")
        runs = await session.scalars(select(BillingRun).order_by(BillingRun.period))
        subjects = [subject_of(run) for run in runs]
    for subject in subjects:
        await issued(house, subject, at, chunk=chunk)
        await Billing(house.database, "a-store").close(Look(subject, at))


def told_before(seen: Preview) -> list[Told]:
    """The invoices of a preview, in its order."""
    return [
        Told(
            agreement_id=one.bill.row["id"],
            period=one.month.first,
            document=one.bill.pattern.draft.document.value,
            recipient=one.bill.row["recipient"],
            issued_on=one.issued_on,
            due=one.bill.pattern.draft.due,
            lines=tuple(
                (line.kind, line.description, line.amount_minor, line.rate, *_taxes(line))
                for line in one.bill.pattern.draft.lines
            ),
            subtotal_minor=one.bill.pattern.draft.subtotal_minor,
            tax_minor=one.bill.pattern.draft.tax_minor,
            total_minor=one.bill.pattern.draft.total_minor,
            balance_minor=one.balance_minor,
            advances=frozenset((use.payment_id, use.minor) for use in one.used),
        )
        for one in seen.invoices
    ]


async def told_after(house: House) -> list[Told]:
    """The rent invoices in the books, month by month and in the order of their agreements."""
    async with house.session() as session:
        invoices = await session.scalars(
            select(Invoice)
            .where(Invoice.invoice_type == "rent")
            .order_by(Invoice.period, Invoice.agreement_id)
        )
        lines = (await session.scalars(select(InvoiceLine).order_by(InvoiceLine.position))).all()
        parts = (await session.scalars(select(Allocation))).all()
    return [_told(invoice, lines, parts) for invoice in invoices]


def _told(invoice: Invoice, lines: Sequence[InvoiceLine], parts: Sequence[Allocation]) -> Told:
    assert invoice.agreement_id is not None
    assert invoice.period is not None
    return Told(
        agreement_id=invoice.agreement_id,
        period=invoice.period,
        document=invoice.document,
        recipient=invoice.recipient_name,
        issued_on=invoice.invoice_date,
        due=invoice.due_date,
        lines=tuple(
            (line.kind, line.description, line.amount_minor, line.tax_rate, *_taxes(line))
            for line in lines
            if line.invoice_id == invoice.id
        ),
        subtotal_minor=invoice.subtotal_minor,
        tax_minor=invoice.tax_minor,
        total_minor=invoice.total_minor,
        balance_minor=invoice.balance_minor,
        advances=frozenset(
            (part.payment_id, part.amount_minor)
            for part in parts
            if part.invoice_id == invoice.id and part.payment_id is not None
        ),
    )


def _taxes(line: Any) -> tuple[int, int, int]:
    return line.cgst_minor, line.sgst_minor, line.igst_minor


async def refused(house: House) -> set[tuple[UUID, str, str]]:
    """Whom the runs could not bill, and why."""
    async with house.session() as session:
        rows = await session.scalars(select(BillingRefusal))
        return {(row.agreement_id, row.code, row.problem) for row in rows}


async def fee_charged(house: House, invoice_id: UUID, part: FeePart, at: datetime) -> int | None:
    """What the life's own step charges then, tax included; None when it charges nothing."""
    workflow_id = keys.invoice_collection(house.tenant_id, invoice_id)
    look = Look(Subject(house.tenant_id, invoice_id, workflow_id), at)
    collecting = Collecting(house.database, "a-store")
    step = collecting.charge_late_fee if part is FeePart.flat else collecting.charge_daily_fee
    await step(look)
    async with house.session() as session:
        return await session.scalar(
            select(Invoice.total_minor).where(
                Invoice.parent_id == invoice_id, Invoice.sequence == part
            )
        )
