"""A try to be paid on a page of a provider: open it, know how it ended, pay nothing twice.

A page moves no money by being open; money that arrives is booked by whoever hears of it first. So
the life of an attempt exists for what is uncertain: a page nobody could open yet, an answer that
was lost, a page that must be closed because the money came another way, and the end of its time.
"""

from enum import StrEnum
from typing import Final


class PayBy(StrEnum):
    """On what the payer pays."""

    checkout = "checkout"
    link = "link"
    upi_qr = "upi_qr"


class AttemptStatus(StrEnum):
    """Where an attempt stands. The last four are ends; from each `captured` may still come."""

    created = "created"
    pending = "pending"
    unknown = "unknown"
    captured = "captured"
    failed = "failed"
    expired = "expired"
    cancelled = "cancelled"


OPEN: Final = frozenset({AttemptStatus.created, AttemptStatus.pending, AttemptStatus.unknown})
