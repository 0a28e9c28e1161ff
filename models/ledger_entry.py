"""Posts one act to the ledger: the entry, and all its postings in one statement.

The balance of an entry is checked by a trigger per statement, so half an entry never stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import Account, Posting, balanced
from models.bulk import insert_all, new_ids
from models.ledger import JournalEntry
from models.ledger import Posting as PostingRow


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What happened, about which subject and resident; `day` is the day it counts for.

    `receivables` says which invoices the receivables of the act belong to, as signed minor units.
    """

    kind: str
    subject_id: UUID
    resident_id: UUID
    day: date
    at: datetime
    description: str
    currency: str
    receivables: Sequence[tuple[UUID, int]] = ()


async def post(session: AsyncSession, new: NewEntry, postings: Sequence[Posting]) -> None:
    """Write the entry and its postings; ValueError when they do not balance or name no invoice."""
    await post_all(session, [(new, postings)])


async def post_all(
    session: AsyncSession, acts: Sequence[tuple[NewEntry, Sequence[Posting]]]
) -> None:
    """The same for many acts, the postings of all in one statement."""
    sides = [(new, _sides(new, balanced(postings))) for new, postings in acts]
    ids = new_ids(len(acts))
    entries = [
        {
            "id": entry_id,
            "kind": new.kind,
            "subject_id": new.subject_id,
            "day": new.day,
            "effective_at": new.at,
            "description": new.description,
        }
        for entry_id, (new, _) in zip(ids, acts, strict=True)
    ]
    await insert_all(session, JournalEntry, entries)
    rows = [
        {
            "entry_id": entry_id,
            "account": account,
            "minor": minor,
            "currency": new.currency,
            "invoice_id": invoice_id,
            "resident_id": new.resident_id,
        }
        for entry_id, (new, written) in zip(ids, sides, strict=True)
        for account, minor, invoice_id in written
    ]
    await insert_all(session, PostingRow, rows)


def _sides(new: NewEntry, postings: Sequence[Posting]) -> list[tuple[Account, int, UUID | None]]:
    """Each posting as it is written: those on receivables one by one, under their invoices."""
    owed = sum(p.minor for p in postings if p.account is Account.receivables)
    if owed != sum(minor for _, minor in new.receivables):
        raise ValueError(f"{new.kind} moves receivables by {owed}, its invoices say otherwise")
    others = [(p.account, p.minor, None) for p in postings if p.account is not Account.receivables]
    by_invoice = [
        (Account.receivables, minor, invoice_id) for invoice_id, minor in new.receivables if minor
    ]
    return [*by_invoice, *others]
