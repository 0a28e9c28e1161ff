"""What the API is made of, built once and given to every handler."""

from dataclasses import dataclass

from models.database import Database
from models.vault import Vault
from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Links:
    """Where the neighbours live, for the start page; empty when there is none."""

    temporal_ui: str = ""
    temporal: str = ""
    namespace: str = ""
    sandbox: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The door to the database, the vault of personal data, the clock, the neighbours.

    `metrics_token` is asked of whoever reads `/metrics`; empty, only this machine may.
    """

    database: Database
    vault: Vault
    clock: Clock
    links: Links
    metrics_token: str = ""
