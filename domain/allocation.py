"""Money that arrives pays the oldest due invoice first; what is left over is an advance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice that can take money; `number` decides between invoices due on one day."""

    id: UUID
    due: date
    number: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which invoice gets how much, in order, and what is left; together exactly the amount."""

    parts: list[tuple[UUID, int]]
    rest_minor: int


def allocate(amount_minor: int, invoices: Iterable[OpenInvoice]) -> Allocation:
    """Oldest due first, ties by number and id; no part is zero or above its invoice's balance."""
    if amount_minor < 0:
        raise ValueError("only money that came in can be allocated")
    parts: list[tuple[UUID, int]] = []
    rest = amount_minor
    for invoice in sorted(invoices, key=lambda i: (i.due, i.number, i.id)):
        part = min(rest, invoice.balance_minor)
        if part > 0:
            parts.append((invoice.id, part))
            rest -= part
    return Allocation(parts, rest)
