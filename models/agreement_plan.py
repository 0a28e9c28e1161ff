"""What comes next for agreements and residents, read from the rows and derived by the rules."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain import agreement, keys
from domain.agreement import AgreementFacts
from domain.billing_run import AgreementTerms
from domain.next_action import NextAction
from domain.proration import Basis
from models.database import tenant_of
from models.invoice import Invoice
from models.life import PlannedAction
from models.place import Property
from models.resident import Agreement, AgreementStatus
from models.tenant import BillingSettings, Tenant


async def facts_of(session: AsyncSession, row: Agreement) -> AgreementFacts:
    """What the rows say about an agreement's future."""
    found = await session.execute(
        select(BillingSettings, Tenant.timezone, Property.timezone)
        .join(Tenant, Tenant.tenant_id == BillingSettings.tenant_id)
        .join(Property, Property.tenant_id == BillingSettings.tenant_id)
        .where(Property.id == row.property_id)
    )
    settings, office_zone, zone = found.one()
    return AgreementFacts(
        terms=terms_of(row, gst_enabled=settings.gst_enabled),
        billed_through=row.billed_through,
        default_due_days=settings.default_due_days,
        zone=zone,
        office_zone=office_zone,
    )


def terms_of(row: Agreement, *, gst_enabled: bool) -> AgreementTerms:
    """The terms a month is billed by."""
    end = row.end_date
    return AgreementTerms(
        agreement_id=row.id,
        resident_id=row.resident_id,
        property_id=row.property_id,
        currency=row.currency,
        rent_minor=row.rent_minor,
        maintenance_minor=row.maintenance_minor,
        food_minor=row.food_minor,
        start=row.start_date,
        end=end,
        due_day=row.rent_due_day,
        basis=Basis(row.proration_basis),
        gst_enabled=gst_enabled,
        continuous_days=None if end is None else (end - row.start_date).days + 1,
    )


async def planned(
    session: AsyncSession, row: Agreement, at: datetime
) -> tuple[Sequence[NextAction], str]:
    """What comes next for the agreement, and the run that will bill its next month."""
    if row.status != AgreementStatus.ACTIVE:
        return [], ""
    facts = await facts_of(session, row)
    month = agreement.next_month(facts)
    run = "" if month is None else keys.billing_run(tenant_of(session), month)
    return agreement.plan(facts, at), run


async def planned_for_resident(
    session: AsyncSession, resident_id: UUID, at: datetime
) -> tuple[Sequence[NextAction], str]:
    """All that is open for the resident, the next first, and the life that carries that out."""
    listed: list[tuple[NextAction, str]] = []
    rows = await session.scalars(
        select(PlannedAction)
        .join(Invoice, Invoice.id == PlannedAction.subject_id)
        .where(Invoice.resident_id == resident_id)
    )
    tenant_id = tenant_of(session)
    for row in rows:
        action = NextAction(row.at, row.what, row.why, tuple(row.changeable_by))
        listed.append((action, keys.invoice_collection(tenant_id, row.subject_id)))
    agreements = await session.scalars(
        select(Agreement).where(
            Agreement.resident_id == resident_id, Agreement.status == AgreementStatus.ACTIVE
        )
    )
    for row in agreements.all():
        actions, run = await planned(session, row, at)
        listed += [(action, run) for action in actions]
    listed.sort(key=lambda pair: pair[0].at)
    return [action for action, _ in listed], listed[0][1] if listed else ""
