"""Names by which a thing is found again: workflow ids and idempotency keys, made of ids only.

They are stored in histories, schedules and at providers; changing a format is a migration.
"""

from uuid import UUID


def invoice_collection(tenant: UUID, invoice: UUID) -> str:
    """The life of one invoice after issue."""
    return f"invoice/{tenant}/{invoice}"


def billing_run(tenant: UUID, period: object, property: UUID | None = None) -> str:  # noqa: A002
    """One period of one tenant, or of one of its properties; `period` is written "2026-10"."""
    return f"billing/{tenant}/{period}" + (f"/{property}" if property else "")


def billing_clock(tenant: UUID) -> str:
    """The daily schedule that starts a tenant's billing runs."""
    return f"billing-clock/{tenant}"


def message_delivery(tenant: UUID, message: UUID) -> str:
    """The life of a message whose first try did not settle it."""
    return f"message/{tenant}/{message}"


def payment_attempt(tenant: UUID, attempt: UUID) -> str:
    """The life of one try to be paid through a provider."""
    return f"attempt/{tenant}/{attempt}"


def opening(attempt: UUID, turn: int = 1) -> str:
    """The opening of an attempt's page; a further turn where the one before is known to be lost."""
    return f"attempt/{attempt}/open/{turn}"


def payment_method(tenant: UUID, method: UUID) -> str:
    """The life of one saved way to pay."""
    return f"method/{tenant}/{method}"


def setting_up(method: UUID, turn: int = 1) -> str:
    """The opening of the page on which a card is left."""
    return f"method/{method}/open/{turn}"


def customer(row: UUID, made: int, turn: int = 1) -> str:
    """A resident made known to a provider; `made` counts those the provider forgot."""
    return f"customer/{row}/{made}/{turn}"
