"""Checkout Sessions at Stripe, whatever they are for: opened once, found again, read, expired."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import stripe

from domain.errors import Refused, UnknownOutcome
from providers import stripe_objects
from providers.payments import PageState, Refusal, Timed
from providers.stripe_wire import PAGE_SIZE, PROVIDER, answered, listed, once
from providers.told import Told, reading

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams, SessionListParams

# Stripe counts half an hour to a day from the creation; the margins are for clocks that differ.
SHORTEST: Final = timedelta(minutes=40)
LONGEST: Final = timedelta(hours=23, minutes=50)
MARGIN: Final = timedelta(minutes=10)
# How often a fault saved under a key is answered with a new key.
TURNS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Sessions:
    """One account's sessions; `expanded` names what is read along with each."""

    client: stripe.StripeClient
    expanded: list[str]

    async def open(
        self,
        asked: Timed,
        form: "SessionCreateParams",
        key: Callable[[int], str],
        is_ours: Callable[[Told], bool],
    ) -> Told:
        """Open one, or find what an earlier call opened; `key` tells the key of a turn."""
        for turn in range(1, TURNS_MAX + 1):
            making = self.client.v1.checkout.sessions.create_async(
                form, {"idempotency_key": key(turn)}
            )
            session = await once(making) or await self.found(asked, is_ours)
            if session is not None:
                return session
        raise UnknownOutcome("Stripe repeats a fault of its own under every key")

    async def read(self, page_id: str) -> Told | None:
        """How it stands; None: there is none of that id."""
        asking = self.client.v1.checkout.sessions.retrieve_async(page_id, {"expand": self.expanded})
        try:
            return await answered(asking, changes=False)
        except Refused as refused:
            if refused.code == Refusal.no_such_page:
                return None
            raise

    async def close(self, page_id: str) -> Told:
        """Expire it; where Stripe will not, what it has become instead."""
        expiring = self.client.v1.checkout.sessions.expire_async(page_id, {"expand": self.expanded})
        try:
            return await answered(expiring, changes=True)
        except Refused:
            found = await self.read(page_id)
            if found is None or _is_open(found):
                raise
            return found

    async def found(self, asked: Timed, is_ours: Callable[[Told], bool]) -> Told | None:
        """Ours of all that were created while it could have been; of two, the one that is done."""
        latest = max(asked.ends(SHORTEST, LONGEST), asked.asked_at + LONGEST)
        form: SessionListParams = {
            "limit": PAGE_SIZE,
            "created": {
                "gte": int((asked.asked_at - MARGIN).timestamp()),
                "lte": int((latest + MARGIN).timestamp()),
            },
        }

        def listing(after: str | None) -> Awaitable[stripe.StripeObject]:
            asking: SessionListParams = {**form, "starting_after": after} if after else form
            return self.client.v1.checkout.sessions.list_async(asking)

        found = [
            session async for session in listed(listing, "sessions of that day") if is_ours(session)
        ]
        with reading(PROVIDER, changes=False):
            done = [one for one in found if one.text("status") == "complete"]
            return await self.read((done or found)[0].text("id")) if found else None


def _is_open(session: Told) -> bool:
    with reading(PROVIDER, changes=False):
        return stripe_objects.page_state(session) is PageState.open
