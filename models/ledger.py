"""The double-entry ledger: every entry balances per currency, nothing is ever rewritten."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from domain.ledger import Account
from models.base import TenantRow, one_of


class JournalEntry(TenantRow):
    """One business act in money: what happened, on which day, about which subject. Append-only."""

    __tablename__ = "journal_entries"
    __table_args__ = (Index("ix_journal_entries_subject", "tenant_id", "subject_id"),)

    kind: Mapped[str]
    subject_id: Mapped[UUID]
    day: Mapped[date]
    effective_at: Mapped[datetime]
    description: Mapped[str]


class Posting(TenantRow):
    """One side of an entry, debit positive. Append-only.

    A statement-level trigger sees that the entry exists and is balanced, so all postings of an
    entry are written in one statement; a key checked row by row would cost as much as the rows.
    Postings on receivables name the invoice: their sum is its balance.
    """

    __tablename__ = "postings"
    __table_args__ = (
        one_of("account", Account),
        CheckConstraint("minor <> 0", name="moves_something"),
        CheckConstraint(
            "account <> 'receivables' or invoice_id is not null", name="receivable_names_invoice"
        ),
        Index("ix_postings_entry", "tenant_id", "entry_id"),
        Index(
            "ix_postings_invoice",
            "tenant_id",
            "invoice_id",
            postgresql_where=text("invoice_id is not null"),
        ),
    )

    entry_id: Mapped[UUID]
    account: Mapped[str]
    minor: Mapped[int]
    currency: Mapped[str]
    invoice_id: Mapped[UUID | None]
    resident_id: Mapped[UUID | None]
