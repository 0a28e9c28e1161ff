"""What the API is made of, built once and given to every handler."""

from dataclasses import dataclass, field

from temporalio.client import Client

from models.database import Database
from models.vault import Vault
from providers.documents import Press
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Database, vault of personal data, clock, neighbours, and the press for documents.

    `metrics_token` is asked of whoever reads `/metrics`; empty, only this machine may. `lives`
    reaches running lives, for the few who wait for one.
    """

    database: Database
    vault: Vault
    clock: Clock
    links: Links
    metrics_token: str = ""
    press: Press = field(default_factory=press_of)
    lives: LifeDesk = field(default_factory=lambda: LifeDesk(_nowhere))


async def _nowhere() -> Client:
    raise RuntimeError("this application was built without lives")
