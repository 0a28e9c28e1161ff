"""What the rows say about one issued invoice, as its collection is planned from it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from domain.instalments import OpenPart, Part
from domain.late_fee import LateFeeTerms, Settled

Rung: TypeAlias = int
DEFAULT_RUNGS: tuple[Rung, ...] = (-3, 0, 1, 7, 15)


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What the rows say about one invoice; amounts in minor units, rungs in days from due.

    `paused_until` is the day the pause ends; `promised_for` and `instalments` are empty again once
    broken; `tasks_open` names the steps an operator has to look at first. `fee_charged` is of the
    flat part; `fees_of_month_minor` are all fees that count for the cap so far. `settled` is what
    has been paid and credited, by day; it is given where the terms count days.
    `parent_paid_at` is when the invoice a penalty belongs to was settled.
    """

    status: str
    invoice_type: str
    balance_minor: int
    outstanding_without_fees_minor: int
    currency: str
    due: date
    issued_at: datetime
    zone: str
    reminders_enabled: bool
    rungs: tuple[Rung, ...]
    rungs_sent: frozenset[Rung]
    late_fee: LateFeeTerms
    fee_charged: bool
    fee_waived: bool
    paused_until: date | None
    promised_for: date | None
    disputed: bool
    parent_open: bool
    tasks_open: frozenset[str]
    handed_over: bool
    daily_fee_charged: bool = False
    recurring_minor: int = 0
    outstanding_fees_minor: int = 0
    fees_of_month_minor: int = 0
    settled: tuple[Settled, ...] = ()
    instalments: tuple[Part, ...] = ()
    parent_paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueReminder:
    """The rung a reminder is for, and the part whose rung it is; None: of the invoice itself."""

    rung: Rung
    part: OpenPart | None = None
