"""Whose money a credit of a bank statement is: known, or a question with candidates.

In this order: it is in the books already; exact (a number, UPI address or phone names one resident
who owes just this); reference (a number names one resident, the amount is another); amount (one
resident alone owes just this or rents for it, and no other name, address or open question speaks
against it). What could be two people's is never booked.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from uuid import UUID

from domain.allocation import OpenInvoice, allocate
from domain.statement import Credit
from domain.statement_facts import Candidate, Clues, Facts, Payer, Payment

CANDIDATES_MAX = 10
# A bank books a transfer a day or three after the house was told of it; a cheque within the month.
_SAME_MONEY_DAYS, _CHEQUE_DAYS = 3, 30


class Rule(StrEnum):
    """Why a credit was booked; `person`: somebody chose."""

    EXACT = "exact"
    REFERENCE = "reference"
    AMOUNT = "amount"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Book:
    """It is this resident's money, for this invoice first if one is named."""

    rule: Rule
    resident_id: UUID
    invoice_id: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class There:
    """It is in the books already, as this payment."""

    payment_id: UUID
    resident_id: UUID
    why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides; the likeliest first."""

    why: str
    candidates: tuple[Candidate, ...]


Verdict = Book | There | Ask
Decide = Callable[[Credit], Verdict | None]


class Matching:
    """One statement against the facts; `refresh` says what booking changed."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def refresh(self, resident_id: UUID, invoices: Iterable[OpenInvoice], *, paid: bool) -> None:
        """What the resident has open now; `paid`: money of theirs was just booked."""
        self._facts.refresh(resident_id, invoices, paid=paid)

    def open_of(self, resident_id: UUID) -> dict[UUID, int]:
        """What each open invoice of the resident owes, as far as this matching knows."""
        payer = self._facts.payers.get(resident_id)
        return {i.id: i.balance_minor for i in payer.invoices} if payer else {}

    def simulate(self, book: Book, minor: int) -> None:
        """What booking would change, by the house's rule: the named invoice, then the oldest."""
        invoices = self._facts.payers[book.resident_id].invoices
        first = [i for i in invoices if i.id == book.invoice_id]
        named = allocate(minor, first)
        others = allocate(named.rest_minor, [i for i in invoices if i.id != book.invoice_id])
        paid = dict([*named.parts, *others.parts])
        left = [replace(i, balance_minor=i.balance_minor - paid.get(i.id, 0)) for i in invoices]
        self.refresh(book.resident_id, [i for i in left if i.balance_minor], paid=True)

    def certain(self, credit: Credit) -> Verdict | None:
        """In the books already, exact, by reference, or a question that no amount answers."""
        if credit.utr is not None and len(self._facts.utrs.get(credit.utr, ())) > 1:
            return self._ask(credit, f"the UTR {credit.reference} came with another amount too")
        if (known := self._known(credit)) is not None:
            return known
        clues = self._facts.clues(credit)
        named = {who for who, _ in clues.numbers}
        if len(named) > 1:
            return self._ask(credit, "it names numbers of more than one resident")
        if named:
            return self._named(credit, self._facts.payers[named.pop()], clues)
        if len(clues.reached) == 1 and not clues.in_full - clues.reached:
            return self._reached(credit, self._facts.payers[min(clues.reached)])
        return None

    def by_name(self, credit: Credit) -> Verdict | None:
        """By amount, when one resident alone is named or reached and could owe just this."""
        clues = self._facts.clues(credit)
        people = clues.in_full | clues.reached
        if len(people) != 1 or not people <= clues.equal:
            return None
        by = "name" if clues.in_full else "UPI address or phone"
        return self._amount(credit, self._facts.payers[min(people)], f"and the {by} is theirs")

    def alone(self, credit: Credit) -> UUID | None:
        """Who alone could have paid just this, when nobody is named and no question is open."""
        clues = self._facts.clues(credit)
        if clues.in_full or clues.reached or len(clues.equal) != 1:
            return None
        payer = self._facts.payers[next(iter(clues.equal))]
        owes_it = credit.minor == payer.owed or credit.minor in payer.balances
        if payer.id in self._facts.waiting.get(credit.minor, ()):
            return None
        return payer.id if owes_it or not payer.paid_lately else None

    def by_amount(self, credit: Credit, contested: Counter[UUID]) -> Verdict:
        """By amount alone, unless two credits of the statement could be the same debt's."""
        who = self.alone(credit)
        if who is None or contested[who] > 1:
            return self._ask(credit, "nothing says for certain whose it is")
        return self._amount(credit, self._facts.payers[who], "and nobody else could have paid it")

    def wait(self, credit: Credit, ask: Ask) -> None:
        """A question is open: until it is answered no equal credit is booked by amount alone."""
        residents = {candidate.resident_id for candidate in ask.candidates}
        self._facts.waiting.setdefault(credit.minor, set()).update(residents)

    def _known(self, credit: Credit) -> Verdict | None:
        """Booked by hand with this reference before."""
        found = [p for p in self._facts.referred(credit) if _names_it(p, credit)]
        cheques = [p for p in self._facts.referred(credit) if _is_its_cheque(p, credit)]
        same = [p for p in found or cheques if p.minor == credit.minor and not p.linked]
        if len(same) != 1 and sum(p.minor for p in found) == credit.minor:
            same = [p for p in found if not p.linked]
        if len(same) == 1 or sum(p.minor for p in same) == credit.minor:
            for payment in same:
                self._facts.link(payment.id)
            numbers = ", ".join(p.number for p in same)
            why = f"booked already as {numbers} with this reference"
            return There(same[0].id, same[0].resident_id, why)
        if not found:
            return None
        numbers = ", ".join(p.number for p in found)
        return self._ask(credit, f"its reference stands on {numbers}", found)

    def _named(self, credit: Credit, payer: Payer, clues: Clues) -> Verdict:
        ids = {invoice_id for _, invoice_id in clues.numbers}
        named = sorted((i for i in payer.invoices if i.id in ids), key=lambda i: i.due)
        wanted = {payer.owed, sum(i.balance_minor for i in named)}
        if not named:
            wanted |= payer.balances
        target = named[0].id if named else payer.owing(credit.minor)
        what = ", ".join(sorted(clues.said))
        if credit.minor in wanted:
            return self._book(credit, payer, Rule.EXACT, target, f"names {what}, and owes just it")
        if (clues.reached | clues.in_full) - {payer.id}:
            return self._ask(credit, f"it names {what} and somebody else, over another amount")
        return self._book(credit, payer, Rule.REFERENCE, target, f"names {what}, another amount")

    def _reached(self, credit: Credit, payer: Payer) -> Verdict | None:
        if credit.minor != payer.owed and credit.minor not in payer.balances:
            return None
        why = "the UPI address or phone is theirs, and they owe just this"
        return self._book(credit, payer, Rule.EXACT, payer.owing(credit.minor), why)

    def _amount(self, credit: Credit, payer: Payer, why: str) -> Verdict:
        target = payer.owing(credit.minor)
        owes = credit.minor == payer.owed or credit.minor in payer.balances
        said = f"{'owes' if owes else 'rents for'} just this, {why}"
        return self._book(credit, payer, Rule.AMOUNT, target, said)

    def _book(
        self, credit: Credit, payer: Payer, rule: Rule, invoice_id: UUID | None, why: str
    ) -> Verdict:
        """Book it, unless it looks like money that was booked by hand without a reference."""
        alike = [p for p in self._facts.unreferred(payer.id, credit.minor) if _close(p, credit)]
        if alike:
            numbers = ", ".join(p.number for p in alike)
            why = f"it may be the money that was booked by hand as {numbers}"
            return self._ask(credit, why, alike)
        return Book(rule, payer.id, invoice_id, why)

    def _ask(self, credit: Credit, why: str, payments: Sequence[Payment] = ()) -> Ask:
        booked = [
            Candidate(p.resident_id, None, p.id, f"booked already as {p.number}") for p in payments
        ]
        people = self._facts.candidates(credit)
        return Ask(why, (*booked, *people)[:CANDIDATES_MAX])


