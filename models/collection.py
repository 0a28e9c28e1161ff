"""An invoice as its collection sees it: the facts in its rows, and the plan that follows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain import invoice_collection, keys
from domain.errors import NotFound
from domain.instalments import Part
from domain.invoice import InvoiceStatus, InvoiceType
from domain.invoice_collection import CollectionFacts
from domain.late_fee import FeePart, LateFeeBase, LateFeeKind, LateFeeTerms
from models import plan
from models.attempt_asking import close_outpaid
from models.database import one, tenant_of
from models.fee_facts import FeeFacts, fee_facts_of
from models.instalment import parts_of
from models.invoice import Invoice, Reminder
from models.life import SubjectKind
from models.plan import Planned
from models.record import Task, TaskStatus
from models.settling import locked_where
from models.task import close_tasks_of
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
    return (await facts_of_all(session, [invoice]))[invoice.id]


async def facts_of_all(
    session: AsyncSession, invoices: Sequence[Invoice]
) -> dict[UUID, CollectionFacts]:
    """The same of many locked invoices."""
    found = await session.execute(_around([invoice.id for invoice in invoices]))
    around = {row.id: row for row in found}
    terms = {invoice.id: CollectionTerms.read(invoice.terms) for invoice in invoices}
    measured = await fee_facts_of(session, [(one, terms[one.id].fee) for one in invoices])
    return {
        invoice.id: _facts(
            *(invoice, terms[invoice.id], around[invoice.id], measured[invoice.id]),
            await parts_of(session, invoice),
        )
        for invoice in invoices
    }


def _facts(
    invoice: Invoice,
    terms: CollectionTerms,
    around: Any,
    measured: FeeFacts,
    instalments: tuple[Part, ...],
) -> CollectionFacts:
    parts = around.fee_parts or ()
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
        instalments=instalments,
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
    one that opens again is handed over anew. NotFound when there is no such invoice.
    """
    plans = await replan_all(session, [invoice_id], at)
    if invoice_id not in plans:
        raise NotFound(f"there is no invoice {invoice_id}")
    return plans[invoice_id]


async def replan_all(
    session: AsyncSession, invoice_ids: Collection[UUID], at: datetime
) -> dict[UUID, Planned]:
    """The same for many invoices; their plans and those of the penalties that wait for them."""
    if not invoice_ids:
        return {}
    invoices = await locked_where(session, Invoice.id.in_(invoice_ids))
    await _rest(session, [one for one in invoices if one.status in _CLOSED], at)
    await close_outpaid(session, invoice_ids, at)
    invoices += await locked_where(
        session,
        Invoice.parent_id.in_(invoice_ids),
        Invoice.id.not_in(invoice_ids),
        Invoice.status == InvoiceStatus.issued,
    )
    facts = await facts_of_all(session, invoices)
    tenant_id = tenant_of(session)
    plans = {one.id: planned_from(tenant_id, one, facts[one.id], at) for one in invoices}
    await plan.change_all(session, list(plans.values()))
    return plans


async def _rest(session: AsyncSession, invoices: Sequence[Invoice], at: datetime) -> None:
    """Nobody looks after these invoices any more."""
    for status in sorted({invoice.status for invoice in invoices}):
        ids = [invoice.id for invoice in invoices if invoice.status == status]
        await close_tasks_of(session, ids, f"the invoice is {status}", at)
    for invoice in invoices:
        invoice.handed_over_at = None
        invoice.disputed_at = None
    await session.flush()


_CLOSED = frozenset({InvoiceStatus.paid, InvoiceStatus.cancelled, InvoiceStatus.written_off})


def _around(invoice_ids: Collection[UUID]) -> Select[UUID, Any, Any, Any, bool, Any]:
    """What other rows say about invoices, in one statement."""
    other = aliased(Invoice)
    sent = select(func.array_agg(Reminder.rung)).where(
        Reminder.invoice_id == Invoice.id, Reminder.instalment_id.is_(None)
    )
    tasks = select(func.array_agg(Task.what)).where(
        Task.subject_id == Invoice.id, Task.status == TaskStatus.OPEN
    )
    penalties = select(func.array_agg(other.sequence)).where(
        other.parent_id == Invoice.id, other.invoice_type == InvoiceType.penalty
    )
    parent = exists().where(
        other.id == Invoice.parent_id,
        other.status == InvoiceStatus.issued,
        other.balance_minor > 0,
    )
    parent_paid = select(other.paid_at).where(
        other.id == Invoice.parent_id, other.status == InvoiceStatus.paid
    )
    return select(
        Invoice.id,
        sent.correlate(Invoice).scalar_subquery().label("rungs_sent"),
        tasks.correlate(Invoice).scalar_subquery().label("tasks_open"),
        penalties.correlate(Invoice).scalar_subquery().label("fee_parts"),
        parent.correlate(Invoice).label("parent_open"),
        parent_paid.correlate(Invoice).scalar_subquery().label("parent_paid_at"),
    ).where(Invoice.id.in_(invoice_ids))
