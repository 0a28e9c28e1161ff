"""One counter for payers of every provider: finds whose page it is and sends them there."""

from collections.abc import Mapping
from typing import Protocol

from sandbox.payments.bank import Bank, Paid, Tender
from sandbox.payments.records import Record


class Counter(Protocol):
    """What a provider's dialect lets a payer, or the payer's bank, do."""

    def pay(self, record: Record, tender: Tender, /) -> Paid:
        """Pay; Impossible when it cannot be."""
        ...

    def fail(self, record: Record, code: str, /) -> Paid:
        """Have a try end in failure."""
        ...

    def approve(self, record: Record, /) -> Paid:
        """The bank says yes late."""
        ...

    def cancel(self, record: Record, /) -> Paid:
        """The payer goes away."""
        ...

    def account(self, key: str, /) -> str:
        """The account of an API key."""
        ...


class Cashier:
    """Acts on a target by its id. LookupError when nobody knows it."""

    def __init__(self, bank: Bank, counters: Mapping[str, Counter]) -> None:
        self._bank = bank
        self._counters = counters

    def find(self, target: str) -> Record:
        """The object of an id, as it is now."""
        self._bank.dues.settle()
        found = self._bank.records.find(target)
        if found is None:
            raise LookupError(target)
        return found

    def pay(self, target: str, tender: Tender) -> Paid:
        """Pay it."""
        record, counter = self._at(target)
        with self._bank.state.together():
            return counter.pay(record, tender)

    def fail(self, target: str, code: str) -> Paid:
        """Try in vain."""
        record, counter = self._at(target)
        with self._bank.state.together():
            return counter.fail(record, code)

    def approve(self, target: str) -> Paid:
        """Have the bank say yes late."""
        record, counter = self._at(target)
        with self._bank.state.together():
            return counter.approve(record)

    def cancel(self, target: str) -> Paid:
        """Go away."""
        record, counter = self._at(target)
        with self._bank.state.together():
            return counter.cancel(record)

    def account(self, provider: str | None, key: str | None) -> str | None:
        """The account of an API key, where one is given."""
        if provider is None or key is None:
            return None
        return self._counters[provider].account(key)

    def _at(self, target: str) -> tuple[Record, Counter]:
        record = self.find(target)
        return record, self._counters[record.provider]
