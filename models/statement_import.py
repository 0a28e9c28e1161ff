"""A bank statement goes in: what is somebody's money for certain is booked, the rest is asked.

Each booking is one transaction with its line, so a death in the middle loses nothing and the same
file again completes it. Imports into one tenant go one after another; the line's identity is what
keeps a credit from being booked twice, whoever imports what.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Refused
from domain.statement import Credit, identities
from domain.statement_facts import Candidate, Facts
from domain.statement_matching import Ask, Book, Matching, There, Verdict, rehearse, verdicts
from domain.statement_words import address_in, is_upi
from models import event
from models.database import Actor, Database, tenant_of
from models.money_in import receive
from models.money_intake import NewPayment
from models.payment import Payment, PaymentMethod
from models.settling import lock_resident
from models.statement import STATEMENT_LINE, LineState, StatementLine
from models.statement_facts import among, facts_for, open_of
from models.statement_tasks import Asked, ask_all

ACTOR = Actor("platform:import statement")
CHUNK = 500
_LOCK = 4  # of the advisory locks of a tenant: one statement goes in at a time


@dataclass(frozen=True, slots=True)
class Source:
    """Where the lines come from: the bank account and the file, and in which currency they are."""

    account: str
    file_name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A new line of the statement and what became of it."""

    credit: Credit
    verdict: Verdict


@dataclass(slots=True)
class Imported:
    """What became of the credits: the new ones, and how many were in already."""

    entries: list[Entry] = field(default_factory=list[Entry])
    known: int = 0

    def booked(self) -> dict[str, tuple[int, int]]:
        """By rule, how many credits were booked and how much in minor units."""
        found: dict[str, tuple[int, int]] = {}
        for entry in self.entries:
            if isinstance(entry.verdict, Book):
                amount, minor = found.get(entry.verdict.rule, (0, 0))
                found[entry.verdict.rule] = (amount + 1, minor + entry.credit.minor)
        return found

    def there(self) -> list[Entry]:
        """Whose money somebody had booked before."""
        return [entry for entry in self.entries if isinstance(entry.verdict, There)]

    def asked(self) -> list[Entry]:
        """Which became tasks."""
        return [entry for entry in self.entries if isinstance(entry.verdict, Ask)]


