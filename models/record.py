"""Evidence and housekeeping rows: events, audit, tasks, stored answers, billing runs."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TenantRow, one_of, within_tenant


class DomainEvent(TenantRow):
    """Something that happened, written in the transaction that made it so. Append-only, no keys.

    `recorded_at`, one clock for all, is where the sequencer looks for what has no position yet.
    """

    __tablename__ = "domain_events"
    __table_args__ = (
        Index("ix_domain_events_subject", "tenant_id", "subject_id"),
        Index("ix_domain_events_recorded_at", "recorded_at"),
    )

    type: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(server_default=text("current_setting('app.actor', true)"))
    effective_at: Mapped[datetime]


class AuditRow(TenantRow):
    """Who changed what, before and after, from where and for what.

    Written by triggers alone, append-only, no keys. `ip` and `agent` are those of a request; `why`
    is its method and route, or the step of a life. Ids are made by the database as time goes on.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_row", "tenant_id", "row_id"),)

    actor: Mapped[str]
    request_id: Mapped[str | None]
    ip: Mapped[str | None]
    agent: Mapped[str | None]
    why: Mapped[str | None]
    table_name: Mapped[str]
    operation: Mapped[str]
    row_id: Mapped[UUID]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]


class TaskStatus(StrEnum):
    """What became of a task."""

    OPEN = "open"
    DONE = "done"
    EXPIRED = "expired"


class Task(TenantRow):
    """Something only a person can settle. While open, the plan leaves its step out."""

    __tablename__ = "tasks"
    __table_args__ = (
        one_of("status", TaskStatus),
        Index(
            "uq_tasks_open",
            "tenant_id",
            "subject_id",
            "what",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    what: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default=TaskStatus.OPEN)
    due_at: Mapped[datetime]
    assignee_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolution: Mapped[str | None]


class StoredAnswer(TenantRow):
    """The answer to a request that carried an Idempotency-Key. Kept 30 days."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (UniqueConstraint("tenant_id", "credential", "method", "path", "key"),)

    credential: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    key: Mapped[str]
    body_hash: Mapped[str]
    claimed_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None]
    media_type: Mapped[str | None]


class BillingRunStatus(StrEnum):
    """How far a run came."""

    QUEUED = "queued"
    RUNNING = "running"
    ISSUED = "issued"
    STOPPED = "stopped"


class BillingRun(TenantRow):
    """One month of one tenant (or one property) billed. Asking again opens the same run again."""

    __tablename__ = "billing_runs"
    __table_args__ = (
        within_tenant("property_id", "properties"),
        UniqueConstraint("tenant_id", "period", "property_id", postgresql_nulls_not_distinct=True),
        one_of("status", BillingRunStatus),
    )

    period: Mapped[date]
    property_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(server_default=BillingRunStatus.QUEUED)
    asked_by: Mapped[str]
    cursor_id: Mapped[UUID | None]
    expected_count: Mapped[int] = mapped_column(server_default=text("0"))
    issued_count: Mapped[int] = mapped_column(server_default=text("0"))
    refused_count: Mapped[int] = mapped_column(server_default=text("0"))
    issued_minor: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]


class BillingRefusal(TenantRow):
    """An agreement that a run could not bill, with the reason. Gone when a later run bills it."""

    __tablename__ = "billing_refusals"
    __table_args__ = (
        within_tenant("run_id", "billing_runs"),
        within_tenant("agreement_id", "agreements"),
        UniqueConstraint("tenant_id", "run_id", "agreement_id"),
    )

    run_id: Mapped[UUID]
    agreement_id: Mapped[UUID]
    code: Mapped[str]
    problem: Mapped[str]


class ImportedRow(TenantRow):
    """Which row of ours a line of an imported file became, so a second import changes nothing.

    `fingerprint` tells a changed line from the same one without keeping what it said.
    """

    __tablename__ = "imported_rows"
    __table_args__ = (UniqueConstraint("tenant_id", "source", "identity"),)

    source: Mapped[str]
    identity: Mapped[str]
    row_id: Mapped[UUID]
    day: Mapped[date | None]
    fingerprint: Mapped[str | None]
