"""Tells what happens in a played month: events and messages as they come, the books at the end."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import Account
from domain.money import Money
from models.database import Actor, Database, one
from models.invoice import Invoice
from models.ledger import Posting
from models.life import PlannedAction
from models.record import DomainEvent
from sandbox.inbox import Inbox, Wanted

ACTOR = Actor("platform:demo month")


def _amount(data: dict[str, Any]) -> str:
    minor = data.get("amount_minor", data.get("minor", data.get("total_minor", 0)))
    return Money(int(minor), str(data.get("currency", "INR"))).text


# What is worth telling, and how.
TOLD: dict[str, Callable[[dict[str, Any]], str]] = {
    "billing_run.closed": lambda data: f"billing run {data['period']} is {data['status']}",
    "late_fee.charged": lambda data: f"late fee of {_amount(data)} charged",
    "payment.completed": lambda data: f"{_amount(data)} received in {data.get('method', 'cash')}",
    "invoice.handed_over": lambda _data: "handed to a person",
}


class Tale:
    """Says each new thing once, under the day and hour it happened at."""

    def __init__(self, database: Database, tenant_id: UUID, inbox: Inbox, zone: str) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._inbox = inbox
        self._zone = ZoneInfo(zone)
        self._events = 0
        self._messages = 0
        self._plan = ""
        self._now = ""

    def say(self, words: str) -> None:
        """One line, under the hour it is."""
        print(f"{self._now:<17} {words}", flush=True)

    async def go_on(self, at: datetime) -> None:
        """Say what is new since the last time."""
        self._now = f"{at.astimezone(self._zone):%a %d %b %H:%M}"
        async with self._database.tenant(self._tenant_id, ACTOR) as session:
            await self._new_events(session)
            self._new_messages()
            await self._new_plan(session)

    async def books(self) -> None:
        """The accounts, and that they balance."""
        async with self._database.tenant(self._tenant_id, ACTOR) as session:
            rows = await session.execute(
                select(Posting.account, func.sum(Posting.minor))
                .group_by(Posting.account)
                .order_by(Posting.account)
            )
            balances = {account: int(minor) for account, minor in rows}
        print("\nThe books:")
        for account, minor in balances.items():
            print(f"  {Account(account).title:<26} {Money(minor, 'INR').major:>12}")
        print(f"  {'sum of all accounts':<26} {Money(sum(balances.values()), 'INR').major:>12}")

    async def _new_events(self, session: AsyncSession) -> None:
        events = await session.scalars(
            select(DomainEvent).order_by(DomainEvent.recorded_at, DomainEvent.id)
        )
        new = events.all()[self._events :]
        self._events += len(new)
        for event in new:
            if event.type in ("invoice.issued", "invoice.paid"):
                await self._invoice(session, event)
            elif event.type in TOLD:
                self.say(TOLD[event.type](event.data))

    async def _invoice(self, session: AsyncSession, event: DomainEvent) -> None:
        invoice = await one(session, Invoice, event.subject_id)
        total = Money(invoice.total_minor, invoice.currency).text
        named = f"invoice {invoice.invoice_number} ({invoice.invoice_type})"
        if event.type == "invoice.paid":
            self.say(f"{named} is paid")
        else:
            self.say(f"{named} of {total}, due {invoice.due_date:%d %b}")

    def _new_messages(self) -> None:
        newest_first, _ = self._inbox.page(Wanted(limit=1000))
        arrived = list(reversed(newest_first))
        for message in arrived[self._messages :]:
            words = message["subject"] if message["channel"] == "email" else message["text"]
            self.say(f"  {message['channel']:<5} to {message['recipient']}: {words}")
        self._messages = len(arrived)

    async def _new_plan(self, session: AsyncSession) -> None:
        first = await session.scalar(
            select(PlannedAction)
            .where(PlannedAction.subject_kind == "invoice")
            .order_by(PlannedAction.at)
            .limit(1)
        )
        plan = "nothing is planned" if first is None else _next(first, self._zone)
        if plan != self._plan:
            self._plan = plan
            self.say(f"  next: {plan}")


def _next(action: PlannedAction, zone: ZoneInfo) -> str:
    when = f"{action.at.astimezone(zone):%a %d %b %H:%M}"
    return f"{action.what.replace('_', ' ')} on {when}: {action.why}"
