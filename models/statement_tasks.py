"""Lines of a statement that are in the books already, or that a person must settle: set-based."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.calendar import in_words
from domain.money import Money
from domain.statement_facts import Candidate, Facts
from domain.statement_matching import Ask, Book, There, Verdict
from models.bulk import columns, driver_of
from models.statement import STATEMENT_LINE, LineState
from models.task import ANSWER_WITHIN

WHAT = "match"
_DETAIL_MAX = 2000
_LINES = """
insert into statement_lines
  (identity, account, file_name, file_line, day, amount_minor, currency, utr, reference, narration,
   payer_address, effective_at, state, why, resident_id, payment_id, candidates)
select n.identity, n.account, n.file_name, n.file_line, n.day, n.minor, n.currency, n.utr,
       n.reference, n.narration, n.payer, n.at, n.state, n.why, n.resident_id, n.payment_id,
       n.candidates::jsonb
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::date[], $6::bigint[],
              $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[],
              $13::text[], $14::text[], $15::uuid[], $16::uuid[], $17::text[])
    as n(identity, account, file_name, file_line, day, minor, currency, utr, reference, narration,
         payer, at, state, why, resident_id, payment_id, candidates)
on conflict do nothing returning id, identity, state, payment_id
"""
_TASKS = """
insert into tasks (subject_kind, subject_id, what, title, detail, opened_at, due_at)
select $4::text, n.id, $5::text, n.title, n.detail, $6::timestamptz, $7::timestamptz
  from unnest($1::uuid[], $2::text[], $3::text[]) as n(id, title, detail)
"""
_EVENTS = """
insert into domain_events (type, subject_kind, subject_id, data, effective_at)
select n.type, $4, n.id, n.data::jsonb, $5
  from unnest($1::text[], $2::uuid[], $3::text[]) as n(type, id, data)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line's columns and what was decided of it; a booked one is not written here."""

    row: dict[str, object]
    verdict: Verdict


async def ask_all(
    session: AsyncSession, facts: Facts, asked: Sequence[Asked], at: datetime
) -> None:
    """Write the lines that are not in yet, with a task for each that a person must settle."""
    driver = await driver_of(session)
    written = await driver.fetch(_LINES, *columns([_values(one) for one in asked]))
    by_identity = {one.row["identity"]: one for one in asked}
    tasks: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []
    for row in written:
        one = by_identity[row["identity"]]
        paid = {} if row["payment_id"] is None else {"payment_id": str(row["payment_id"])}
        events.append((f"statement_line.{row['state']}", row["id"], json.dumps(paid)))
        if isinstance(one.verdict, Ask):
            tasks.append((row["id"], *_words(facts, one.row, one.verdict)))
    if events:
        await driver.execute(_EVENTS, *columns(events), STATEMENT_LINE, at)
    if tasks:
        due = at + ANSWER_WITHIN
        await driver.execute(_TASKS, *columns(tasks), STATEMENT_LINE, WHAT, at, due)


def _values(one: Asked) -> tuple[object, ...]:
    verdict = one.verdict
    assert not isinstance(verdict, Book)
    if isinstance(verdict, There):
        told = (LineState.KNOWN, verdict.why, verdict.resident_id, verdict.payment_id, "[]")
    else:
        candidates = json.dumps([written(candidate) for candidate in verdict.candidates])
        told = (LineState.OPEN, verdict.why, None, None, candidates)
    return (*one.row.values(), *told)


def written(candidate: Candidate) -> dict[str, Any]:
    """As the line's `candidates` keep it: ids and the reason; names and amounts are read anew."""
    ids = {
        "residentId": candidate.resident_id,
        "invoiceId": candidate.invoice_id,
        "paymentId": candidate.payment_id,
    }
    return {name: None if i is None else str(i) for name, i in ids.items()} | {"why": candidate.why}


def _words(facts: Facts, row: dict[str, Any], ask: Ask) -> tuple[str, str]:
    """The task's title and detail: what the bank says, why it is asked, and who it may be."""
    amount = Money(row["amount_minor"], row["currency"]).text
    title = f"{amount} of {in_words(row['day'])}: whose money is it?"
    said = [
        f"The bank says: {row['narration'] or row['reference']}.",
        f"Not booked because {ask.why}.",
        *(_person(facts, candidate, row["currency"]) for candidate in ask.candidates),
    ]
    return title, "\n".join(said)[:_DETAIL_MAX]


def _person(facts: Facts, candidate: Candidate, currency: str) -> str:
    payer = facts.payers[candidate.resident_id]
    numbers = [i.number for i in payer.invoices if candidate.invoice_id in (None, i.id)]
    known = ", ".join([*payer.numbers[:1], *numbers[:3]])
    owed = Money(payer.owed, currency).text
    return f"Maybe {payer.name} ({known or 'no agreement'}; open {owed}): {candidate.why}."
