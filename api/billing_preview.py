"""What a month's run would bill, and what it would bill if terms were otherwise; writes nothing."""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select

from api.agreement import MONEY, NONE, Day
from api.billing_preview_answer import PreviewAnswer, shown
from api.billing_settings import SettingsChange, must_make_sense
from api.body import Body, MoneyField, in_minor
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.calendar import Month, at_local, local_day
from domain.errors import InvalidInput, NotFound
from domain.proration import Basis
from models.billing_preview import AskedPreview, Foreseen, preview
from models.fee_ahead import Scope
from models.resident import Agreement
from models.tenant import BillingSettings

router = APIRouter(prefix="/billing/preview", tags=["billing"], route_class=TenantRoute)
# When the clock opens a month's run: the first quarter of an hour of the tenant's day.
OPENS = time(0, 15)
Place = tuple[str, str]


class AgreementThought(Body):
    """An agreement, and what of it is thought to be otherwise; what is not sent stays."""

    agreement_id: UUID
    end_date: Day | None = None
    rent_amount: MoneyField = NONE
    maintenance_charges: MoneyField = NONE
    food_charges: MoneyField = NONE
    rent_due_day: Annotated[int, Field(ge=1, le=31)] = 5
    late_fee_percentage: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)] | None = None
    proration_basis: Basis = Basis.actual_days

    def values(self, currency: str) -> dict[str, Any]:
        """The terms that were sent, as the row keeps them."""
        given = in_minor(self.given(), currency, MONEY)
        given.pop("agreement_id")
        return given


class AskedMonth(Body):
    """Which month, of whom, on which day; and what is thought to be otherwise.

    `asOf` is the day the run is thought of: the first of the month unless given, or today if that
    has passed. `settings` is what could be sent to `PUT /billing/settings`, `agreements` what could
    become of single agreements. `differsByPercent` is when a bill that differs from the one of the
    month before is worth a warning.
    """

    period: Annotated[str, Field(max_length=7, examples=["2026-10"])]
    property_id: UUID | None = None
    resident_id: UUID | None = None
    agreement_id: UUID | None = None
    as_of: Day | None = None
    settings: SettingsChange | None = None
    agreements: Annotated[list[AgreementThought], Field(max_length=500)] = Field(
        default_factory=list[AgreementThought]
    )
    differs_by_percent: Annotated[Decimal, Field(ge=0, le=1000)] = Decimal(20)


@router.post("", **allows(Permission.BILLING_READ))
async def preview_month(
    body: AskedMonth,
    here: Here,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> PreviewAnswer:
    """What the next run of a month would issue, by the engine it runs on, to the last unit.

    Nothing is written, no number is taken, no run is held up. Months before it that nobody billed
    come first, as they would. Every page tells the totals of the whole; the invoices are in the
    run's order. Each says which late fee follows, and when, if nothing is paid; `openFees` are
    those that the plans of invoices issued before announce.
    """
    after = None if cursor is None else _read(cursor)
    month = Month.parse(body.period)
    at = _at(here, month, body.as_of)
    asked = AskedPreview(
        month=month,
        at=at,
        scope=Scope(body.property_id, body.resident_id, body.agreement_id),
        settings=await _settings(here, body.settings),
        agreements=await _agreements(here, body.agreements),
        differs_percent=body.differs_by_percent,
    )
    seen = await preview(here.session, asked)
    page = [one for one in seen.invoices if after is None or _place(one) > after][: limit + 1]
    following = _write(page[limit - 1]) if len(page) > limit else None
    as_of = local_day(at, here.tenant.timezone)
    warned = Counter(told.code for one in seen.invoices for told in one.warned)
    return shown(seen, page[:limit], following, as_of, warned)


def _at(here: Here, month: Month, as_of: date | None) -> datetime:
    """The instant of the run: now, or the quarter of an hour past midnight of a later day."""
    now, zone = here.parts.clock.now(), here.tenant.timezone
    today = local_day(now, zone)
    if as_of is not None and as_of < today:
        raise InvalidInput.of("asOf", "IN_PAST", f"{as_of} has passed; today is {today}")
    day = as_of or max(today, month.first)
    return now if day == today else at_local(day, OPENS, zone)


async def _settings(here: Here, change: SettingsChange | None) -> dict[str, Any]:
    if change is None:
        return {}
    given = change.values(here.tenant.currency)
    row = (await here.session.scalars(select(BillingSettings))).one()
    must_make_sense(
        given.get("late_fee_type", row.late_fee_type),
        given.get("late_fee_value", row.late_fee_value),
        given.get("late_fee_fixed_minor", row.late_fee_fixed_minor),
    )
    return given


async def _agreements(
    here: Here, thoughts: Sequence[AgreementThought]
) -> dict[UUID, dict[str, Any]]:
    wanted = [thought.agreement_id for thought in thoughts]
    found = await here.session.execute(
        select(Agreement.id, Agreement.currency, Agreement.start_date).where(
            Agreement.id.in_(wanted)
        )
    )
    known = {row.id: row for row in found}
    changes: dict[UUID, dict[str, Any]] = {}
    for number, thought in enumerate(thoughts):
        row = known.get(thought.agreement_id)
        if row is None:
            raise NotFound(f"there is no agreement {thought.agreement_id}")
        changes[row.id] = thought.values(row.currency)
        end = changes[row.id].get("end_date")
        if end is not None and end < row.start_date:
            message = f"is {end}, before the start on {row.start_date}"
            raise InvalidInput.of(f"agreements.{number}.endDate", "BEFORE_START", message)
    return changes


def _place(one: Foreseen) -> Place:
    """Where an invoice stands in the run's order."""
    return str(one.month), str(one.bill.row["id"])


def _write(one: Foreseen) -> str:
    return base64.urlsafe_b64encode(json.dumps(_place(one)).encode()).decode()


def _read(cursor: str) -> Place:
    try:
        period, agreement_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return str(Month.parse(str(period))), str(UUID(str(agreement_id)))
    except (ValueError, TypeError, InvalidInput):
        raise InvalidInput.of("cursor", "BAD_CURSOR", "is not one that was given out") from None