def _names_it(payment: Payment, credit: Credit) -> bool:
    """The reference is a transfer's number, which never comes again."""
    return payment.names_a_transfer or payment.reference_bare == credit.utr


def _is_its_cheque(payment: Payment, credit: Credit) -> bool:
    """The number of a cheque comes again, so day and amount must agree too."""
    near = abs((payment.day - credit.day).days) <= _CHEQUE_DAYS
    has_number = any(letter.isdigit() for letter in payment.reference_bare)
    return near and has_number and payment.minor == credit.minor


def _close(payment: Payment, credit: Credit) -> bool:
    return abs((payment.day - credit.day).days) <= _SAME_MONEY_DAYS


def verdicts(
    matching: Matching, credits_: Iterable[Credit]
) -> Generator[tuple[Credit, Verdict], bool | None, None]:
    """Every credit with what becomes of it, the surest first, within each rule the oldest.

    After a `Book` the matching must be refreshed. Sending True says that the facts had changed
    before it could be booked: the same credit is decided anew.
    """
    left = sorted(credits_, key=lambda credit: (credit.day, credit.line))
    for decide in (matching.certain, matching.by_name):
        later: list[Credit] = []
        for credit in left:
            settled = yield from _offered(matching, credit, decide)
            if not settled:
                later.append(credit)
        left = later
    contested: dict[int, Counter[UUID]] = {}
    for credit in left:
        who = matching.alone(credit)
        if who is not None:
            contested.setdefault(credit.minor, Counter())[who] += 1
    for credit in left:
        rivals = contested.get(credit.minor, Counter())
        yield from _offered(matching, credit, partial(matching.by_amount, contested=rivals))


def _offered(
    matching: Matching, credit: Credit, decide: Decide
) -> Generator[tuple[Credit, Verdict], bool | None, bool]:
    again: bool | None = True
    while again:
        verdict = decide(credit)
        if verdict is None:
            return False
        if isinstance(verdict, Ask):
            matching.wait(credit, verdict)
        again = yield credit, verdict
    return True


def rehearse(matching: Matching, credits_: Iterable[Credit]) -> list[tuple[Credit, Verdict]]:
    """What would become of every credit, each booking counted by the house's rule."""
    told: list[tuple[Credit, Verdict]] = []
    for credit, verdict in verdicts(matching, credits_):
        if isinstance(verdict, Book):
            matching.simulate(verdict, credit.minor)
        told.append((credit, verdict))
    return told
