"""Lines of statements as lists show them: whose each may be, by name and by what is open now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoice import InvoiceStatus
from models.invoice import Invoice
from models.payment import Payment
from models.record import Task, TaskStatus
from models.resident import Resident
from models.statement import StatementLine


@dataclass(frozen=True, slots=True)
class CandidateNow:
    """Whose a line may be and why, with what they owe now; minor units."""

    resident_id: UUID
    name: str
    open_minor: int
    invoice_id: UUID | None
    invoice_number: str | None
    invoice_open_minor: int | None
    payment_id: UUID | None
    payment_number: str | None
    why: str


async def candidates_of(
    session: AsyncSession, lines: Sequence[StatementLine]
) -> dict[UUID, list[CandidateNow]]:
    """By line, whose it may be, the likeliest first."""
    said: list[dict[str, Any]] = [one for line in lines for one in line.candidates]
    ids = {name: _ids(said, name) for name in ("residentId", "invoiceId", "paymentId")}
    names = dict(
        (
            await session.execute(
                select(
                    Resident.id, func.concat_ws(" ", Resident.first_name, Resident.last_name)
                ).where(Resident.id.in_(ids["residentId"]))
            )
        ).all()
    )
    owed = await _owed(session, ids["residentId"])
    invoices = await session.scalars(select(Invoice).where(Invoice.id.in_(ids["invoiceId"])))
    by_id = {invoice.id: invoice for invoice in invoices}
    numbers = dict(
        (
            await session.execute(
                select(Payment.id, Payment.payment_number).where(Payment.id.in_(ids["paymentId"]))
            )
        ).all()
    )

    def now(one: dict[str, Any]) -> CandidateNow:
        who = UUID(one["residentId"])
        invoice = by_id.get(UUID(one["invoiceId"])) if one["invoiceId"] else None
        payment_id = UUID(one["paymentId"]) if one["paymentId"] else None
        return CandidateNow(
            resident_id=who,
            name=str(names.get(who, "")).strip(),
            open_minor=owed.get(who, 0),
            invoice_id=invoice.id if invoice else None,
            invoice_number=invoice.invoice_number if invoice else None,
            invoice_open_minor=invoice.balance_minor if invoice else None,
            payment_id=payment_id,
            payment_number=numbers.get(payment_id) if payment_id else None,
            why=one["why"],
        )

    return {line.id: [now(one) for one in line.candidates] for line in lines}


async def tasks_of(session: AsyncSession, lines: Sequence[StatementLine]) -> dict[UUID, UUID]:
    """By line, the open task that asks about it."""
    rows = await session.execute(
        select(Task.subject_id, Task.id).where(
            Task.subject_id.in_([line.id for line in lines]), Task.status == TaskStatus.OPEN
        )
    )
    return dict(rows.all())


def _ids(said: Sequence[dict[str, Any]], name: str) -> list[UUID]:
    return [UUID(found) for found in {one[name] for one in said} if found]


async def _owed(session: AsyncSession, resident_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        select(Invoice.resident_id, func.sum(Invoice.balance_minor))
        .where(Invoice.resident_id.in_(resident_ids), Invoice.status == InvoiceStatus.issued)
        .group_by(Invoice.resident_id)
    )
    return {who: int(minor) for who, minor in rows}
