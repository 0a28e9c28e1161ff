"""What one agreement owes for one month: lines, tax, due day and postings, from terms alone."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from domain.calendar import Month, in_words
from domain.invoice import LineKind
from domain.ledger import Posting, for_invoice
from domain.proration import Basis, prorate
from domain.tax import NIL, SAC_LONG_STAY, Document, document_for, long_stay_rate, split_tax

COUNTED_BY_DEFAULT = frozenset({LineKind.rent, LineKind.maintenance, LineKind.food})
_TITLES = {LineKind.rent: "Rent", LineKind.maintenance: "Maintenance", LineKind.food: "Food"}


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """The frozen terms a month is billed by; amounts per month in minor units.

    `end` is the last day, None while open. `continuous_days` None is an open-ended stay, so at
    least the days of the exemption. `counted` are the kinds that count toward the value which
    decides the exemption.
    """

    agreement_id: UUID
    resident_id: UUID
    property_id: UUID
    currency: str
    rent_minor: int
    maintenance_minor: int
    food_minor: int
    start: date
    end: date | None
    due_day: int
    basis: Basis
    gst_enabled: bool
    continuous_days: int | None
    counted: frozenset[LineKind] = COUNTED_BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is printed and posted; `rate` in percent."""

    kind: LineKind
    description: str
    quantity: int | Decimal
    unit_minor: int
    amount_minor: int
    rate: Decimal
    cgst_minor: int
    sgst_minor: int
    igst_minor: int
    sac: str


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice ready to be numbered and written; postings are balanced."""

    document: Document
    due: date
    lines: list[Line]
    subtotal_minor: int
    cgst_minor: int
    sgst_minor: int
    igst_minor: int
    tax_minor: int
    total_minor: int
    postings: list[Posting]


def due_date(month: Month, due_day: int, issued_on: date, default_due_days: int) -> date:
    """The later of the agreement's due day in the period and issue date + default due days."""
    return max(month.clamp(due_day), issued_on + timedelta(days=default_due_days))


def draft(
    terms: AgreementTerms, month: Month, issued_on: date, default_due_days: int
) -> InvoiceDraft | None:
    """The month's invoice, prorated when the stay covers a part of it; None: nothing to bill.

    The tax rule is the one in force on the first day billed, and looks at the whole month's value.
    """
    first, last = month.first, month.last
    first = max(first, terms.start)
    if terms.end is not None:
        last = min(last, terms.end)
    if last < first:
        return None
    rate = _rate(terms, first)
    lines: list[Line] = []
    subtotal = cgst = sgst = 0
    for kind, monthly in _charges(terms):
        amount = prorate(monthly, terms.basis, first, last) if monthly > 0 else 0
        if amount == 0:
            continue
        central, state = split_tax(amount, rate)
        text = _description(kind, month, first, last)
        lines.append(Line(kind, text, 1, amount, amount, rate, central, state, 0, SAC_LONG_STAY))
        subtotal += amount
        cgst += central
        sgst += state
    if not lines:
        return None
    due = due_date(month, terms.due_day, issued_on, default_due_days)
    postings = for_invoice([(line.kind, line.amount_minor) for line in lines], cgst, sgst)
    tax = cgst + sgst
    document = document_for(taxed=bool(rate))
    return InvoiceDraft(
        document, due, lines, subtotal, cgst, sgst, 0, tax, subtotal + tax, postings
    )


def _charges(terms: AgreementTerms) -> tuple[tuple[LineKind, int], ...]:
    return (
        (LineKind.rent, terms.rent_minor),
        (LineKind.maintenance, terms.maintenance_minor),
        (LineKind.food, terms.food_minor),
    )


def _rate(terms: AgreementTerms, on: date) -> Decimal:
    """GST is India's: nothing is taxed where it is disabled or the currency is another."""
    if not terms.gst_enabled or terms.currency != "INR":
        return NIL
    if terms.counted is COUNTED_BY_DEFAULT:
        value = terms.rent_minor + terms.maintenance_minor + terms.food_minor
    else:
        value = sum(minor for kind, minor in _charges(terms) if kind in terms.counted)
    return long_stay_rate(value, terms.continuous_days, on)


@lru_cache(maxsize=4096)
def _description(kind: LineKind, month: Month, first: date, last: date) -> str:
    if first.day == 1 and last.day == month.days:
        return f"{_TITLES[kind]}, {month.text}"
    days = (last - first).days + 1
    span = in_words(first) if days == 1 else f"{first.day} to {in_words(last)}"
    return f"{_TITLES[kind]}, {span} ({days} of {month.days} days)"
