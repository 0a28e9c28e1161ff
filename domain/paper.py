"""What a printed document says: the fields CGST Rules 46, 49 and 53 ask for, as plain values.

Read from the rows in `models.paper`, filled in by `templates.document`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from domain.money import Money
from domain.tax import Document

# Rule 46 (e): from here on an unregistered recipient is named with an address.
RECIPIENT_ADDRESS_FROM_MINOR = 50_000_00


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a document. `state` is the two-digit GST State code."""

    name: str
    address: Sequence[str] = ()
    gstin: str | None = None
    state: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one head (CGST, SGST, UTGST, IGST) at its own rate in percent."""

    head: str
    rate: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class Line:
    """One supply: its taxable value after discount and the tax on it, head by head.

    `unit` is the price of one, where there are several or a part.
    """

    description: str
    taxable: Money
    sac: str | None = None
    taxes: Sequence[Tax] = ()
    quantity: Decimal = Decimal(1)
    unit: Money | None = None

    @property
    def total(self) -> Money:
        """Taxable value and tax."""
        return Money(
            self.taxable.minor + sum(tax.amount.minor for tax in self.taxes),
            self.taxable.currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What tax documents share (CGST Rules 46, 49 and 53). `place_of_supply` is a State code."""

    template: ClassVar[str]

    number: str
    issued_on: date
    supplier: Party
    recipient: Party
    property_name: str | None = None
    place_of_supply: str | None = None
    lines: Sequence[Line]
    total: Money
    reverse_charge: bool = False

    @property
    def taxable(self) -> Money:
        """The value of all lines before tax."""
        return Money(sum(line.taxable.minor for line in self.lines), self.total.currency)

    @property
    def taxes(self) -> list[Tax]:
        """Tax by head and rate over all lines, in order of first appearance."""
        sums: dict[tuple[str, Decimal], int] = {}
        for tax in (tax for line in self.lines for tax in line.taxes):
            key = (tax.head, tax.rate)
            sums[key] = sums.get(key, 0) + tax.amount.minor
        return [
            Tax(head, rate, Money(minor, self.total.currency))
            for (head, rate), minor in sums.items()
        ]

    @property
    def round_off(self) -> Money:
        """What rounding added to, or took from, the sum of the lines."""
        exact = sum(line.total.minor for line in self.lines)
        return Money(self.total.minor - exact, self.total.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaper(Paper):
    """A tax invoice (Rule 46) or bill of supply (Rule 49), as printed.

    `late_number` names the invoice a late fee is for. `paid` is what payments settled of it,
    `credited` what credit notes did. `note` is the operator's own words. `upi` is the link a
    payer's phone reads to pay what is due.
    """

    template: ClassVar[str] = "invoice"

    document: Document
    due: date
    first_day: date | None = None
    last_day: date | None = None
    late_number: str | None = None
    paid: Money
    credited: Money
    balance: Money
    cancelled: bool = False
    note: str | None = None
    url: str | None = None
    upi: str | None = None

    @property
    def is_paid(self) -> bool:
        """Settled by money that came, not taken back and not given up."""
        open_minor = self.total.minor - self.paid.minor - self.credited.minor
        return self.paid.minor > 0 and self.balance.minor == 0 and open_minor == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNotePaper(Paper):
    """A credit note (Rule 53): it names the document it takes back from, and why."""

    template: ClassVar[str] = "credit_note"

    invoice_number: str
    invoice_date: date
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What part of a payment went to one invoice, and what is still open of it."""

    number: str
    description: str
    amount: Money
    remaining: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPaper:
    """A receipt for money that came in, as printed. `bounced_on`: the bank took it back."""

    template: ClassVar[str] = "receipt"

    number: str
    paid_on: date
    supplier: Party
    payer: Party
    amount: Money
    method: str
    reference: str | None
    settled: Sequence[Settled]
    remaining: Money
    advance: Money
    bounced_on: date | None = None

    @property
    def issued_on(self) -> date:
        """The day the money came."""
        return self.paid_on


def taxes(
    currency: str, rate: Decimal, cgst_minor: int, sgst_minor: int, igst_minor: int
) -> tuple[Tax, ...]:
    """The heads of one line from its columns: CGST and SGST at half the rate, or IGST at all of it.

    Heads without tax are left out.
    """
    heads = (
        ("CGST", rate / 2, cgst_minor),
        ("SGST", rate / 2, sgst_minor),
        ("IGST", rate, igst_minor),
    )
    return tuple(Tax(head, part, Money(minor, currency)) for head, part, minor in heads if minor)


def file_name(number: str) -> str:
    """The name a document is saved under: its number, without what folders are named by."""
    return f"{number.replace('/', '-')}.pdf"
