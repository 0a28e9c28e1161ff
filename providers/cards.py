"""The port to cards that a provider keeps for residents, and the values that pass through it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.payment_method import SavedCard
from providers.payments import Opened, PageState, Payer, Timed


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose card it is: a resident, who is made known to the provider once.

    `row_id` is the id of a committed row, `made` how often the provider was asked for one because
    it forgot the one before. `asked_before` is when the first of these questions may have left us.
    """

    row_id: UUID
    made: int
    payer: Payer
    asked_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetupAsked(Timed):
    """A page on which a card can be left, once. `method_id` is the id of a committed row."""

    method_id: UUID
    currency: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class SetupStanding:
    """What a provider says of a page when asked; `card` is the one that was left on it."""

    opened: Opened
    state: PageState
    card: SavedCard | None = None


class Cards(Protocol):
    """One merchant account at a provider that keeps cards.

    Every call: Refused when the provider will never do it (`code` is a Refusal), Unavailable when
    it was surely not done and may be tried again, UnknownOutcome when nobody knows: `look_up`
    before asking again.
    """

    async def owner(self, owner: Owner) -> str:
        """The provider's name for the resident; asking twice makes one."""
        ...

    async def open(self, asked: SetupAsked, customer: str) -> Opened:
        """Open the page; asking twice for one method opens one.

        Refused (NO_SUCH_CUSTOMER) when the provider has forgotten whose card it would be.
        """
        ...

    async def look_up(self, asked: SetupAsked, page_id: str | None) -> SetupStanding | None:
        """What became of the page, by its id or by our own reference. None: it was never opened."""
        ...

    async def close(self, asked: SetupAsked, page_id: str) -> SetupStanding:
        """Let nobody leave a card there any more, and say what had happened before.

        One that has ended already is not an error.
        """
        ...

    async def card(self, provider_id: str) -> SavedCard | None:
        """The card as it is now; None when it was detached."""
        ...

    async def detach(self, provider_id: str) -> None:
        """Forget the card; harmless when it is forgotten already."""
        ...
