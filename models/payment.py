"""Money that came in, and which invoices it paid."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TenantRow, one_of, within_tenant


class PaymentStatus(StrEnum):
    """What became of it."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    BOUNCED = "bounced"


class PaymentMode(StrEnum):
    """Through whom it came."""

    MANUAL = "manual"
    STRIPE = "stripe"
    RAZORPAY = "razorpay"
    CASHFREE = "cashfree"


class PaymentMethod(StrEnum):
    """By what means."""

    UPI = "upi"
    CARD = "card"
    NETBANKING = "netbanking"
    CASH = "cash"
    CHEQUE = "cheque"
    BANK_TRANSFER = "bank_transfer"
    TDS = "tds"


class Payment(TenantRow):
    """Money that arrived. `unallocated_minor` is the advance: what no invoice has used yet.

    Money that came through a provider names its payment there, our merchant account, and the
    attempt it was made on, where there was one.
    """

    __tablename__ = "payments"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        within_tenant("attempt_id", "payment_attempts"),
        within_tenant("account_id", "payment_accounts"),
        UniqueConstraint("tenant_id", "payment_number"),
        UniqueConstraint("tenant_id", "mode", "provider_payment_id"),
        one_of("status", PaymentStatus),
        one_of("mode", PaymentMode),
        one_of("method", PaymentMethod),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "unallocated_minor between 0 and amount_minor", name="unallocated_within_amount"
        ),
        Index(
            "ix_payments_advances",
            "tenant_id",
            "resident_id",
            postgresql_where=text("unallocated_minor > 0"),
        ),
        Index("ix_payments_resident", "tenant_id", "resident_id"),
    )

    resident_id: Mapped[UUID]
    payment_number: Mapped[str]
    amount_minor: Mapped[int]
    unallocated_minor: Mapped[int]
    currency: Mapped[str]
    method: Mapped[str]
    mode: Mapped[str] = mapped_column(server_default=PaymentMode.MANUAL)
    status: Mapped[str]
    paid_on: Mapped[date]
    paid_at: Mapped[datetime]
    provider_payment_id: Mapped[str | None]
    attempt_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    reference: Mapped[str | None]
    notes: Mapped[str | None]
    bounced_at: Mapped[datetime | None]
    bounce_reason: Mapped[str | None]


class Allocation(TenantRow):
    """How much of a payment, or of a credit note, went to an invoice; taken back by a negative one.

    `recovered` money came for what had been written off: no balance moves by it. Append-only.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        within_tenant("payment_id", "payments"),
        within_tenant("credit_note_id", "credit_notes"),
        within_tenant("invoice_id", "invoices"),
        CheckConstraint("num_nonnulls(payment_id, credit_note_id) = 1", name="one_source"),
        CheckConstraint("amount_minor <> 0", name="moves_something"),
        CheckConstraint("not recovered or payment_id is not null", name="recovered_by_money"),
        Index("ix_allocations_invoice", "tenant_id", "invoice_id"),
        Index("ix_allocations_payment", "tenant_id", "payment_id"),
    )

    payment_id: Mapped[UUID | None]
    credit_note_id: Mapped[UUID | None]
    invoice_id: Mapped[UUID]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    recovered: Mapped[bool] = mapped_column(server_default=text("false"))
    effective_at: Mapped[datetime]
