"""The port to everything that moves money, and the values that pass through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.money import Money
from domain.movement import MovementState
from domain.payment_attempt import PayBy


class Refusal(StrEnum):
    """Why a provider never will, in the words all adapters share: the `code` of Refused."""

    credentials = "CREDENTIALS"  # the keys are not good, or not any more
    not_permitted = "NOT_PERMITTED"  # good keys that may not do this
    no_such_way = "NO_SUCH_WAY"  # the account cannot be paid in this way
    amount = "AMOUNT_REFUSED"
    currency = "CURRENCY_REFUSED"
    too_late = "TOO_LATE"  # too little is left of the time to pay
    declined = "DECLINED"
    no_such_page = "NO_SUCH_PAGE"
    no_such_customer = "NO_SUCH_CUSTOMER"
    other = "PAYMENT_REFUSED"


@dataclass(frozen=True, slots=True)
class Payer:
    """Whom a provider may address; `phone` in E.164."""

    name: str
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A page that is asked for and wanted for a time.

    `asked_at` is when it was first asked for; a provider may have it live shorter or longer than
    until `expires_at` and then says so.
    """

    asked_at: datetime
    expires_at: datetime

    def ends(self, shortest: timedelta, longest: timedelta) -> datetime:
        """When the page ends at a provider that lets one live only so short and so long.

        Counted from `asked_at`, so that every repetition asks for the same.
        """
        return min(max(self.expires_at, self.asked_at + shortest), self.asked_at + longest)


@dataclass(frozen=True, slots=True)
class Asked(Timed):
    """A page or a code on which one amount can be paid once.

    `attempt_id` is the id of a committed row: every call for it carries the same identity, and
    what the provider tells later names it.
    """

    attempt_id: UUID
    tenant_id: UUID
    by: PayBy
    amount: Money
    description: str
    payer: Payer
    return_url: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is open: a link for a browser, or the text of a UPI code."""

    provider_id: str
    expires_at: datetime
    pay_url: str | None = None
    upi_uri: str | None = None


class PageState(StrEnum):
    """Where a page stands at the provider."""

    open = "open"
    paid = "paid"
    closed = "closed"  # expired, cancelled, or used up: nobody can begin to pay on it


@dataclass(frozen=True, slots=True)
class Movement:
    """One payment as the provider tells of it; `provider_payment_id` names it for ever.

    `page_id` is the provider's id of the page it was made on, where it says so; `attempt_id` what
    we gave it along. `reference` is the bank's own number (RRN, UTR); `fee_minor` what the provider
    keeps, tax included; `code` why it failed, in the provider's word.
    """

    provider_payment_id: str
    state: MovementState
    amount: Money
    at: datetime
    method: str | None = None
    attempt_id: UUID | None = None
    page_id: str | None = None
    reference: str | None = None
    fee_minor: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a provider says of a page when asked, with every payment made on it."""

    opened: Opened
    state: PageState
    movements: Sequence[Movement] = ()


@dataclass(frozen=True, slots=True)
class PageNews:
    """What an event says of a page."""

    page_id: str
    state: PageState
    attempt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MethodNews:
    """What an event says of a saved way to pay: that there is something to ask.

    `name` is the provider's id of the card or of the page it was to be left on.
    """

    name: str
    method_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One verified event: what it says of payments, a page, a card. Most events say nothing.

    `account` is the merchant's id at the provider, where the provider names it.
    """

    event_id: str
    kind: str
    at: datetime
    movements: Sequence[Movement] = ()
    page: PageNews | None = None
    account: str | None = None
    method: MethodNews | None = None


class Gateway(Protocol):
    """One merchant account at one provider.

    Every call: Refused when the provider will never do it (`code` is a Refusal),
    Unavailable when it was surely not done and may be tried again, UnknownOutcome when nobody
    knows: `look_up` before asking again.
    """

    async def open(self, asked: Asked) -> Opened:
        """Open the page; asking twice for one attempt opens one."""
        ...

    async def look_up(self, asked: Asked, provider_id: str | None) -> Standing | None:
        """What became of it, by its id or, where no answer ever named one, by our own reference.

        None: the provider never opened it.
        """
        ...

    async def close(self, asked: Asked, provider_id: str) -> Standing:
        """Let nobody begin to pay on it any more, and say what had happened on it before.

        One that is paid or closed already is not an error.
        """
        ...

    async def capture(self, provider_payment_id: str, amount: Money) -> Movement:
        """Take what was authorised; harmless when it is taken already."""
        ...

    async def check(self) -> None:
        """Ask for something that costs nothing: Refused (code CREDENTIALS) for bad keys."""
        ...
