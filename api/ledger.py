"""The books, read only: accounts and balances, entries and postings, the trial balance."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import exists, or_, select

from api.body import Answer, MoneyField, money
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.ledger import Account
from models.ledger import JournalEntry, Posting
from models.ledger_query import AccountSum, postings_of, sums

router = APIRouter(prefix="/ledger", tags=["ledger"], route_class=TenantRoute)
READ = allows(Permission.LEDGER_READ)
SORTS = {"day": JournalEntry.day, "effectiveAt": JournalEntry.effective_at}


class AccountAnswer(Answer):
    """An account and what was booked on it; `balance` is debit less credit."""

    account: str
    title: str
    kind: str
    debit: MoneyField
    credit: MoneyField
    balance: MoneyField


class TotalAnswer(Answer):
    """All accounts of a currency together; `balance` is zero, or the books are broken."""

    debit: MoneyField
    credit: MoneyField
    balance: MoneyField


class TrialBalanceAnswer(Answer):
    """Every account that was moved, and the totals by currency."""

    at: date | None
    accounts: list[AccountAnswer]
    totals: list[TotalAnswer]


class PostingAnswer(Answer):
    """One side of an entry; `amount` above zero is a debit, below zero a credit."""

    account: str
    amount: MoneyField
    invoice_id: UUID | None
    resident_id: UUID | None


class EntryAnswer(Answer):
    """One act in money with all its postings; `day` is the day it counts for."""

    id: UUID
    kind: str
    subject_id: UUID
    day: date
    effective_at: datetime
    description: str
    postings: list[PostingAnswer]


@router.get("/accounts", **READ)
async def list_accounts(here: Here) -> Page[AccountAnswer]:
    """Every account of the house with its balance, also those nothing was booked on yet."""
    moved = await sums(here.session)
    known = {found.account for found in moved}
    idle = [AccountSum(name, here.tenant.currency, 0, 0) for name in Account if name not in known]
    return Page(items=_in_order([*moved, *idle]))


@router.get("/entries", **READ)
async def list_entries(
    here: Here,
    paging: Paging,
    *,
    subject_id: Annotated[UUID | None, Query(alias="subjectId")] = None,
    account: Account | None = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Page[EntryAnswer]:
    """Entries with their postings; `subjectId` is an invoice, a payment or a credit note."""
    query = select(JournalEntry)
    if subject_id is not None:
        about = exists().where(
            Posting.entry_id == JournalEntry.id, Posting.invoice_id == subject_id
        )
        query = query.where(or_(JournalEntry.subject_id == subject_id, about))
    if account is not None:
        on_it = exists().where(Posting.entry_id == JournalEntry.id, Posting.account == account)
        query = query.where(on_it)
    if since is not None:
        query = query.where(JournalEntry.day >= since)
    if until is not None:
        query = query.where(JournalEntry.day <= until)
    rows, cursor = await paged(here.session, query, JournalEntry, paging, SORTS)
    postings = await postings_of(here.session, [row.id for row in rows])
    return page_of(rows, cursor, lambda row: _entry(row, postings.get(row.id, [])))


@router.get("/trial-balance", **READ)
async def read_trial_balance(here: Here, at: date | None = None) -> TrialBalanceAnswer:
    """Debit and credit of every account up to a day, and their totals, which are equal."""
    moved = await sums(here.session, at)
    currencies = sorted({found.currency for found in moved} or {here.tenant.currency})
    return TrialBalanceAnswer(
        at=at, accounts=_in_order(moved), totals=[_total(moved, code) for code in currencies]
    )


def _in_order(found: Sequence[AccountSum]) -> list[AccountAnswer]:
    order = list(Account)
    return [
        AccountAnswer(
            account=account.account,
            title=Account(account.account).title,
            kind=Account(account.account).kind,
            **_sides(account.debit_minor, account.credit_minor, account.currency),
        )
        for account in sorted(found, key=lambda a: (order.index(Account(a.account)), a.currency))
    ]


def _total(found: Sequence[AccountSum], currency: str) -> TotalAnswer:
    ours = [account for account in found if account.currency == currency]
    debit = sum(account.debit_minor for account in ours)
    credit = sum(account.credit_minor for account in ours)
    return TotalAnswer(**_sides(debit, credit, currency))


def _sides(debit: int, credit: int, currency: str) -> dict[str, MoneyField]:
    return {
        "debit": money(debit, currency),
        "credit": money(credit, currency),
        "balance": money(debit - credit, currency),
    }


def _entry(row: JournalEntry, postings: Sequence[Posting]) -> EntryAnswer:
    return EntryAnswer(
        id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        day=row.day,
        effective_at=row.effective_at,
        description=row.description,
        postings=[
            PostingAnswer(
                account=posting.account,
                amount=money(posting.minor, posting.currency),
                invoice_id=posting.invoice_id,
                resident_id=posting.resident_id,
            )
            for posting in postings
        ],
    )
