"""What each template is told: frozen values, so that whoever fills one in is type-checked.

Every class names its template. Money is `domain.money.Money`, days are `date`, instants are aware.
A `*_url` of None leaves the link out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from domain.money import Money
from domain.tax import Document

FIRM_FROM_DAYS = 7


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the house as its residents know it."""

    name: str
    phone: str | None = None
    email: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """One open invoice: what for, until when, and what is still open of it.

    `part` says that it is an instalment: the how-manieth of how many.
    """

    number: str
    description: str
    due: date
    balance: Money
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What every message knows. `stop_url` is given only where the reader may stop such messages.

    `url` is the one link: the page to pay or to look.
    """

    template: ClassVar[str]

    sender: Sender
    payer_name: str
    url: str | None = None
    stop_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder(Letter):
    """All that is due of one payer. `rung` is the most urgent of them, in days from its due day."""

    template: ClassVar[str] = "reminder"

    rung: int
    dues: Sequence[Due]
    total: Money

    @property
    def tone(self) -> str:
        """before, today, gentle or firm."""
        if self.rung < 0:
            return "before"
        if self.rung == 0:
            return "today"
        return "gentle" if self.rung < FIRM_FROM_DAYS else "firm"

    @property
    def day(self) -> date:
        """The earliest due day."""
        return min(due.due for due in self.dues)

    @property
    def one_day(self) -> bool:
        """Whether everything is due on the same day."""
        return len({due.due for due in self.dues}) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFee(Letter):
    """A late fee was charged: `fee` is its own invoice, `late` the one it is for."""

    template: ClassVar[str] = "late_fee"

    fee: Due
    late: Due

    @property
    def total(self) -> Money:
        """The late invoice and its fee together."""
        return self.late.balance + self.fee.balance

    @property
    def is_paid(self) -> bool:
        """The late invoice was paid by now; the fee alone is open."""
        return self.late.balance.minor == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeReversed(Letter):
    """A late fee was taken back, because money dated `paid_on` had come in time after all."""

    template: ClassVar[str] = "fee_reversed"

    fee_number: str
    credit_note_number: str
    amount: Money
    late_number: str
    paid_on: date
    remaining: Money


@dataclass(frozen=True, slots=True)
class Settled:
    """What part of a payment went to one invoice, and what is still open of it."""

    number: str
    description: str
    amount: Money
    remaining: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Letter):
    """Money came in. `method` is the API's word (upi, cash, cheque, bank_transfer …).

    `remaining` is all the payer still owes, `advance` what is kept for the next invoice.
    """

    template: ClassVar[str] = "receipt"

    number: str
    amount: Money
    method: str
    reference: str | None
    paid_on: date
    settled: Sequence[Settled]
    remaining: Money
    advance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice(Letter):
    """An invoice or bill of supply goes out."""

    template: ClassVar[str] = "invoice"

    document: Document
    number: str
    issued_on: date
    due: date
    lines: Sequence[tuple[str, Money]]
    total: Money
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseNoted(Letter):
    """The payer promised to pay by a day; until then nobody writes."""

    template: ClassVar[str] = "promise_noted"

    promised_for: date
    dues: Sequence[Due]
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(Letter):
    """The promised day passed and money is still open."""

    template: ClassVar[str] = "promise_broken"

    promised_for: date
    dues: Sequence[Due]
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentsAgreed(Letter):
    """An invoice is paid in parts; each of `dues` is one of them."""

    template: ClassVar[str] = "instalments_agreed"

    dues: Sequence[Due]
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentsBroken(Letter):
    """An instalment was not paid on its day, so the whole is open again."""

    template: ClassVar[str] = "instalments_broken"

    missed_on: date
    dues: Sequence[Due]
    total: Money


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
    """One supply: its taxable value after discount and the tax on it, head by head."""

    description: str
    taxable: Money
    sac: str | None = None
    taxes: Sequence[Tax] = ()

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

    `late_number` names the invoice a late fee is for. `note` is the operator's own words.
    """

    template: ClassVar[str] = "invoice"

    document: Document
    due: date
    first_day: date | None = None
    last_day: date | None = None
    late_number: str | None = None
    balance: Money
    cancelled: bool = False
    note: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNotePaper(Paper):
    """A credit note (Rule 53): it names the document it takes back from, and why."""

    template: ClassVar[str] = "credit_note"

    invoice_number: str
    invoice_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPaper:
    """A receipt for money that came in, as printed."""

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


@dataclass(frozen=True, slots=True)
class Next:
    """A subject's next action: one row of its plan. `zone` is the property's."""

    at: datetime
    zone: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One living thing on the start page: where it stands and what happens next."""

    title: str
    stage: str
    balance: Money | None
    next: Next | None
    plan_url: str
    life_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPage:
    """The page at `/`. Addresses of None are left out."""

    template: ClassVar[str] = "start"

    tenant_name: str | None = None
    docs_url: str
    temporal_url: str | None = None
    inbox_url: str | None = None
    subjects: Sequence[Subject] = ()


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
