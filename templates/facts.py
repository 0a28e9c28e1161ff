"""What each template is told: frozen values, so that whoever fills one in is type-checked.

Every class names its template. Money is `domain.money.Money`, days are `date`, instants are aware.
A `*_url` of None leaves the link out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from domain.money import Money
from domain.paper import Settled
from domain.pay_page import Account, Hindrance, Received, UnderWay
from domain.payment_attempt import PayBy
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


@dataclass(frozen=True, slots=True)
class Choice:
    """What a payer had chosen and typed when it was refused, and why, beside the field."""

    invoices: frozenset[str]
    amount: str
    problem: Hindrance
    by: PayBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPage:
    """The pay page of a resident. `path` is its own address; `chosen` a language asked for.

    The form posts to `path` + `/attempts`: `by` is a way to pay, `invoices` an id for each one
    chosen, `amount` a decimal figure in the currency due; without it, all that is open of those
    chosen is paid. `thanks` is shown instead of what is due; `returned` says that the payer comes
    from a provider's page and no money is known yet. The page goes to `look_again` by itself.
    `card_left`: they come from the page on which a card is saved, and saved one.
    """

    template: ClassVar[str] = "pay"

    path: str
    account: Account
    chosen: str | None = None
    thanks: Received | None = None
    returned: bool = False
    look_again: str | None = None
    under_way: UnderWay | None = None
    choice: Choice | None = None
    card_left: bool = False

    @property
    def query(self) -> str:
        """What every link within the page carries on."""
        return "" if self.chosen is None else f"?lang={self.chosen}"

    @property
    def minutes_left(self) -> int:
        """Of a try under way, rounded up."""
        assert self.under_way is not None, "asked only of a try under way"
        left = (self.under_way.expires_at - self.account.at).total_seconds()
        return max(0, -int(-left // 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLinkUnknown:
    """The page of a link that opens nothing: never given, or revoked. It says the same of both."""

    template: ClassVar[str] = "pay_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPageAway:
    """The page while what is due cannot be read."""

    template: ClassVar[str] = "pay_away"
