"""An invoice as its collection sees it: the facts in its rows, and the plan that follows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain import invoice_collection, keys
from domain.invoice import InvoiceStatus, InvoiceType
from domain.invoice_collection import CollectionFacts
from domain.late_fee import FeePart, LateFeeBase, LateFeeKind, LateFeeTerms
from models import plan
from models.attempt_asking import close_outpaid
from models.database import one, tenant_of
from models.fee_facts import fee_facts
from models.instalment import parts_of
from models.invoice import Invoice, Reminder
from models.life import SubjectKind
from models.plan import Planned
from models.record import Task, TaskStatus
from models.task import close_tasks
from models.tenant import BillingSettings


@dataclass(frozen=True, slots=True)
class CollectionTerms:
    """What is frozen on an invoice at issue: when to remind, and the late fee."""

    reminders: bool
    rungs: tuple[int, ...]
    fee: LateFeeTerms

    def written(self) -> dict[str, Any]:
        """As the invoice's `terms` column keeps it."""
        return {
            "reminders": self.reminders,
            "rungs": list(self.rungs),
            "fee": {
                "enabled": self.fee.enabled,
                "kind": self.fee.kind.value,
                "percent": None if self.fee.percent is None else str(self.fee.percent),
                "fixed_minor": self.fee.fixed_minor,
                "grace_days": self.fee.grace_days,
                "cap_minor": self.fee.cap_minor,
                "minimum_balance_minor": self.fee.minimum_balance_minor,
                "per_day_minor": self.fee.per_day_minor,
                "base": self.fee.base.value,
            },
        }

    @classmethod
    def read(cls, terms: dict[str, Any]) -> "CollectionTerms":
        """Back from the column; terms frozen before there were bases and days know neither."""
        fee = dict(terms["fee"])
        fee["base"] = LateFeeBase(fee.get("base", LateFeeBase.outstanding_excluding_fees))
        fee["kind"] = LateFeeKind(fee["kind"])
        fee["percent"] = None if fee["percent"] is None else Decimal(fee["percent"])
        return cls(terms["reminders"], tuple(terms["rungs"]), LateFeeTerms(**fee))


def terms_of(
    settings: BillingSettings, late_fee_percentage: Decimal | None, exponent: int = 2
) -> CollectionTerms:
    """The tenant's terms of today; an agreement's own percentage goes before the default.

    `late_fee_value` is a percentage, or a fixed amount in major units of the currency; it is the
    percentage of `greater_of`, whose amount is `late_fee_fixed_minor`.
    """
    kind = _KINDS[settings.late_fee_type]
    percent = None if kind is LateFeeKind.fixed else settings.late_fee_value
    if late_fee_percentage is not None:
        kind, percent = LateFeeKind.percent, late_fee_percentage
    fixed = {
        LateFeeKind.percent: 0,
        LateFeeKind.fixed: int(settings.late_fee_value.scaleb(exponent)),
        LateFeeKind.greater_of: settings.late_fee_fixed_minor,
    }
    fee = LateFeeTerms(
        enabled=settings.late_fee_enabled,
        kind=kind,
        percent=percent,
        fixed_minor=fixed[kind],
        grace_days=settings.late_fee_grace_period_days,
        cap_minor=settings.late_fee_cap_minor,
        minimum_balance_minor=settings.late_fee_minimum_balance_minor,
        per_day_minor=settings.late_fee_per_day_minor,
        base=LateFeeBase(settings.late_fee_base),
    )
    rungs = sorted({-settings.reminder_days_before, 0, *settings.reminder_days_after})
    return CollectionTerms(settings.reminder_enabled, tuple(rungs), fee)


_KINDS = {
    "percentage": LateFeeKind.percent,
    "fixed": LateFeeKind.fixed,
    "greater_of": LateFeeKind.greater_of,
}


async def locked(session: AsyncSession, invoice_id: UUID) -> Invoice:
    """The invoice, its row locked: facts are read after this, by later statements.

    What this transaction changed so far is written first, or reading anew would undo it.
    """
    await session.flush()
    return await one(session, Invoice, invoice_id, lock=True)


