"""Lines of bank statements: what came in, what became of it, and whose the open ones may be."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from api.body import Answer, MoneyField, Words, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.database import one
from models.statement import LineState, StatementLine
from models.statement_query import CandidateNow, candidates_of, tasks_of

router = APIRouter(prefix="/statement-lines", tags=["payments"], route_class=TenantRoute)
READ = allows(Permission.PAYMENTS_READ)
SORTS = {"valueDate": StatementLine.day}


class CandidateAnswer(Answer):
    """Whose money it may be, what they owe now, and why they are named.

    With `paymentId` it may be money that was booked by hand.
    """

    resident_id: UUID
    name: str
    open_amount: MoneyField
    invoice_id: UUID | None
    invoice_number: str | None
    invoice_open_amount: MoneyField | None
    payment_id: UUID | None
    payment_number: str | None
    why: str


class StatementLineAnswer(Answer):
    """One credit. `open`: the task of `taskId` asks whose it is; resolving it books the money."""

    id: UUID
    account: str
    file_name: str
    file_line: int
    value_date: date
    amount: MoneyField
    utr: str | None
    reference: str
    narration: str
    state: LineState
    rule: str | None
    why: str
    resident_id: UUID | None
    payment_id: UUID | None
    task_id: UUID | None
    candidates: list[CandidateAnswer]
    created_at: datetime


@router.get("", **READ)
async def list_statement_lines(
    here: Here,
    paging: Paging,
    *,
    state: LineState | None = None,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    account: Words | None = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Page[StatementLineAnswer]:
    """What came in by bank; `from` and `to` are value dates."""
    query = select(StatementLine)
    for column, value in (
        (StatementLine.state, state),
        (StatementLine.resident_id, resident_id),
        (StatementLine.account, account),
    ):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(StatementLine.day >= since)
    if until is not None:
        query = query.where(StatementLine.day <= until)
    rows, cursor = await paged(here.session, query, StatementLine, paging, SORTS)
    candidates = await candidates_of(here.session, rows)
    tasks = await tasks_of(here.session, rows)
    return page_of(rows, cursor, lambda row: _shown(row, candidates[row.id], tasks.get(row.id)))


@router.get("/{line_id}", **READ)
async def read_statement_line(line_id: UUID, here: Here) -> StatementLineAnswer:
    """One line, and whose it may be."""
    row = await one(here.session, StatementLine, line_id)
    candidates = await candidates_of(here.session, [row])
    tasks = await tasks_of(here.session, [row])
    return _shown(row, candidates[row.id], tasks.get(row.id))


def _shown(
    row: StatementLine, candidates: list[CandidateNow], task_id: UUID | None
) -> StatementLineAnswer:
    same = (set(StatementLineAnswer.model_fields) - {"candidates"}) & set(
        StatementLine.__table__.c.keys()
    )
    return StatementLineAnswer(
        **{name: getattr(row, name) for name in same},
        value_date=row.day,
        amount=money(row.amount_minor, row.currency),
        task_id=task_id,
        candidates=[_candidate(one, row.currency) for one in candidates],
        created_at=row.recorded_at,
    )


def _candidate(one: CandidateNow, currency: str) -> CandidateAnswer:
    minor = one.invoice_open_minor
    return CandidateAnswer(
        resident_id=one.resident_id,
        name=one.name,
        open_amount=money(one.open_minor, currency),
        invoice_id=one.invoice_id,
        invoice_number=one.invoice_number,
        invoice_open_amount=None if minor is None else money(minor, currency),
        payment_id=one.payment_id,
        payment_number=one.payment_number,
        why=one.why,
    )
