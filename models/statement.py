"""Lines of bank statements: money that came in, and what became of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.statement_matching import Rule
from models.base import TenantRow, one_of, within_tenant

# What its task and its events are about; a line has no life of its own.
STATEMENT_LINE = "statement_line"


class LineState(StrEnum):
    """What became of a line."""

    BOOKED = "booked"
    KNOWN = "known"
    OPEN = "open"
    DISMISSED = "dismissed"


class StatementLine(TenantRow):
    """One credit of a bank statement. `identity` makes it the same line in every file.

    `booked`: its money is `payment_id`, by `rule`. `known`: the payment was there before. `open`:
    a task asks a person, and `candidates` says whose it may be, by ids. What the bank said never
    changes.
    """

    __tablename__ = "statement_lines"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        within_tenant("payment_id", "payments"),
        # The same file again, or a later one that overlaps it, adds nothing.
        UniqueConstraint("tenant_id", "identity"),
        one_of("state", LineState),
        one_of("rule", Rule),
        CheckConstraint("amount_minor > 0", name="is_a_credit"),
        CheckConstraint(
            "(state in ('booked', 'known')) = (payment_id is not null)", name="money_has_a_payment"
        ),
        CheckConstraint("(state = 'booked') = (rule is not null)", name="booked_by_a_rule"),
        Index("ix_statement_lines_day", "tenant_id", "day"),
        Index("ix_statement_lines_payment", "tenant_id", "payment_id"),
        Index(
            "ix_statement_lines_payer",
            "tenant_id",
            "payer_address",
            postgresql_where=text("payer_address is not null"),
        ),
        Index(
            "ix_statement_lines_utr",
            "tenant_id",
            "utr",
            postgresql_where=text("utr is not null"),
        ),
    )

    identity: Mapped[str]
    account: Mapped[str]
    file_name: Mapped[str]
    file_line: Mapped[int]
    day: Mapped[date]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    utr: Mapped[str | None]
    reference: Mapped[str]
    narration: Mapped[str]
    payer_address: Mapped[str | None]
    state: Mapped[str]
    rule: Mapped[str | None]
    why: Mapped[str]
    resident_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    candidates: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    effective_at: Mapped[datetime]
