"""Money as a dashboard shows it: what came in and what went back, by day, mode and method."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api.body import Answer, MoneyField, money
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.calendar import local_day
from domain.errors import InvalidInput
from models.payment_day import PaymentDay, between

router = APIRouter(prefix="/analytics", tags=["analytics"], route_class=TenantRoute)
READ = allows(Permission.PAYMENTS_READ)
DAYS_MAX = 366


class PaymentSum(Answer):
    """What came in, what went back because a cheque bounced, and what is left of both."""

    received_count: int
    received: MoneyField
    bounced_count: int
    bounced: MoneyField
    net: MoneyField


class PaymentMethodSum(PaymentSum):
    """The same of one mode (manual or a provider) and method."""

    mode: str
    method: str


class PaymentDaySum(PaymentMethodSum):
    """The same of one day at the houses: that on which it was paid, or bounced."""

    day: date


class PaymentAnalytics(Answer):
    """Money of a span of days; `totals` has a line for each currency, quiet days have none."""

    since: Annotated[date, Field(alias="from")]
    until: Annotated[date, Field(alias="to")]
    totals: list[PaymentSum]
    methods: list[PaymentMethodSum]
    days: list[PaymentDaySum]


@router.get("/payments", **READ)
async def payment_analytics(
    here: Here,
    *,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> PaymentAnalytics:
    """Money by day, mode and method; of this month unless told otherwise, of 366 days at most.

    Made from the events of payments, so a moment behind `GET /payments`.
    """
    last = until or local_day(here.parts.clock.now(), here.tenant.timezone)
    first = since or last.replace(day=1)
    if not timedelta() <= last - first < timedelta(days=DAYS_MAX):
        raise InvalidInput.of("to", "SPAN", f"must be 0 to {DAYS_MAX - 1} days after {first}")
    rows = await between(here.session, first, last)
    return PaymentAnalytics(
        since=first,
        until=last,
        totals=[PaymentSum(**_summed(some)) for some in _by(rows, "currency")],
        methods=[
            PaymentMethodSum(mode=some[0].mode, method=some[0].method, **_summed(some))
            for some in _by(rows, "currency", "mode", "method")
        ],
        days=[
            PaymentDaySum(day=row.day, mode=row.mode, method=row.method, **_summed([row]))
            for row in rows
        ],
    )


def _by(rows: Iterable[PaymentDay], *names: str) -> list[Sequence[PaymentDay]]:
    """The rows in heaps that have these columns in common, in their order."""
    heaps: dict[tuple[str, ...], list[PaymentDay]] = defaultdict(list)
    for row in rows:
        heaps[tuple(getattr(row, name) for name in names)].append(row)
    return [heaps[key] for key in sorted(heaps)]


def _summed(rows: Sequence[PaymentDay]) -> dict[str, Any]:
    currency = rows[0].currency
    received = sum(row.received_minor for row in rows)
    bounced = sum(row.bounced_minor for row in rows)
    return {
        "received_count": sum(row.received_count for row in rows),
        "received": money(received, currency),
        "bounced_count": sum(row.bounced_count for row in rows),
        "bounced": money(bounced, currency),
        "net": money(received - bounced, currency),
    }
