"""A try to be paid, told step by step before the sandbox, by a process that may die anywhere."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import func, select

from domain import keys
from domain.lives import Subject
from domain.payment_account import Provider
from domain.payment_attempt import PayBy
from models.message import Message, Purpose
from models.payment import Payment
from models.payment_attempt import PaymentAttempt
from models.record import Task
from tests.support.attempt import an_attempt, row
from tests.support.books import booked, breaches, money
from tests.support.crash_points import Fate, mortal
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.story import CALLS, EVENTS, Ground, LifeStory, begun
from tests.support.underway import START

DUE = START.date() + timedelta(days=20)
ORDER, STEPS = "activities.attempt_order", "activities.payment_attempt"
MODULES = (ORDER, STEPS, CALLS, EVENTS)
KINDS = ("payment_link", "qr_code", "checkout_session")


@dataclass(kw_only=True)
class Story(LifeStory):
    """One attempt of one house; every process in it meets the same fate."""

    debt: Debt
    attempt: PaymentAttempt
    steps: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        order = mortal(ORDER, self.fate)
        known = {"order_of": order.order_of, **self.calling()}
        self.steps = mortal(STEPS, self.fate, known)

    def subjects(self) -> list[Subject]:
        """The attempt."""
        workflow_id = keys.payment_attempt(self.house.tenant_id, self.attempt.id)
        return [Subject(self.house.tenant_id, self.attempt.id, workflow_id)]

    async def pays(self, **more: object) -> None:
        """The payer pays on the page."""
        page = (await row(self.house, self.attempt)).page_id
        method = "card" if self.account.provider == Provider.stripe else "upi"
        body = {"action": "pay", "target": page, "method": method, **more}
        await self.tell("/control/payer", body)

    async def pays_cash(self) -> None:
        """The money comes another way."""
        new = money(self.debt.resident_id, RENT_MINOR, self.at.date())
        await booked(self.house, new, self.at)

    def opened(self) -> int:
        """How many pages were ever opened at the provider."""
        state = self.ground.box.sandbox.bank.state
        marks = ", ".join("?" for _ in KINDS)
        return state.count(f"SELECT count(*) FROM payment_objects WHERE kind IN ({marks})", *KINDS)  # noqa: S608

    def _life(self) -> Any:
        return self.steps.Attempting(self.ground.database, "a-store", self.purse)


@dataclass(frozen=True, slots=True)
class Ended:
    """What is there when all is over."""

    status: str
    charges: list[tuple[str, int]]
    payments: list[tuple[str, int]]
    receipts: list[int]
    tasks: frozenset[str]
    breaches: dict[str, Any]


_RECEIPTS = (
    select(func.count())
    .select_from(Message)
    .where(Message.purpose == Purpose.RECEIPT, Message.about_id == Payment.id)
    .scalar_subquery()
)


async def ended(story: Story) -> Ended:
    """How it ended: here, and at the provider."""
    answer = await story.ground.client.get("/control/ledger")
    taken = [one for one in answer.json()["items"] if one["kind"] == "capture"]
    async with story.house.session() as session:
        payments = await session.execute(
            select(Payment.provider_payment_id, Payment.amount_minor, _RECEIPTS).where(
                Payment.provider_payment_id.is_not(None)
            )
        )
        booked = sorted((name or "", minor, told) for name, minor, told in payments)
        tasks = await session.scalars(select(Task.what).where(Task.status == "open"))
        return Ended(
            status=(await row(story.house, story.attempt)).status,
            charges=sorted((one["payment"], one["amount"]) for one in taken),
            payments=[(name, minor) for name, minor, _ in booked],
            receipts=[receipts for *_, receipts in booked],
            tasks=frozenset(what.split()[0] for what in tasks),
            breaches=dict(await breaches(story.ground.database)),
        )


async def a_story(ground: Ground, fate: Fate, by: PayBy) -> Story:
    """Somebody wants to pay, in a house of their own, before a provider that knows nothing."""
    provider = Provider.stripe if by is PayBy.checkout else Provider.razorpay
    house, account = await begun(ground, provider)
    debt = await a_debt(house, DUE)
    attempt = await an_attempt(debt, by, START)
    return Story(ground=ground, fate=fate, house=house, debt=debt, account=account, attempt=attempt)