class StatementImport:
    """One import into one tenant; `dry_run` reads and decides, and writes nothing."""

    def __init__(
        self, database: Database, tenant_id: UUID, source: Source, *, dry_run: bool = False
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._source = source
        self._dry_run = dry_run
        self._marks: dict[int, str] = {}
        self._so_far = Imported()

    async def run(self, credits_: Sequence[Credit], at: datetime) -> Imported:
        """Bring the credits in, at a business instant; those that are in are passed over."""
        async with self._database.tenant(self._tenant_id, ACTOR) as turn:
            if not self._dry_run:
                await _in_turn(turn)
            new = await self._without_known(turn, credits_)
            facts = await facts_for(turn, new, self._source.currency)
            matching = Matching(facts)
            if self._dry_run:
                told = rehearse(matching, new)
                self._so_far.entries = [Entry(credit, verdict) for credit, verdict in told]
            else:
                await self._settle(matching, new, at)
                await self._ask(facts, at)
        return self._so_far

    async def _without_known(
        self, session: AsyncSession, credits_: Sequence[Credit]
    ) -> list[Credit]:
        marks = identities(credits_, self._source.account)
        found = await session.scalars(
            select(StatementLine.identity).where(among(StatementLine.identity, marks))
        )
        seen = set(found)
        new: list[Credit] = []
        for credit, mark in zip(credits_, marks, strict=True):
            if mark in seen:
                self._so_far.known += 1
            else:
                seen.add(mark)
                self._marks[credit.line] = mark
                new.append(credit)
        return new

    async def _settle(self, matching: Matching, new: Sequence[Credit], at: datetime) -> None:
        deciding = verdicts(matching, new)
        again: bool | None = None
        while True:
            try:
                credit, verdict = deciding.send(again)
            except StopIteration:
                return
            again = False
            if isinstance(verdict, Book):
                again = await self._take(matching, credit, verdict, at)
            else:
                self._so_far.entries.append(Entry(credit, verdict))

    async def _take(self, matching: Matching, credit: Credit, book: Book, at: datetime) -> bool:
        """Book it; True when the facts are others by now and it must be decided anew."""
        try:
            moved = await self._booked(matching, credit, book, at)
        except _AlreadyIn:
            self._so_far.known += 1
            return False
        except Refused as error:
            candidate = Candidate(book.resident_id, book.invoice_id, None, book.why)
            ask = Ask(f"booking it was refused: {error.detail}", (candidate,))
            matching.wait(credit, ask)
            self._so_far.entries.append(Entry(credit, ask))
            return False
        if not moved:
            self._so_far.entries.append(Entry(credit, book))
        return moved

    async def _booked(self, matching: Matching, credit: Credit, book: Book, at: datetime) -> bool:
        currency, who = self._source.currency, book.resident_id
        async with self._database.tenant(self._tenant_id, ACTOR) as session:
            await lock_resident(session, who)
            now = await open_of(session, who, currency)
            moved = matching.open_of(who) != {i.id: i.balance_minor for i in now}
            if not moved:
                new = new_payment(credit, currency, who, book.invoice_id)
                payment = await receive(session, new, at)
                await self._line_of(session, credit, book, payment, at)
                now = await open_of(session, who, currency)
        matching.refresh(who, now, paid=not moved)
        return moved

    async def _line_of(
        self, session: AsyncSession, credit: Credit, book: Book, payment: Payment, at: datetime
    ) -> None:
        row = self._row(credit, at) | {
            "state": LineState.BOOKED,
            "rule": book.rule,
            "why": book.why,
            "resident_id": book.resident_id,
            "payment_id": payment.id,
        }
        line_id = await session.scalar(
            insert(StatementLine)
            .values(tenant_id=tenant_of(session), **row)
            .on_conflict_do_nothing(index_elements=["tenant_id", "identity"])
            .returning(StatementLine.id)
        )
        if line_id is None:
            raise _AlreadyIn
        await event.record(
            session,
            "statement_line.booked",
            STATEMENT_LINE,
            line_id,
            at,
            payment_id=str(payment.id),
            rule=book.rule,
        )

    def _row(self, credit: Credit, at: datetime) -> dict[str, object]:
        return {
            "identity": self._marks[credit.line],
            "account": self._source.account,
            "file_name": self._source.file_name,
            "file_line": credit.line,
            "day": credit.day,
            "amount_minor": credit.minor,
            "currency": self._source.currency,
            "utr": credit.utr,
            "reference": credit.reference,
            "narration": credit.narration,
            "payer_address": address_in(credit.narration),
            "effective_at": at,
        }

    async def _ask(self, facts: Facts, at: datetime) -> None:
        """The lines that are known or asked, many at a time; a line that came meanwhile is left."""
        rows = [
            Asked(self._row(entry.credit, at), entry.verdict)
            for entry in self._so_far.entries
            if not isinstance(entry.verdict, Book)
        ]
        for first in range(0, len(rows), CHUNK):
            async with self._database.tenant(self._tenant_id, ACTOR) as session:
                await ask_all(session, facts, rows[first : first + CHUNK], at)


class _AlreadyIn(Exception):
    """Another import brought this very line in; nothing of ours stands."""


async def _in_turn(session: AsyncSession) -> None:
    """Wait until no other statement goes into this tenant."""
    key = func.hashtextextended(str(tenant_of(session)), _LOCK)
    await session.execute(select(func.pg_advisory_xact_lock(key)))


def new_payment(
    credit: Credit, currency: str, resident_id: UUID, invoice_id: UUID | None
) -> NewPayment:
    """The credit as money of that resident, paid on its value date.

    Only a transfer's own number is its reference: others come again and would look like a double.
    """
    words = f"{credit.narration} {credit.reference}"
    return NewPayment(
        resident_id=resident_id,
        amount_minor=credit.minor,
        currency=currency,
        method=PaymentMethod.UPI if is_upi(words) else PaymentMethod.BANK_TRANSFER,
        paid_on=credit.day,
        reference=credit.utr,
        notes=credit.narration or credit.reference,
        invoice_id=invoice_id,
    )
