"""Things to tell people, and each try at telling them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.message_delivery import DeliveryState
from models.base import TenantRow, one_of, within_tenant


class Purpose(StrEnum):
    """Why we write to somebody."""

    REMINDER = "reminder"
    LATE_FEE = "late_fee"
    FEE_REVERSED = "fee_reversed"
    INVOICE = "invoice"
    RECEIPT = "receipt"
    PROMISE_NOTED = "promise_noted"
    PROMISE_BROKEN = "promise_broken"
    INSTALMENTS_AGREED = "instalments_agreed"
    INSTALMENTS_BROKEN = "instalments_broken"


class Channel(StrEnum):
    """By what way."""

    EMAIL = "email"
    SMS = "sms"


class Message(TenantRow):
    """One thing to tell one person on one day, whatever the channel.

    Unique by payer, day, purpose and what it is about: several open invoices make one reminder.
    """

    __tablename__ = "messages"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        UniqueConstraint(
            "tenant_id",
            "resident_id",
            "day",
            "purpose",
            "about_id",
            postgresql_nulls_not_distinct=True,
        ),
        one_of("purpose", Purpose),
        one_of("state", DeliveryState),
        Index("ix_messages_about", "tenant_id", "about_id"),
    )

    resident_id: Mapped[UUID]
    day: Mapped[date]
    purpose: Mapped[str]
    about_id: Mapped[UUID | None]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    timezone: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=DeliveryState.pending)
    effective_at: Mapped[datetime]


class Delivery(TenantRow):
    """One try to deliver a message by one channel.

    `pending` is the relay's to take; `processing` with a lease is in its hands, without one it
    waits for the message's life. `handed_over` is the text given to a carrier that has not
    answered yet: by it the message is found again there. `tried_at` is business time.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        within_tenant("message_id", "messages"),
        UniqueConstraint("tenant_id", "message_id", "channel", "attempt"),
        one_of("channel", Channel),
        one_of("state", DeliveryState),
        Index(
            "ix_deliveries_queue",
            "tenant_id",
            "not_before",
            "id",
            postgresql_where=text("state in ('pending', 'processing')"),
        ),
    )

    message_id: Mapped[UUID]
    channel: Mapped[str]
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    state: Mapped[str] = mapped_column(server_default=DeliveryState.pending)
    not_before: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    handed_over: Mapped[str | None]
    provider: Mapped[str | None]
    provider_message_id: Mapped[str | None]
    error_code: Mapped[str | None]
    finished_at: Mapped[datetime | None]
