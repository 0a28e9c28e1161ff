"""Demands for money, their lines, their correction, and the reminders that were sent for them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.invoice import InvoiceStatus, InvoiceType
from domain.tax import Document
from models.base import TenantRow, one_of, within_tenant


class Invoice(TenantRow):
    """A demand for money, frozen at issue.

    Tax law forbids rewriting an issued document, so it copies what it needs (names, terms) and
    later edits never reach it: a late fee is a penalty invoice that names its parent, a
    correction is a credit note. `balance_minor` is kept in the transaction that changes it and
    checked against the postings. `paid` follows from balance zero and is no life's step.
    `written_off_minor` was given up and is no part of the balance; `recovered_minor` of it came in
    after all. `replaces_id` is the cancelled invoice it was issued anew for.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        within_tenant("agreement_id", "agreements"),
        within_tenant("property_id", "properties"),
        within_tenant("parent_id", "invoices"),
        within_tenant("replaces_id", "invoices"),
        UniqueConstraint("tenant_id", "invoice_number"),
        # A month of an agreement is billed once, whoever asks and however often. One that is
        # issued anew takes the next sequence after the cancelled one it replaces.
        UniqueConstraint("tenant_id", "agreement_id", "period", "invoice_type", "sequence"),
        Index(
            "uq_invoices_parent",
            "tenant_id",
            "parent_id",
            "sequence",  # each part of a late fee is charged once
            unique=True,
            postgresql_where=text("parent_id is not null"),
        ),
        Index(
            "uq_invoices_replaces",
            "tenant_id",
            "replaces_id",
            unique=True,
            postgresql_where=text("replaces_id is not null"),
        ),
        one_of("status", InvoiceStatus),
        one_of("invoice_type", InvoiceType),
        one_of("document", Document),
        CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + tax_minor", name="adds_up"
        ),
        CheckConstraint("balance_minor between 0 and total_minor", name="balance_within_total"),
        CheckConstraint("status <> 'paid' or balance_minor = 0", name="paid_means_nothing_due"),
        CheckConstraint(
            "recovered_minor between 0 and written_off_minor and written_off_minor <= total_minor",
            name="recovered_within_written_off",
        ),
        Index(
            "ix_invoices_open",
            "tenant_id",
            "resident_id",
            "due_date",
            postgresql_where=text("status = 'issued'"),
        ),
        Index("ix_invoices_period", "tenant_id", "period"),
    )

    resident_id: Mapped[UUID]
    agreement_id: Mapped[UUID | None]
    property_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None]
    replaces_id: Mapped[UUID | None]
    invoice_number: Mapped[str | None]
    invoice_type: Mapped[str]
    document: Mapped[str]
    status: Mapped[str]
    period: Mapped[date | None]
    sequence: Mapped[int] = mapped_column(server_default=text("0"))
    invoice_date: Mapped[date]
    due_date: Mapped[date]
    currency: Mapped[str]
    subtotal_minor: Mapped[int]
    discount_minor: Mapped[int] = mapped_column(server_default=text("0"))
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    balance_minor: Mapped[int]
    written_off_minor: Mapped[int] = mapped_column(server_default=text("0"))
    recovered_minor: Mapped[int] = mapped_column(server_default=text("0"))
    terms: Mapped[dict[str, Any]]
    timezone: Mapped[str]
    recipient_name: Mapped[str]
    supplier_gstin: Mapped[str | None]
    place_of_supply: Mapped[str | None]
    issued_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    viewed_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    paused_until: Mapped[date | None]
    promised_for: Mapped[date | None]
    instalments_agreed_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    fee_waived_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    notes: Mapped[str | None]
    # A draft's lines are still rewritten, so they wait here; issue makes them rows for ever.
    draft_lines: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    closing_reason: Mapped[str | None]
    fee_waived_reason: Mapped[str | None]
    promise_note: Mapped[str | None]
    pause_reason: Mapped[str | None]


class InvoiceLine(TenantRow):
    """One thing on an invoice. Append-only: it is its own evidence."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        Index("ix_invoice_lines_invoice", "tenant_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID]
    position: Mapped[int]
    kind: Mapped[str]
    description: Mapped[str]
    sac: Mapped[str | None]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3), server_default=text("1"))
    unit_minor: Mapped[int]
    amount_minor: Mapped[int]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    cgst_minor: Mapped[int]
    sgst_minor: Mapped[int]
    igst_minor: Mapped[int]


class CreditNote(TenantRow):
    """Takes back part or all of an invoice. Its own consecutive series (CGST Rule 53).

    Of the total, `to_advance_minor` had been paid already and became an advance again.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        UniqueConstraint("tenant_id", "credit_note_number"),
        CheckConstraint("total_minor > 0", name="takes_something_back"),
        Index("ix_credit_notes_invoice", "tenant_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID]
    credit_note_number: Mapped[str]
    reason: Mapped[str]
    currency: Mapped[str]
    subtotal_minor: Mapped[int]
    cgst_minor: Mapped[int]
    sgst_minor: Mapped[int]
    igst_minor: Mapped[int]
    total_minor: Mapped[int]
    to_advance_minor: Mapped[int] = mapped_column(server_default=text("0"))
    issued_on: Mapped[date]
    effective_at: Mapped[datetime]


class CreditNoteLine(TenantRow):
    """What a credit note takes back of one line of its invoice. Append-only.

    Notes written before there were such lines have none: theirs follow from the total.
    """

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        within_tenant("credit_note_id", "credit_notes"),
        within_tenant("invoice_line_id", "invoice_lines"),
        UniqueConstraint("tenant_id", "credit_note_id", "invoice_line_id"),
    )

    credit_note_id: Mapped[UUID]
    invoice_line_id: Mapped[UUID]
    amount_minor: Mapped[int]
    cgst_minor: Mapped[int]
    sgst_minor: Mapped[int]
    igst_minor: Mapped[int]


class Reminder(TenantRow):
    """A rung of the ladder that was climbed for an invoice, and the message that carried it.

    An invoice paid in instalments has a ladder for each of them.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        within_tenant("invoice_id", "invoices"),
        within_tenant("message_id", "messages"),
        within_tenant("instalment_id", "instalments"),
        UniqueConstraint(
            "tenant_id",
            "invoice_id",
            "instalment_id",
            "rung",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_reminders_message", "tenant_id", "message_id"),
    )

    invoice_id: Mapped[UUID]
    instalment_id: Mapped[UUID | None]
    rung: Mapped[int]
    message_id: Mapped[UUID]
    effective_at: Mapped[datetime]
