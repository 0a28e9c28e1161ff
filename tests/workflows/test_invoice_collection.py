"""Collecting in skipped time: the real worker, relays and database, moved by the driver."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment
from uuid_utils.compat import uuid7

from activities.invoice_collection import Collecting
from domain.calendar import local_day
from domain.errors import IllegalTransition
from domain.message_delivery import DeliveryState
from models import credit, suspension
from models.collection import CollectionTerms
from models.database import one
from models.invoice import Invoice
from models.message import Message, Purpose
from models.record import TaskStatus
from models.resident import Resident
from models.task_answer import resolve
from tests.support.announced import WITHIN, Announcements
from tests.support.database import DatabaseUrls
from tests.support.debt import (
    DAILY_TERMS,
    DAY_MINOR,
    FEE_MINOR,
    TERMS,
    Debt,
    a_debt,
    pay,
    pay_within,
)
from tests.support.house import ZONE, House, a_property, a_resident
from tests.support.oracle import Chance, chances, foretold
from tests.support.soak import soaked
from tests.support.stories import Heard, Story, charged, forty, reminded, with_instalments
from tests.support.underway import Underway, at, under_way
from workflows.life import HISTORY_EVENTS_MAX

DUE = date(2031, 10, 5)
ISSUED = at(date(2031, 9, 25))
UNHEARD = {DeliveryState.cancelled, DeliveryState.failed}


@dataclass(frozen=True, slots=True)
class Told:
    """A story under way: its resident and the invoices, the first of which it is about."""

    story: Story
    resident: Resident
    debts: Sequence[Debt]

    def expected(self) -> list[Heard]:
        """What is heard by somebody without a mail address: all but papers."""
        deaf = set[str]() if self.resident.email else {Purpose.RECEIPT.value}
        return sorted(heard for heard in self.story.heard if heard[0] not in deaf)


async def begin(
    house: House, stories: Sequence[Story], terms: CollectionTerms = TERMS
) -> list[Told]:
    """A resident for each story, every fourth with a mail address too."""
    place = await a_property(house, beds=sum(story.invoices for story in stories))
    beds = iter(range(len(place.bed_ids)))
    told: list[Told] = []
    for number, story in enumerate(stories):
        resident = await a_resident(house, email="" if number % 4 == 0 else None)
        debts = [
            await a_debt(
                house,
                DUE,
                place=place,
                bed=next(beds),
                resident_id=resident.id,
                issued=ISSUED,
                terms=terms,
            )
            for _ in range(story.invoices)
        ]
        told.append(Told(story, resident, debts))
    return told


async def live_through(house: Underway, told: Sequence[Told]) -> None:
    """Do every deed at its hour, until thirty days after the rent was due."""
    deeds = sorted(
        ((deed.at(of.debts[0]), deed, of.debts[0]) for of in told for deed in of.story.deeds),
        key=lambda one: one[0],
    )
    for when, deed, debt in deeds:
        await house.driver.to(when)
        await deed.act(debt, house.clock.now())
    await house.driver.to(at(DUE + timedelta(days=30)))


async def heard_by(house: House, resident_id: UUID, due: date = DUE) -> list[Heard]:
    """The messages that left for a resident, by day from the due day."""
    async with house.session() as session:
        rows = await session.scalars(select(Message).where(Message.resident_id == resident_id))
        return sorted(
            (row.purpose, (row.day - due).days) for row in rows if row.state not in UNHEARD
        )


async def test_forty_residents_each_hear_what_they_should_once_and_nothing_after_paying(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    announced = Announcements()
    async with under_way(env, database_urls, watch=announced.watch) as house:
        told = await begin(house.house, forty())
        announced.house = house.house
        async with house.worker():
            await live_through(house, told)
        for of in told:
            assert await heard_by(house.house, of.resident.id) == of.expected(), of.story.name
            assert (await of.debts[0].row()).status == of.story.ends, of.story.name
            if of.story.fee_minor is not None:
                penalty = await of.debts[0].penalty()
                fee = 0 if penalty is None else penalty.total_minor
                assert fee == of.story.fee_minor, of.story.name
        assert house.carrier.none_twice()
        assert await announced.missed() == []
        assert not [step for step in await house.announced() if step.at <= house.clock.now()]
        for of in told:
            assert not await house.lives_on(of.debts[0].workflow_id), of.story.name


async def test_instalments_and_late_days_take_their_course_in_the_life(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    announced = Announcements()
    async with under_way(env, database_urls, watch=announced.watch) as house:
        told = await begin(house.house, with_instalments(), DAILY_TERMS)
        announced.house = house.house
        async with house.worker():
            await live_through(house, told)
        for of in told:
            heard = await heard_by(house.house, of.resident.id)
            assert heard == of.expected(), of.story.name
            assert (await of.debts[0].row()).status == of.story.ends, of.story.name
            fees = {part: minor for part, minor, _ in await of.debts[0].fees()}
            assert fees.get(0, 0) == of.story.fee_minor, of.story.name
        assert await announced.missed() == []
        missed, late = told[1].debts[0], told[3].debts[0]
        assert (await missed.fees())[1][1] == 12 * DAY_MINOR
        assert (await late.fees())[1][1] == 3 * DAY_MINOR


async def test_lives_do_what_the_pure_rules_foretell_whatever_happens_to_them(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    """Promises, pauses, money and waivers at random hours, some of them refused."""
    announced = Announcements()
    async with under_way(env, database_urls) as house:
        announced.house = house.house
        place = await a_property(house.house, beds=soaked(120, tenth=8))
        happening = [
            (await a_debt(house.house, DUE, place=place, bed=seed, issued=ISSUED), chances(seed))
            for seed in range(soaked(120, tenth=8))
        ]
        tries = [(chance.at(debt), chance, debt) for debt, told in happening for chance in told]
        async with house.worker():
            for when, chance, debt in sorted(tries, key=lambda one: one[0]):
                await house.driver.to(when)
                await attempt(debt, chance, house.clock.now())
            await house.driver.to(at(DUE + timedelta(days=60)))
        done = await announced.done()
        for seed, (debt, told) in enumerate(happening):
            took = [(one.what, one.at) for one in done if one.subject_id == debt.invoice_id]
            expected = foretold(debt, ISSUED, told)
            assert [what for what, _ in took] == [what for what, _ in expected], (seed, told)
            late = [real - due for (_, real), (_, due) in zip(took, expected, strict=True)]
            assert all(timedelta() <= one <= WITHIN for one in late), (seed, told)


async def attempt(debt: Debt, chance: Chance, now: datetime) -> None:
    """Try it as a router does; what is illegal changes nothing."""
    day = local_day(now, ZONE) + timedelta(days=chance.days)
    with suppress(IllegalTransition):
        async with debt.house.session() as session:
            match chance.kind:
                case "promise":
                    await suspension.promise(session, debt.invoice_id, day, None, now)
                case "pause":
                    await suspension.pause(session, debt.invoice_id, day, None, now)
                case "resume":
                    await suspension.resume(session, debt.invoice_id, now)
                case "waive":
                    await credit.waive_fee(session, debt.invoice_id, "asked nicely", now)
                case _:
                    owed = (await one(session, Invoice, debt.invoice_id)).balance_minor
                    if owed:
                        part = owed // 2 if chance.kind == "half" else owed
                        await pay_within(session, debt, part, now)


async def test_ninety_five_days_without_a_worker_end_in_one_reminder_and_one_fee(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        never_seen = await a_debt(house.house, DUE, issued=ISSUED)
        was_reminded = await a_debt(house.house, DUE, issued=ISSUED)
        was_paid = await a_debt(house.house, DUE, issued=ISSUED)
        collecting = Collecting(house.database, house.store_id)
        await collecting.remind(was_reminded.look(was_reminded.after(-3)))
        await house.driver.away_until(was_paid.after(20))
        await pay(was_paid, house.clock.now())
        back = never_seen.after(-3 + 95)
        await house.driver.away_until(back)
        async with house.worker():
            await house.driver.to(back + timedelta(days=30))
        caught_up = sorted([*charged(92), *reminded(92)])
        assert await heard_by(house.house, was_paid.resident_id) == [(Purpose.RECEIPT, 20)]
        assert await was_paid.penalty() is None
        for debt in (never_seen, was_reminded):  # the reminder queued in time was overtaken
            assert await heard_by(house.house, debt.resident_id) == caught_up
            penalty = await debt.penalty()
            assert penalty is not None
            assert penalty.total_minor == FEE_MINOR
            assert (await debt.row()).handed_over_at is not None


async def test_a_life_whose_timer_fires_ninety_five_days_late_plans_again_before_it_acts(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        async with house.worker():
            await house.driver.to(debt.after(-2))
            await grow_older(database_urls, days=95)
            await house.driver.to(debt.after(30))
        heard = await heard_by(house.house, debt.resident_id, DUE - timedelta(days=95))
        assert heard == sorted([*reminded(-3), *charged(95), *reminded(95)])
        assert (await debt.row()).handed_over_at is not None


async def test_a_step_that_lay_in_a_queue_over_an_outage_is_not_taken_as_it_was(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house, house.worker():
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        await house.driver.until_quiet()
        with house.outage():
            await house.driver.away_until(debt.after(-3) + timedelta(minutes=10))
        await house.driver.away_until(debt.after(-3) + timedelta(minutes=12))
        await house.driver.until_quiet()
        (message,) = await house.messages()
        assert message.effective_at >= debt.after(-3) + timedelta(minutes=5)


async def test_a_database_that_is_away_is_waited_for_without_filling_the_history(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house, house.worker():
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        with house.outage():
            await house.turn_relays()
            await until(lambda: tried(house, debt, "look_at_invoice"))
            await house.driver.away_until(house.clock.now() + timedelta(hours=1))
        await house.driver.away_until(house.clock.now() + timedelta(minutes=2))
        await house.driver.to(debt.after(-2))
        assert await heard_by(house.house, debt.resident_id) == reminded(-3)
        assert await house.history_length(debt.workflow_id) < 50


async def test_news_that_comes_doubled_or_for_nothing_changes_nothing(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        life = env.client.get_workflow_handle(debt.workflow_id)
        async with house.worker():
            await house.driver.until_quiet()
            announced = [(step.what, step.at) for step in await house.announced()]
            for _ in range(20):
                await life.signal("news")
            await house.wake(debt, times=5)
            await house.driver.to(debt.after(-2))
            assert [(step.what, step.at) for step in await house.announced()] == announced[1:]
            await pay(debt, house.clock.now())
            await house.driver.until_quiet()
            assert not await house.lives_on(debt.workflow_id)
            await house.wake(debt, times=5)
            await house.driver.until_quiet()
            assert not await house.lives_on(debt.workflow_id)
        assert await heard_by(house.house, debt.resident_id) == sorted(
            [(Purpose.REMINDER, -3), (Purpose.RECEIPT, -2)]
        )


async def test_a_long_history_is_begun_afresh_and_nothing_is_forgotten(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        life = env.client.get_workflow_handle(debt.workflow_id)
        async with house.worker():
            await house.driver.until_quiet()
            first_run = await house.run_id(debt.workflow_id)
            for _ in range(0, HISTORY_EVENTS_MAX, 50):
                await asyncio.gather(*(life.signal("news") for _ in range(50)))
            await house.wake(debt)
            await house.driver.to(debt.after(-2))
        assert await house.run_id(debt.workflow_id) != first_run
        assert await house.history_length(debt.workflow_id) < HISTORY_EVENTS_MAX
        assert await heard_by(house.house, debt.resident_id) == [(Purpose.REMINDER, -3)]


async def test_a_refused_step_waits_for_a_person_while_the_plan_goes_on(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house, refusing_penalties(database_urls) as allow:
        debt = await a_debt(house.house, DUE, issued=ISSUED)
        async with house.worker():
            await house.driver.to(debt.after(8))
            (task,) = await house.tasks()
            assert (task.what, task.status) == ("charge_late_fee", TaskStatus.OPEN)
            assert "no_more_penalties" in task.detail
            heard = reminded(-3, 0, 1, 7)
            assert await heard_by(house.house, debt.resident_id) == sorted(heard)
            await allow()
            async with house.house.session() as session:
                await resolve(session, task.id, "allowed again", "user:owner", house.clock.now())
            await house.driver.until_quiet()
        assert await heard_by(house.house, debt.resident_id) == sorted([*heard, *charged(8)])


async def test_the_life_of_an_invoice_that_is_gone_ends(
    env: WorkflowEnvironment, database_urls: DatabaseUrls
) -> None:
    async with under_way(env, database_urls) as house:
        gone = Debt(house.house, uuid7(), uuid7(), DUE)
        await house.wake(gone)
        async with house.worker():
            await house.driver.until_quiet()
            result = await env.client.get_workflow_handle(gone.workflow_id).result()
        assert result == "gone"


async def tried(house: Underway, debt: Debt, step: str) -> bool:
    """The server has a step of the debt's life waiting for another try."""
    pending = await house.pending(debt.workflow_id)
    return any(one.activity_type.name == step and one.attempt > 1 for one in pending)


async def until(happened: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait in real time, boundedly."""
    async with asyncio.timeout(seconds):
        while not await happened():
            await asyncio.sleep(0.05)


async def grow_older(urls: DatabaseUrls, days: int) -> None:
    """Make all that happened so many days older: to a worker that returns, time has passed.

    The skipping server cannot do it: its time stands while a task waits for a worker.
    """
    connection = await asyncpg.connect(urls.superuser)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(
            "update invoices set due_date = due_date - $1::int,"
            " invoice_date = invoice_date - $1::int, issued_at = issued_at - $1 * interval '1 day'",
            days,
        )
        await connection.execute("update messages set day = day - $1::int", days)
    finally:
        await connection.close()


@asynccontextmanager
async def refusing_penalties(urls: DatabaseUrls) -> AsyncGenerator[Callable[[], Awaitable[object]]]:
    """A database whose constraint refuses late fees, until they are allowed."""
    connection = await asyncpg.connect(urls.owner)
    name = "no_more_penalties"
    check = f"add constraint {name} check (invoice_type <> 'penalty')"
    try:
        await connection.execute(f"alter table invoices {check}")
        yield lambda: connection.execute(f"alter table invoices drop constraint {name}")
    finally:
        await connection.close()
