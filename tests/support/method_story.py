"""A card to be saved, told step by step before the sandbox, by a process that may die anywhere."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain import keys
from domain.lives import Subject
from domain.payment_account import Provider
from domain.payment_method import ENDED, MethodStatus
from models import method_asking, payment_method
from models.payment_method import SavedMethod, locked
from models.record import DomainEvent, Task, TaskStatus
from models.settling import lock_resident
from models.task_answer import resolve
from tests.support.attempt import KEYS
from tests.support.books import breaches
from tests.support.crash_points import Fate, mortal
from tests.support.house import a_resident
from tests.support.method import a_method, method_row
from tests.support.story import CALLS, Ground, LifeStory, begun

ORDER, STEPS = "activities.method_order", "activities.payment_method"
MODULES = (ORDER, STEPS, CALLS)
# As long as ours may be, and longer than any the provider ever made.
UNKNOWN_KEY = f"sk_test_{'x' * 240}"


@dataclass(kw_only=True)
class Story(LifeStory):
    """One resident's cards; every process in it meets the same fate."""

    resident_id: UUID
    methods: list[UUID] = field(default_factory=list[UUID])
    steps: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        order = mortal(ORDER, self.fate)
        known = {"order_of": order.order_of, "whose": order.whose, **self.calling()}
        self.steps = mortal(STEPS, self.fate, known)

    def subjects(self) -> list[Subject]:
        """Every card that was asked for."""
        tenant_id = self.house.tenant_id
        return [
            Subject(tenant_id, one, keys.payment_method(tenant_id, one)) for one in self.methods
        ]

    async def asks(self, *, make_default: bool = False) -> None:
        """The resident wants to leave another card."""
        asked = await a_method(self.house, self.resident_id, self.at, make_default=make_default)
        self.methods.append(asked.id)

    async def leaves(self) -> None:
        """The resident leaves a card on the newest page."""
        page = (await method_row(self.house, self.methods[-1])).page_id
        await self.tell("/control/payer", {"action": "pay", "target": page, "method": "card"})

    async def saves(self) -> None:
        """A card is left on the newest page, and we are told."""
        await self.lives(minutes=20)
        await self.leaves()
        await self.hears()
        await self.lives(minutes=1)

    async def stands_open(self) -> None:
        """The page stood open before the story began."""
        with self.fate.sleeps():
            await self.lives(minutes=20)

    async def is_saved(self) -> None:
        """A card was saved before the story began."""
        with self.fate.sleeps():
            await self.saves()

    async def removes(self) -> None:
        """The newest card is not wanted any more."""
        await self.change(lambda rows: method_asking.remove(rows, self.methods[-1], self.at))

    async def asks_after(self) -> None:
        """Somebody wants to know how the newest stands."""

        async def ask(rows: Any) -> None:
            await lock_resident(rows, self.resident_id)
            await payment_method.asked_after(rows, await locked(rows, self.methods[-1]), self.at)

        await self.change(ask)

    async def answers(self) -> None:
        """A person says of every task that it is done."""

        async def answer(rows: Any) -> None:
            waiting = await rows.scalars(select(Task.id).where(Task.status == TaskStatus.OPEN))
            for task_id in waiting.all():
                await resolve(rows, task_id, "it is done", "the desk", self.at)

        await self.change(answer)

    async def at_provider(self, method: str, path: str) -> None:
        """Somebody does something on the provider's own dashboard."""
        secret = KEYS[Provider.stripe]["secretKey"]
        headers = {"Authorization": f"Bearer {secret}"}
        answer = await self.ground.client.request(method, f"/stripe/v1{path}", headers=headers)
        assert answer.status_code < 300, answer.text

    async def detaches(self) -> None:
        """The newest card is taken away there."""
        name = (await method_row(self.house, self.methods[-1])).provider_method_id
        await self.at_provider("POST", f"/payment_methods/{name}/detach")

    async def forgets_whose_it_is(self) -> None:
        """The customer is deleted there."""
        for customer in self.there("customer"):
            await self.at_provider("DELETE", f"/customers/{customer['id']}")

    def forgets_everything(self) -> None:
        """Nothing is there any more."""
        self.ground.box.sandbox.bank.state.write("DELETE FROM payment_objects")

    def there(self, kind: str) -> list[dict[str, Any]]:
        """What exists at the provider, whoever knows of it, without what was deleted."""
        rows = self.ground.box.sandbox.bank.state.rows(
            "SELECT body, beside FROM payment_objects WHERE kind = ? ORDER BY seq", kind
        )
        kept = [one for one in rows if not json.loads(one["beside"]).get("deleted")]
        return [dict(json.loads(one["body"])) for one in kept]

    def _life(self) -> Any:
        return self.steps.Keeping(self.ground.database, "a-store", self.purse)