async def facts_of(session: AsyncSession, invoice: Invoice) -> CollectionFacts:
    """What the rows say about a locked invoice."""
    terms = CollectionTerms.read(invoice.terms)
    around = (await session.execute(_around(invoice))).one()
    parts = around.fee_parts or ()
    measured = await fee_facts(session, invoice, terms.fee)
    return CollectionFacts(
        status=invoice.status,
        invoice_type=invoice.invoice_type,
        balance_minor=invoice.balance_minor,
        outstanding_without_fees_minor=invoice.balance_minor,
        currency=invoice.currency,
        due=invoice.due_date,
        issued_at=invoice.issued_at or invoice.recorded_at,
        zone=invoice.timezone,
        reminders_enabled=terms.reminders,
        rungs=terms.rungs,
        rungs_sent=frozenset(around.rungs_sent or ()),
        late_fee=terms.fee,
        fee_charged=FeePart.flat in parts,
        fee_waived=invoice.fee_waived_at is not None,
        paused_until=invoice.paused_until,
        promised_for=invoice.promised_for,
        disputed=invoice.disputed_at is not None,
        parent_open=around.parent_open,
        tasks_open=frozenset(around.tasks_open or ()),
        handed_over=invoice.handed_over_at is not None,
        daily_fee_charged=FeePart.daily in parts,
        recurring_minor=measured.recurring_minor,
        outstanding_fees_minor=measured.outstanding_fees_minor,
        fees_of_month_minor=measured.fees_of_month_minor,
        settled=measured.settled,
        instalments=await parts_of(session, invoice),
        parent_paid_at=around.parent_paid_at,
    )


async def planned(session: AsyncSession, invoice: Invoice, at: datetime) -> Planned:
    """The plan of a locked invoice at a business instant."""
    return planned_from(tenant_of(session), invoice, await facts_of(session, invoice), at)


def planned_from(
    tenant_id: UUID, invoice: Invoice, facts: CollectionFacts, at: datetime
) -> Planned:
    """The plan that follows from the facts."""
    return Planned(
        kind=SubjectKind.INVOICE,
        subject_id=invoice.id,
        workflow_id=keys.invoice_collection(tenant_id, invoice.id),
        property_id=invoice.property_id,
        stage=invoice_collection.stage(facts, at),
        actions=invoice_collection.plan(facts, at),
    )


async def replan(session: AsyncSession, invoice_id: UUID, at: datetime) -> Planned:
    """Facts of the invoice changed: write its plan anew and wake its life when that matters.

    A page on which more could be paid than is owed now is closed. A penalty waits for its parent,
    so the parent's change is the penalty's news too. A closed invoice needs no operator any more;
    one that opens again is handed over anew.
    """
    invoice = await locked(session, invoice_id)
    if invoice.status in _CLOSED:
        await close_tasks(session, invoice.id, f"the invoice is {invoice.status}", at)
        invoice.handed_over_at = None
        invoice.disputed_at = None
        await session.flush()
    await close_outpaid(session, [invoice.id], at)
    now = await planned(session, invoice, at)
    await plan.changed(session, now)
    children = await session.scalars(
        select(Invoice.id)
        .where(Invoice.parent_id == invoice_id, Invoice.status == InvoiceStatus.issued)
        .order_by(Invoice.id)
    )
    for child_id in children.all():
        child = await locked(session, child_id)
        await plan.changed(session, await planned(session, child, at))
    return now


_CLOSED = frozenset({InvoiceStatus.paid, InvoiceStatus.cancelled, InvoiceStatus.written_off})


def _around(invoice: Invoice) -> Select[Any, Any, Any, bool, Any]:
    """What other rows say about an invoice, in one statement."""
    sent = select(func.array_agg(Reminder.rung)).where(
        Reminder.invoice_id == invoice.id, Reminder.instalment_id.is_(None)
    )
    tasks = select(func.array_agg(Task.what)).where(
        Task.subject_id == invoice.id, Task.status == TaskStatus.OPEN
    )
    penalties = select(func.array_agg(Invoice.sequence)).where(
        Invoice.parent_id == invoice.id, Invoice.invoice_type == InvoiceType.penalty
    )
    parent = exists().where(
        Invoice.id == invoice.parent_id,
        Invoice.status == InvoiceStatus.issued,
        Invoice.balance_minor > 0,
    )
    parent_paid = select(Invoice.paid_at).where(
        Invoice.id == invoice.parent_id, Invoice.status == InvoiceStatus.paid
    )
    return select(
        sent.scalar_subquery().label("rungs_sent"),
        tasks.scalar_subquery().label("tasks_open"),
        penalties.scalar_subquery().label("fee_parts"),
        parent.label("parent_open"),
        parent_paid.scalar_subquery().label("parent_paid_at"),
    )
