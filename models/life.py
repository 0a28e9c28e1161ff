"""What follows from the rows: plans, the lives that wait for them, and wake-ups to deliver."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TenantRow, WalledRow, one_of


class SubjectKind(StrEnum):
    """What a life is about; its plan is read at GET /{kind}s/{id}/plan."""

    INVOICE = "invoice"
    MESSAGE = "message"
    BILLING_RUN = "billing_run"
    AGREEMENT = "agreement"
    PAYMENT_ATTEMPT = "payment_attempt"
    PAYMENT_METHOD = "payment_method"


class PlannedAction(WalledRow):
    """One entry of a subject's plan: what happens next, when, why, and who may change it.

    A plan is replaced whole by whoever holds the lock on the subject's row, so an entry has no
    identity beyond its place in it: there are more of these rows than of any other.
    """

    __tablename__ = "next_actions"
    __table_args__ = (Index("ix_next_actions_at", "tenant_id", "at"),)

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject_kind: Mapped[str]
    property_id: Mapped[UUID | None]
    at: Mapped[datetime]
    what: Mapped[str]
    why: Mapped[str]
    changeable_by: Mapped[list[Any]]


class LifeRow(TenantRow):
    """A running life as the rows know it: when it will look again by itself.

    `store_id` is the id of Temporal's namespace: when the whole store is lost, repair sees it.
    """

    __tablename__ = "lives"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject_id"),
        one_of("subject_kind", SubjectKind),
        Index("ix_lives_awaits_at", "awaits_at"),
    )

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    workflow_id: Mapped[str]
    stage: Mapped[str]
    awaits_at: Mapped[datetime | None]
    looked_at: Mapped[datetime]
    store_id: Mapped[str]


class Wake(TenantRow):
    """A wake-up to deliver: written with the change, turned into signal-with-start after commit."""

    __tablename__ = "wakes"
    __table_args__ = (
        one_of("subject_kind", SubjectKind),
        Index("ix_wakes_queue", "tenant_id", "priority", "recorded_at"),
    )

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    workflow_id: Mapped[str]
    priority: Mapped[int] = mapped_column(Integer, server_default=text("3"))
    leased_until: Mapped[datetime | None]
