"""What the rows say that a bank statement is matched against, found by what a credit names."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from domain.allocation import OpenInvoice
from domain.statement import Credit
from domain.statement_cells import bare, utr_of
from domain.statement_words import (
    Names,
    address_in,
    number_of,
    numbers_in,
    phones_in,
    phones_of,
)


@dataclass(frozen=True, slots=True)
class Payer:
    """A resident as a statement may name them; amounts in minor units of the tenant's currency.

    `rents`: what the active agreements ask for a month. `paid_lately`: money of theirs was booked
    around the days of the statement.
    """

    id: UUID
    name: str
    phone: str = ""
    numbers: tuple[str, ...] = ()
    rents: frozenset[int] = frozenset()
    invoices: tuple[OpenInvoice, ...] = ()
    paid_lately: bool = False

    @property
    def owed(self) -> int:
        """What is open altogether."""
        return sum(invoice.balance_minor for invoice in self.invoices)

    @property
    def balances(self) -> set[int]:
        """What each open invoice owes."""
        return {invoice.balance_minor for invoice in self.invoices}

    @property
    def amounts(self) -> set[int]:
        """What they could be expected to pay."""
        return {self.owed, *self.balances, *self.rents} - {0}

    def owing(self, minor: int) -> UUID | None:
        """The one open invoice that owes just this."""
        found = [invoice.id for invoice in self.invoices if invoice.balance_minor == minor]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money in the books that came, or may have come, through the bank.

    `linked`: a line of a statement is known to be this money.
    """

    id: UUID
    number: str
    resident_id: UUID
    minor: int
    day: date
    reference: str | None = None
    linked: bool = False

    @property
    def reference_bare(self) -> str:
        """Its reference as references are compared."""
        return bare(self.reference or "")

    @property
    def names_a_transfer(self) -> bool:
        """Its reference has the form of a transfer's number, which never comes again."""
        return self.reference is not None and utr_of(self.reference, certain=False) is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whose the money may be, or as which payment it is here already, and why."""

    resident_id: UUID
    invoice_id: UUID | None
    payment_id: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Clues:
    """Whom a credit names, in what way; `numbers` are (resident, invoice if it is one's)."""

    numbers: frozenset[tuple[UUID, UUID | None]]
    said: frozenset[str]
    reached: frozenset[UUID]
    in_full: frozenset[UUID]
    in_part: frozenset[UUID]
    equal: frozenset[UUID]


@dataclass(slots=True)
class Facts:
    """The facts, and the ways to find them. Only `refresh`, `link` and `waiting` change them.

    `closed`: (number, resident, invoice) of invoices that take no money. `addresses`: UPI addresses
    that paid for one resident alone. `utrs`: the amounts each UTR came with, here or before.
    `waiting`: by amount, whom unanswered lines may belong to.
    """

    payers: dict[UUID, Payer]
    closed: Iterable[tuple[str, UUID, UUID]] = ()
    payments: Iterable[Payment] = ()
    addresses: dict[str, UUID] = field(default_factory=dict[str, UUID])
    utrs: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    waiting: dict[int, set[UUID]] = field(default_factory=dict[int, set[UUID]])
    _numbers: dict[str, dict[tuple[UUID, UUID | None], str]] = field(
        default_factory=dict[str, dict[tuple[UUID, UUID | None], str]], init=False
    )
    _phones: dict[str, set[UUID]] = field(default_factory=dict[str, set[UUID]], init=False)
    _names: Names = field(default_factory=Names, init=False)
    _equal: dict[int, set[UUID]] = field(default_factory=dict[int, set[UUID]], init=False)
    _payments: dict[UUID, Payment] = field(default_factory=dict[UUID, Payment], init=False)
    _referred: dict[str, list[UUID]] = field(default_factory=dict[str, list[UUID]], init=False)
    _equal_payments: dict[tuple[UUID, int], list[UUID]] = field(
        default_factory=dict[tuple[UUID, int], list[UUID]], init=False
    )

    def __post_init__(self) -> None:
        for payer in self.payers.values():
            self._index(payer)
        for number, resident_id, invoice_id in self.closed:
            self._number(number, resident_id, invoice_id)
        for payment in self.payments:
            self._payments[payment.id] = payment
            equal = (payment.resident_id, payment.minor)
            self._equal_payments.setdefault(equal, []).append(payment.id)
            if payment.reference_bare:
                self._referred.setdefault(payment.reference_bare, []).append(payment.id)

    def refresh(self, resident_id: UUID, invoices: Iterable[OpenInvoice], *, paid: bool) -> None:
        """What the resident has open now."""
        before = self.payers[resident_id]
        now = replace(before, invoices=tuple(invoices), paid_lately=before.paid_lately or paid)
        self.payers[resident_id] = now
        for minor in before.amounts - now.amounts:
            self._equal[minor].discard(resident_id)
        for minor in now.amounts:
            self._equal.setdefault(minor, set()).add(resident_id)
        for invoice in now.invoices:
            self._number(invoice.number, resident_id, invoice.id)

    def link(self, payment_id: UUID) -> None:
        """A line is this payment's money: no other line is."""
        self._payments[payment_id] = replace(self._payments[payment_id], linked=True)

    def referred(self, credit: Credit) -> list[Payment]:
        """The payments whose reference the credit carries: as its own, or a transfer's in words."""
        own = {bare(credit.reference), credit.utr or ""} - {""}
        worded = numbers_in(credit.narration) - own
        transfers = {bare(word) for word in worded if utr_of(word, certain=False) is not None}
        keys = sorted(own | transfers)
        return [self._payments[i] for key in keys for i in self._referred.get(key, ())]

    def unreferred(self, resident_id: UUID, minor: int) -> list[Payment]:
        """Their payments of that amount that no line is known to be and no number names."""
        found = [self._payments[i] for i in self._equal_payments.get((resident_id, minor), ())]
        return [p for p in found if not (p.linked or p.names_a_transfer)]

    def clues(self, credit: Credit) -> Clues:
        """Everybody whom the credit names or whose money it could be."""
        found: dict[tuple[UUID, UUID | None], str] = {}
        for text in (credit.narration, credit.reference):
            for number in numbers_in(text):
                found |= self._numbers.get(number, {})
        address = address_in(credit.narration)
        reached: set[UUID] = set()
        if address in self.addresses:
            reached.add(self.addresses[address])
        for phone in phones_in(credit.narration, credit.utr):
            reached |= self._phones.get(phone, set())
        return Clues(
            numbers=frozenset(found),
            said=frozenset(found.values()),
            reached=frozenset(reached),
            in_full=frozenset(self._names.in_full(credit.narration)),
            in_part=frozenset(self._names.in_part(credit.narration)),
            equal=frozenset(self._equal.get(credit.minor, ())),
        )

    def candidates(self, credit: Credit) -> list[Candidate]:
        """Who it may be, the likeliest first."""
        clues = self.clues(credit)
        named = {who for who, _ in clues.numbers}
        weights = (
            (8, named, f"it names {', '.join(sorted(clues.said))}"),
            (4, clues.reached, "the UPI address or phone is theirs"),
            (4, clues.in_full, "the name is theirs"),
            (3, clues.equal, "owes or rents for just this"),
            (1, clues.in_part - clues.in_full, "a part of the name is theirs"),
        )
        rank: dict[UUID, int] = {}
        why: dict[UUID, list[str]] = {}
        for weight, people, said in weights:
            for who in people:
                rank[who] = rank.get(who, 0) + weight
                why.setdefault(who, []).append(said)
        order = sorted(rank, key=lambda who: (-rank[who], self.payers[who].name, who))
        return [self._candidate(credit, clues, who, "; ".join(why[who])) for who in order]

    def _candidate(self, credit: Credit, clues: Clues, who: UUID, why: str) -> Candidate:
        payer = self.payers[who]
        ids = {invoice_id for owner, invoice_id in clues.numbers if owner == who}
        named = [invoice.id for invoice in payer.invoices if invoice.id in ids]
        invoice_id = named[0] if len(named) == 1 else payer.owing(credit.minor)
        return Candidate(who, invoice_id, None, why)

    def _index(self, payer: Payer) -> None:
        self._number(str(payer.id), payer.id, None)
        for number in payer.numbers:
            self._number(number, payer.id, None)
        for invoice in payer.invoices:
            self._number(invoice.number, payer.id, invoice.id)
        for phone in phones_of(payer.phone) - {""}:
            self._phones.setdefault(phone, set()).add(payer.id)
        self._names.add(payer.id, payer.name)
        for minor in payer.amounts:
            self._equal.setdefault(minor, set()).add(payer.id)

    def _number(self, document: str, resident_id: UUID, invoice_id: UUID | None) -> None:
        number = number_of(document)
        if number is not None:
            self._numbers.setdefault(number, {})[resident_id, invoice_id] = document
