"""Payments by day: as the view made of events shows them, and as the payments themselves say."""

from collections import Counter

from sqlalchemy import select

from domain.calendar import local_day
from models.database import Database
from models.payment import Payment
from models.payment_day import PaymentDay
from tests.support.house import ZONE

Days = dict[tuple[object, ...], tuple[int, int, int, int]]


async def shown(database: Database) -> Days:
    """The view, of all tenants."""
    async with database.platform("test") as session:
        return {
            (row.tenant_id, row.day, row.currency, row.mode, row.method): (
                row.received_count,
                row.received_minor,
                row.bounced_count,
                row.bounced_minor,
            )
            for row in await session.scalars(select(PaymentDay))
        }


async def wanted(database: Database) -> Days:
    """The same, from the payments."""
    sums: dict[tuple[object, ...], Counter[int]] = {}
    async with database.platform("test") as session:
        for row in await session.scalars(select(Payment)):
            by = (row.tenant_id, row.currency, row.mode, row.method)
            days = [(row.paid_on, 0)]
            if row.bounced_at is not None:
                days.append((local_day(row.bounced_at, ZONE), 2))
            for day, place in days:
                found = sums.setdefault((by[0], day, *by[1:]), Counter())
                found.update({place: 1, place + 1: row.amount_minor})
    return {key: (one[0], one[1], one[2], one[3]) for key, one in sums.items()}
