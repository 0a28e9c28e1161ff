"""The port to every merchant account: who is asked for what, with whose keys."""

from collections.abc import Mapping
from typing import Protocol

from domain.payment_account import AccountMode, Provider
from providers.cards import Cards
from providers.payments import Gateway


class Gateways(Protocol):
    """Every gateway there is; the connections of a provider are shared and kept.

    Refused (code CREDENTIALS) where an account wants a platform's key and there is none.
    """

    def of(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Gateway:
        """The gateway of one account, to be paid."""
        ...

    def cards(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Cards:
        """The cards kept for one account; Refused (NO_SUCH_WAY) where the provider keeps none."""
        ...

    async def close(self) -> None:
        """Hang up all connections; the next call opens new ones."""
        ...
