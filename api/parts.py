"""What the API is made of, built once and given to every handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from temporalio.client import Client

from domain.payment_account import AccountMode, Provider
from models.database import Database
from models.vault import Vault
from providers.cards import Cards
from providers.documents import Press
from providers.gateways import Gateways
from providers.payments import Gateway
from runtime.clock import Clock
from runtime.lives import LifeDesk
from runtime.press import press_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the neighbours live, for the start page; empty when there is none.

    `public` is our own address as payers and providers see it, without a slash at its end.
    """

    public: str = ""
    temporal_ui: str = ""
    temporal: str = ""
    namespace: str = ""
    sandbox: str = ""


class NoGateways:
    """The payment providers of an application that was built without any."""

    def of(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Gateway:
        """Nobody can be asked."""
        del mode, credentials
        raise RuntimeError(f"this application was built without {provider}")

    def cards(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Cards:
        """Nor for cards."""
        del mode, credentials
        raise RuntimeError(f"this application was built without {provider}")

    async def close(self) -> None:
        """Nothing is connected."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Database, vault of personal data, clock, neighbours, and the press for documents.

    `metrics_token` is asked of whoever reads `/metrics`; empty, only this machine may. `lives`
    reaches running lives, for the few who wait for one; `gateways` the payment providers, which
    are asked once a request's transaction has ended.
    """

    database: Database
    vault: Vault
    clock: Clock
    links: Links
    metrics_token: str = ""
    press: Press = field(default_factory=press_of)
    lives: LifeDesk = field(default_factory=lambda: LifeDesk(_nowhere))
    gateways: Gateways = field(default_factory=NoGateways)


async def _nowhere() -> Client:
    raise RuntimeError("this application was built without lives")
