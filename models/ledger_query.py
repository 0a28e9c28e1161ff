"""The books as they are read: balances of accounts, and entries with their postings."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.ledger import JournalEntry, Posting


@dataclass(frozen=True, slots=True)
class AccountSum:
    """What was debited and credited to an account, in minor units of one currency."""

    account: str
    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        """Debits less credits."""
        return self.debit_minor - self.credit_minor


async def sums(session: AsyncSession, at: date | None = None) -> list[AccountSum]:
    """Every account that was ever moved, by currency; `at` counts entries up to that day."""
    debit = func.sum(Posting.minor).filter(Posting.minor > 0)
    credit = func.sum(Posting.minor).filter(Posting.minor < 0)
    query = select(
        Posting.account, Posting.currency, func.coalesce(debit, 0), func.coalesce(-credit, 0)
    ).group_by(Posting.account, Posting.currency)
    if at is not None:
        entry = JournalEntry.id == Posting.entry_id
        query = query.join(JournalEntry, entry).where(JournalEntry.day <= at)
    rows = await session.execute(query)
    return [
        AccountSum(account, currency, int(debited), int(credited))
        for account, currency, debited, credited in rows
    ]


async def postings_of(
    session: AsyncSession, entry_ids: Iterable[UUID]
) -> dict[UUID, list[Posting]]:
    """The postings of each entry, debits first."""
    rows = await session.scalars(
        select(Posting)
        .where(Posting.entry_id.in_(list(entry_ids)))
        .order_by(Posting.minor.desc(), Posting.id)
    )
    found: dict[UUID, list[Posting]] = {}
    for row in rows:
        found.setdefault(row.entry_id, []).append(row)
    return found
