"""The words of an invoice: its states, its types, and the kinds of its lines."""

from enum import StrEnum


class InvoiceStatus(StrEnum):
    """What is stored; sent, viewed, partially_paid and overdue are derived."""

    draft = "draft"
    issued = "issued"
    paid = "paid"
    cancelled = "cancelled"
    written_off = "written_off"


class InvoiceType(StrEnum):
    """What an invoice asks money for."""

    rent = "rent"
    deposit = "deposit"
    maintenance = "maintenance"
    utility = "utility"
    penalty = "penalty"
    folio = "folio"
    adjustment = "adjustment"


class LineKind(StrEnum):
    """What one line charges; each kind has one ledger account."""

    rent = "rent"
    maintenance = "maintenance"
    food = "food"
    utility = "utility"
    late_fee = "late_fee"
    deposit = "deposit"
    other = "other"


# What is charged every month again: rent and what is agreed beside it.
RECURRING = frozenset({LineKind.rent, LineKind.maintenance, LineKind.food})
