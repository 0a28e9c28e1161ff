"""Terms and facts of an ordinary hostel, for tests that change one thing at a time."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from domain.billing_run import AgreementTerms
from domain.invoice_collection import DEFAULT_RUNGS, CollectionFacts
from domain.late_fee import LateFeeKind, LateFeeTerms
from domain.message_delivery import DeliveryFacts, DeliveryState
from domain.proration import Basis

INDIA = "Asia/Kolkata"


def identity(number: int) -> UUID:
    """A readable id."""
    return UUID(int=number)


PERCENT_TERMS = LateFeeTerms(
    enabled=True,
    kind=LateFeeKind.percent,
    percent=Decimal(5),
    fixed_minor=0,
    grace_days=3,
    cap_minor=None,
    minimum_balance_minor=0,
)

HOSTEL_BED = AgreementTerms(
    agreement_id=identity(1),
    resident_id=identity(2),
    property_id=identity(3),
    currency="INR",
    rent_minor=950_000,
    maintenance_minor=50_000,
    food_minor=200_000,
    start=date(2026, 1, 15),
    end=None,
    due_day=5,
    basis=Basis.actual_days,
    gst_enabled=True,
    continuous_days=None,
)

OCTOBER_RENT = CollectionFacts(
    status="issued",
    invoice_type="rent",
    balance_minor=950_000,
    outstanding_without_fees_minor=950_000,
    currency="INR",
    due=date(2026, 10, 5),
    issued_at=datetime(2026, 9, 30, 18, 45, tzinfo=UTC),
    zone=INDIA,
    reminders_enabled=True,
    rungs=DEFAULT_RUNGS,
    rungs_sent=frozenset(),
    late_fee=PERCENT_TERMS,
    fee_charged=False,
    fee_waived=False,
    paused_until=None,
    promised_for=None,
    disputed=False,
    parent_open=False,
    tasks_open=frozenset(),
    handed_over=False,
)

QUEUED_MAIL = DeliveryFacts(
    state=DeliveryState.pending,
    channels=frozenset({"mail"}),
    zone=INDIA,
    tries=1,
    queued_at=datetime(2026, 10, 5, 4, 30, tzinfo=UTC),
    last_try_at=datetime(2026, 10, 5, 4, 30, tzinfo=UTC),
    wanted=True,
    tasks_open=frozenset(),
)


def in_india(day: int, hour: int = 10, minute: int = 0, month: int = 10) -> datetime:
    """An instant of 2026 by the clock of India, which is 5:30 ahead of UTC."""
    return datetime.fromisoformat(f"2026-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}+05:30")
