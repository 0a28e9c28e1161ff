"""What a resident sees who opens their pay link: what is due and why, and what came in.

Read from the rows in `models.pay_page`, filled in by `templates.page`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.calendar import local_day
from domain.errors import InvalidInput, Refused
from domain.money import Money
from domain.payment_attempt import AttemptStatus, PayBy


class Standing(StrEnum):
    """How an open invoice stands on a day, the word that matters most to its payer."""

    due = "due"
    overdue = "overdue"
    promised = "promised"
    paused = "paused"
    disputed = "disputed"


class Hindrance(StrEnum):
    """What keeps a payer from paying as chosen; the page says it in the payer's language."""

    no_way = "no_way"
    not_due = "not_due"
    no_figure = "no_figure"
    decimals = "decimals"
    too_small = "too_small"
    too_large = "too_large"
    amount_refused = "amount_refused"
    way_closed = "way_closed"
    other = "other"


_HINDRANCES = {
    "UNKNOWN": Hindrance.no_way,
    "NOT_OPEN": Hindrance.not_due,
    "NOT_A_DECIMAL": Hindrance.no_figure,
    "TOO_MANY_DECIMALS": Hindrance.decimals,
    "TOO_SMALL": Hindrance.too_small,
    "TOO_LARGE": Hindrance.too_large,
    "AMOUNT_REFUSED": Hindrance.amount_refused,
    "NO_ACCOUNT": Hindrance.way_closed,
}


def hindrance(refusal: Refused) -> Hindrance:
    """What a refusal is to a payer, by its first reason."""
    problems = refusal.problems if isinstance(refusal, InvalidInput) else ()
    code = problems[0].code if problems else refusal.code
    return _HINDRANCES.get(code, Hindrance.other)


def not_opened(failure_code: str | None) -> Hindrance:
    """What it is to a payer that a provider opened no page, by its reason."""
    return _HINDRANCES.get(failure_code or "", Hindrance.way_closed)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed of an open invoice, as far as it changes how it stands."""

    due: date
    promised_for: date | None = None
    paused_until: date | None = None
    disputed: bool = False


def standing(agreed: Agreed, today: date) -> Standing:
    """A dispute before a pause, a pause before a promise; a promise that was broken is overdue."""
    if agreed.disputed:
        return Standing.disputed
    if agreed.paused_until is not None and today < agreed.paused_until:
        return Standing.paused
    if agreed.promised_for is not None and today <= agreed.promised_for:
        return Standing.promised
    return Standing.overdue if agreed.due < today else Standing.due


@dataclass(frozen=True, slots=True)
class Instalment:
    """One open part of an invoice: the how-manieth of how many, by when, and what is open of it."""

    number: int
    of: int
    due: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One open invoice. `lines` say why, with tax; `fees` are the open late fees for it.

    `until` is the day of a promise or a pause.
    """

    invoice_id: UUID
    number: str
    lines: Sequence[tuple[str, Money]]
    due: date
    total: Money
    balance: Money
    standing: Standing
    until: date | None = None
    house: str | None = None
    instalments: Sequence[Instalment] = ()
    fees: Sequence["Bill"] = ()

    @property
    def paid(self) -> Money:
        """What came in for it so far, credit included."""
        return Money(self.total.minor - self.balance.minor, self.total.currency)

    @property
    def settled(self) -> Money:
        """The same as it is subtracted."""
        return Money(-self.paid.minor, self.total.currency)

    @property
    def what(self) -> str:
        """What it is for, in the words of its lines."""
        return ", ".join(words for words, _ in self.lines)


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came in, by the number of its receipt; `method` is the API's word.

    `attempt_id` names the try it was paid by, where there was one.
    """

    payment_id: UUID
    number: str
    amount: Money
    on: date
    at: datetime
    method: str
    attempt_id: UUID | None = None

    def is_named(self, name: str) -> bool:
        """Whether it is meant: by its receipt, its id, or the try it was paid by."""
        names = (self.number, self.payment_id, self.attempt_id)
        return name in {str(each) for each in names if each is not None}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A try to pay that is open. `url` is the provider's page, or the text of a UPI code.

    It is None while the provider has not answered.
    """

    by: PayBy
    status: AttemptStatus
    amount: Money
    expires_at: datetime
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that the page of one resident tells, as of `at`. `bills` are those of one currency.

    `received` begins with the newest. `upi` is the link that pays all that is due to the house's
    own UPI id, `payee`. `next_due` is the next day on which money will be asked, where known.
    """

    tenant_name: str
    contact: str
    first_name: str
    language: str
    at: datetime
    zone: str
    bills: Sequence[Bill]
    due: Money
    advance: Money
    received: Sequence[Received] = ()
    ways: Sequence[PayBy] = ()
    payee: str | None = None
    upi: str | None = None
    next_due: date | None = None
    under_way: UnderWay | None = None

    @property
    def listed(self) -> Sequence[Bill]:
        """Every open invoice, each late fee after the one it is for."""
        return [each for bill in self.bills for each in (bill, *bill.fees)]

    @property
    def open_try(self) -> UnderWay | None:
        """The try under way, while its time has not passed."""
        found = self.under_way
        return found if found is not None and found.expires_at > self.at else None

    @property
    def today(self) -> date:
        """The day it is there."""
        return local_day(self.at, self.zone)

    @property
    def house(self) -> str:
        """The name the payer knows the house by: of the one property billed for, else the firm."""
        named = {bill.house for bill in self.bills}
        return next(iter(named)) or self.tenant_name if len(named) == 1 else self.tenant_name

    @property
    def first_due(self) -> date:
        """The earliest due day of what is open."""
        return min(bill.due for bill in self.listed)

    @property
    def one_day(self) -> bool:
        """Whether all that is open has the same due day."""
        return len({bill.due for bill in self.listed}) == 1

    def came_since(self, since: datetime | None) -> Received | None:
        """The newest payment, if it came after an instant."""
        newest = self.received[0] if self.received else None
        return newest if newest is not None and since is not None and newest.at > since else None

    def thanked_for(self, named: str) -> Received | None:
        """The payment that a returning payer is thanked for, named by receipt, id or try.

        None while it has not come: other money, however new, is not what was just paid.
        """
        return next((each for each in self.received if each.is_named(named)), None)
