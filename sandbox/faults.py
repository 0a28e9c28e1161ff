"""What goes wrong next: outcomes ordered through the control API, taken one request at a time."""

import re
from dataclasses import dataclass
from typing import Literal

from sandbox.state import State

Outcome = Literal[
    "success", "decline", "timeout", "applied-then-timeout", "429", "500", "applied-then-500"
]
OUTCOME = re.compile(
    r"^(?:success|decline:[a-z0-9_]{3,60}|timeout|applied-then-timeout|429|500|applied-then-500)$"
)
# The messengers' refusals are numbers, the payment providers' are words.
DECLINE = {
    "twilio": re.compile(r"\d{3,5}"),
    "smtp": re.compile(r"\d{3,5}"),
    "stripe": re.compile(r"[a-z][a-z0-9_]+"),
    "razorpay": re.compile(r"[a-z][a-z0-9_]+"),
}
# What the payer does on a hosted page is an operation too; `*` leaves it alone.
PAYING = "checkout.pay"
OPERATIONS = {
    "twilio": ("*", "messages.create", "messages.fetch", "messages.list"),
    "smtp": ("*", "rcpt", "send"),
    "stripe": (
        *("*", PAYING, "customers.create", "customers.retrieve", "customers.update"),
        *("customers.list", "customers.delete", "customers.payment_methods"),
        *("payment_methods.detach", "checkout.sessions.create", "checkout.sessions.retrieve"),
        *("checkout.sessions.list", "checkout.sessions.line_items", "checkout.sessions.expire"),
        *("payment_intents.create", "payment_intents.retrieve", "payment_intents.list"),
        *("payment_intents.confirm", "payment_intents.cancel", "payment_intents.capture"),
        *("charges.retrieve", "charges.list", "setup_intents.retrieve"),
        *("payment_methods.retrieve", "refunds.create", "refunds.retrieve", "refunds.list"),
        *("events.retrieve", "events.list", "balance.retrieve", "accounts.retrieve"),
    ),
    "razorpay": (
        *("*", PAYING, "orders.create", "orders.fetch", "orders.list", "orders.payments"),
        *("payment_links.create", "payment_links.fetch", "payment_links.list"),
        *("payment_links.cancel", "payment_links.update", "payments.fetch", "payments.list"),
        *("payments.capture", "payments.refund", "payments.refunds", "refunds.fetch"),
        *("refunds.list", "qr_codes.create", "qr_codes.fetch", "qr_codes.list"),
        *("qr_codes.close", "qr_codes.payments"),
    ),
}
SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One ordered outcome.

    `delay` is in seconds: how long the answer waits, or, for the time-outs, how long the silence
    lasts before the sandbox hangs up (0: 60 seconds).
    """

    outcome: Outcome
    code: str
    delay: float

    @classmethod
    def parse(cls, outcome: str, delay: float) -> "Fault":
        """Read an outcome as the control API writes it, `decline:21610` included."""
        name, _, code = outcome.partition(":")
        return cls(name, code, delay)  # pyright: ignore[reportArgumentType]

    @property
    def number(self) -> int | None:
        """The code of a vendor who counts its refusals."""
        return int(self.code) if self.code else None

    @property
    def silence_seconds(self) -> float:
        """How long a time-out keeps the caller waiting."""
        return self.delay or SILENCE_SECONDS


class Faults:
    """The queue of ordered outcomes. The oldest that fits a request is taken first."""

    def __init__(self, state: State) -> None:
        self._state = state

    def order(self, provider: str, operation: str, outcome: str, delay: float, times: int) -> None:
        """Have the next `times` requests of an operation (`*`: any) end so."""
        self._state.write(
            "INSERT INTO faults (provider, operation, outcome, delay, times) VALUES (?,?,?,?,?)",
            provider,
            operation,
            outcome,
            delay,
            times,
        )

    def take(self, provider: str, operation: str, *, named_only: bool = False) -> Fault | None:
        """The outcome for this request, if one was ordered; it counts as used.

        `named_only` leaves outcomes ordered for any operation to the provider's main one.
        """
        found = self._state.row(
            "SELECT * FROM faults WHERE provider = ? AND operation IN (?, ?) ORDER BY id LIMIT 1",
            provider,
            operation,
            operation if named_only else "*",
        )
        if found is None:
            return None
        if found["times"] > 1:
            self._state.write("UPDATE faults SET times = times - 1 WHERE id = ?", found["id"])
        else:
            self._state.write("DELETE FROM faults WHERE id = ?", found["id"])
        return Fault.parse(found["outcome"], found["delay"])

    def waiting(self) -> list[dict[str, object]]:
        """The outcomes still to come, oldest first."""
        found = self._state.rows(
            "SELECT provider, operation, outcome, delay, times FROM faults ORDER BY id"
        )
        return [dict(row) for row in found]