@dataclass(frozen=True, slots=True)
class Ended:
    """What is there when all is over; `wrong` is what must never be."""

    statuses: str
    tasks: frozenset[str]
    wrong: list[str]


async def ended(story: Story) -> Ended:
    """How it ended: here, and at the provider. What stands by default bears a star."""
    async with story.house.session() as session:
        found = await session.scalars(select(SavedMethod).order_by(SavedMethod.id))
        methods = found.all()
        tasks = (await session.scalars(select(Task).where(Task.status == TaskStatus.OPEN))).all()
        happened = await session.execute(
            select(DomainEvent.subject_id, DomainEvent.type).where(
                DomainEvent.type.startswith("payment_method.")
            )
        )
        events = [f"{name} of {subject}" for subject, name in happened]
    waiting = {task.subject_id for task in tasks}
    broken = await breaches(story.ground.database)
    return Ended(
        statuses=" ".join(f"{one.status}{'*' if one.is_default else ''}" for one in methods),
        tasks=frozenset(task.what for task in tasks),
        wrong=[
            *_wrong_there(story, methods),
            *_wrong_here(methods, waiting),
            *(f"it happened twice: {name}" for name, times in Counter(events).items() if times > 1),
            *(f"{name}: {details}" for name, details in broken.items()),
        ],
    )


def _wrong_there(story: Story, methods: Sequence[SavedMethod]) -> list[str]:
    """One customer, one page that counts for each method, and the cards we know of."""
    pages = [page for page in story.there("checkout_session") if page["status"] != "expired"]
    left = {one["id"] for one in story.there("payment_method") if one["customer"] is not None}
    kept = {one.provider_method_id for one in methods if one.status not in ENDED} - {None}
    over = {str(one.id) for one in methods if one.status in (*ENDED, MethodStatus.active)}
    counted = Counter(page["client_reference_id"] for page in pages)
    still_open = {page["client_reference_id"] for page in pages if page["status"] == "open"}
    customers = len(story.there("customer"))
    return [
        *([f"{customers} customers"] if customers > 1 else []),
        *(f"{times} pages of {name}" for name, times in counted.items() if times > 1),
        *(f"a page of {name} that is over" for name in still_open & over),
        *(f"card {name} is there and not here, or here and not there" for name in left ^ kept),
    ]


def _wrong_here(methods: Sequence[SavedMethod], waiting: set[UUID]) -> list[str]:
    """One row for a card, one card by default, and nothing under way that waits for nobody."""
    cards = Counter(one.provider_method_id for one in methods if one.provider_method_id)
    done = (*ENDED, MethodStatus.active)
    return [
        *(f"card {name} is saved {times} times" for name, times in cards.items() if times > 1),
        *(["two stand by default"] if sum(one.is_default for one in methods) > 1 else []),
        *(
            f"{one.id} is {one.status} and nobody is asked"
            for one in methods
            if one.status not in done and one.id not in waiting
        ),
    ]


async def a_story(ground: Ground, fate: Fate) -> Story:
    """Somebody wants to leave a card, in a house of their own."""
    house, account = await begun(ground, Provider.stripe)
    resident = await a_resident(house)
    story = Story(ground=ground, fate=fate, house=house, account=account, resident_id=resident.id)
    await story.asks()
    return story
