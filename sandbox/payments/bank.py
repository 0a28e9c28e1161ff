"""What the dialects share: one clock, one book, one list of those who are told."""

from dataclasses import dataclass

from sandbox.callbacks import Callbacks
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.payments.courier import Courier
from sandbox.payments.dues import Dues
from sandbox.payments.hooks import Hooks
from sandbox.payments.ledger import Ledger
from sandbox.payments.records import Records
from sandbox.state import State


class Bank:
    """The parts of the payments half over one memory."""

    def __init__(self, state: State, clock: Clock, faults: Faults, callbacks: Callbacks) -> None:
        self.state = state
        self.clock = clock
        self.faults = faults
        self.records = Records(state)
        self.ledger = Ledger(state)
        self.dues = Dues(state, clock)
        self.hooks = Hooks(state, clock, callbacks)
        self.courier = Courier(state, clock, self.hooks, callbacks, self.dues)

    @property
    def now(self) -> int:
        """The sandbox's clock in Unix seconds."""
        return int(self.clock.now().timestamp())


@dataclass(frozen=True, slots=True)
class Tender:
    """What a payer does on a hosted page. `amount` is in minor units, None: all of it.

    `code` is the reason it fails for; `later_seconds` how long the bank takes to say yes after
    it seemed to fail.
    """

    method: str = "upi"
    card: str = "4242424242424242"
    vpa: str = "payer@sandbox"
    amount: int | None = None
    code: str = ""
    later_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """What came of it: the payment, its state in the vendor's word, where the browser goes."""

    payment: str
    status: str
    redirect: str | None = None


class Impossible(Exception):
    """The payer cannot do this here and now; says why."""
