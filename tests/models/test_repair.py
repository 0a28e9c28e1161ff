"""What Temporal may have lost is found by the rows and woken; what is well is left alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from activities.invoice_collection import Collecting
from domain import keys
from domain.calendar import Month
from models import billing_run
from models.database import Database
from models.life import LifeRow, PlannedAction, SubjectKind, Wake
from models.record import BillingRun, BillingRunStatus
from models.repair import Lost, find_the_lost, forget_old_answers, wake_the_lost
from runtime.lives import HOMES
from tests.support.debt import Debt, a_debt
from tests.support.house import House, a_property, a_tenant
from tests.support.web import NOON

STORE = "a-store"
DUE = date(2026, 10, 5)
OCTOBER = Month(2026, 10)


@dataclass(frozen=True, slots=True)
class Scene:
    """An invoice whose life has just looked, and what one can do to both."""

    debt: Debt

    @property
    def house(self) -> House:
        """Its tenant."""
        return self.debt.house

    async def run(self, statement: str) -> None:
        """Change rows behind everybody's back."""
        async with self.house.session() as session:
            await session.execute(text(statement))

    async def lost(self, now: datetime, store: str = STORE) -> list[tuple[str, str]]:
        """What repair finds: workflow id and reason."""
        async with self.house.database.platform("test") as session:
            found = await find_the_lost(session, store, now)
        assert {one.tenant_id for one in found} <= {self.house.tenant_id}
        return sorted((one.workflow_id, one.reason) for one in found)

    async def wakes(self) -> list[Wake]:
        """The wake-ups on their way."""
        async with self.house.session() as session:
            return list(await session.scalars(select(Wake).order_by(Wake.workflow_id)))


@pytest.fixture
async def scene(database: Database) -> Scene:
    """Issued on 25 September, seen by its life at once; the first reminder waits for 2 October."""
    made = Scene(await a_debt(await a_tenant(database), DUE))
    await Collecting(database, STORE).look(made.debt.look(made.debt.after(-10)))
    await made.run("delete from wakes")
    return made


async def test_a_life_that_is_well_is_left_alone(scene: Scene) -> None:
    """Before its hour, and until a quarter of an hour after it."""
    first = scene.debt.after(-3)
    for now in (scene.debt.after(-9), first, first + timedelta(minutes=15)):
        assert await scene.lost(now) == []


async def test_a_life_that_overslept_is_found(scene: Scene) -> None:
    """Its worker was away, or Temporal lost it alone."""
    late = scene.debt.after(-3) + timedelta(minutes=15, seconds=1)
    assert await scene.lost(late) == [(scene.debt.workflow_id, "overslept")]


async def test_a_life_in_another_store_is_found_before_its_hour(scene: Scene) -> None:
    """Temporal's store was lost whole: another id, and no life in it."""
    before = scene.debt.after(-9)
    assert await scene.lost(before, "new") == [(scene.debt.workflow_id, "another store")]


async def test_a_plan_that_nobody_watches_is_found_after_five_minutes(scene: Scene) -> None:
    """Younger ones are still on their way from wake-up to first look."""
    await scene.run("delete from lives")
    now = scene.debt.after(-9)
    assert await scene.lost(now) == []
    await scene.run("update next_actions set recorded_at = recorded_at - interval '6 minutes'")
    assert await scene.lost(now) == [(scene.debt.workflow_id, "no life")]


async def test_what_is_being_woken_is_not_woken_again(scene: Scene) -> None:
    """Repair asks once, however often it runs; the life that looks ends it."""
    async with scene.house.database.platform("test") as session:
        assert await wake_the_lost(session, "new", NOON) == 1
    assert await scene.lost(NOON, "new") == []
    async with scene.house.database.platform("test") as session:
        assert await wake_the_lost(session, "new", NOON) == 0
    (wake,) = await scene.wakes()
    assert (wake.subject_id, wake.workflow_id) == (scene.debt.invoice_id, scene.debt.workflow_id)
    assert (wake.subject_kind, wake.priority) == (SubjectKind.INVOICE, 4)
    await scene.run("delete from wakes")
    await Collecting(scene.house.database, "new").look(scene.debt.look(scene.debt.after(-9)))
    assert await scene.lost(scene.debt.after(-9), "new") == []


async def test_nothing_is_expected_of_a_paid_invoice(scene: Scene) -> None:
    """No plan, no life, nothing lost."""
    await scene.run("delete from next_actions")
    await scene.run("delete from lives")
    assert await scene.lost(NOON, "new") == []


async def test_every_tenants_lives_are_found_in_one_go(scene: Scene) -> None:
    """The platform looks above the walls, and each wake-up belongs to its tenant."""
    other = await a_debt(await a_tenant(scene.house.database), DUE)
    await Collecting(scene.house.database, STORE).look(other.look(other.after(-10)))
    async with other.house.session() as session:
        await session.execute(text("delete from wakes"))
    async with scene.house.database.platform("test") as session:
        found = await find_the_lost(session, "new", NOON)
        assert await wake_the_lost(session, "new", NOON) == 2
    assert set(found) == {
        Lost(debt.house.tenant_id, debt.workflow_id, "another store")
        for debt in (scene.debt, other)
    }
    for debt in (scene.debt, other):
        async with debt.house.session() as session:
            assert len((await session.scalars(select(Wake))).all()) == 1


async def planned_message(
    scene: Scene, kind: SubjectKind = SubjectKind.MESSAGE
) -> tuple[UUID, str]:
    """A message (or another kind) that a life should carry, whose life was never born."""
    async with scene.house.session() as session:
        message_id = await session.scalar(text("select gen_random_uuid()"))
        await session.execute(
            insert(PlannedAction).values(
                tenant_id=scene.house.tenant_id,
                subject_kind=kind,
                subject_id=message_id,
                ordinal=0,
                at=NOON,
                what="deliver",
                why="try again",
                changeable_by=[],
            )
        )
    await scene.run("update next_actions set recorded_at = recorded_at - interval '6 minutes'")
    return message_id, keys.message_delivery(scene.house.tenant_id, message_id)


async def test_a_message_that_nobody_carries_is_found(scene: Scene) -> None:
    """By the id its life would have."""
    message_id, workflow_id = await planned_message(scene)
    assert await scene.lost(scene.debt.after(-9)) == [(workflow_id, "no life")]
    async with scene.house.database.platform("test") as session:
        await wake_the_lost(session, STORE, scene.debt.after(-9))
    (wake,) = await scene.wakes()
    assert (wake.subject_kind, wake.subject_id) == (SubjectKind.MESSAGE, message_id)


async def queued(scene: Scene, month: Month, property_id: UUID | None = None) -> BillingRun:
    """A run that was asked for six minutes ago and whose wake-up was lost."""
    async with scene.house.session() as session:
        run = BillingRun(period=month.first, property_id=property_id, asked_by="key:1")
        session.add(run)
        await session.flush()
        aged = "update billing_runs set recorded_at = recorded_at - interval '6 minutes'"
        await session.execute(text(aged))
    return run


async def close(scene: Scene, run: BillingRun) -> None:
    async with scene.house.session() as session:
        (await billing_run.locked(session, run.id)).status = BillingRunStatus.ISSUED


async def test_of_the_open_runs_of_a_tenant_only_the_first_is_woken(scene: Scene) -> None:
    """Periods go in order; the close of one wakes the next."""
    now = scene.debt.after(-9)
    place = await a_property(scene.house)
    late = await queued(scene, OCTOBER)
    part = await queued(scene, OCTOBER.previous(), place.property_id)
    whole = await queued(scene, OCTOBER.previous())
    assert await scene.lost(now) == [(billing_run.subject_of(whole).workflow_id, "no life")]
    await close(scene, whole)
    assert await scene.lost(now) == [(billing_run.subject_of(part).workflow_id, "no life")]
    await close(scene, part)
    assert await scene.lost(now) == [(billing_run.subject_of(late).workflow_id, "no life")]


async def test_a_run_under_way_is_found_by_its_life(scene: Scene) -> None:
    """Well while its chunks come, overslept when none came for a quarter of an hour."""
    now = scene.debt.after(-9)
    run = await queued(scene, OCTOBER)
    workflow_id = billing_run.subject_of(run).workflow_id
    async with scene.house.session() as session:
        under_way = await billing_run.locked(session, run.id)
        under_way.status = BillingRunStatus.RUNNING
        await billing_run.note_life(session, under_way, now, STORE)
    assert await scene.lost(now + timedelta(minutes=10)) == []
    assert await scene.lost(now + timedelta(minutes=16)) == [(workflow_id, "overslept")]
    assert (workflow_id, "another store") in await scene.lost(now, "new")


async def test_every_kind_that_has_a_home_is_found_when_it_has_no_life(scene: Scene) -> None:
    """A new kind of life is not forgotten here."""
    await planned_message(scene)
    await planned_message(scene, SubjectKind.PAYMENT_ATTEMPT)
    await planned_message(scene, SubjectKind.PAYMENT_METHOD)
    await queued(scene, OCTOBER)
    await scene.run("delete from lives")
    async with scene.house.database.platform("test") as session:
        await wake_the_lost(session, STORE, scene.debt.after(-9))
    assert {wake.subject_kind for wake in await scene.wakes()} == set(HOMES)


async def test_lives_and_wakes_of_the_two_stores_do_not_pile_up(scene: Scene) -> None:
    """One row of a life per subject, whichever store it was seen in."""
    look = scene.debt.look(scene.debt.after(-9))
    for store in ("new", STORE, "new"):
        await Collecting(scene.house.database, store).look(look)
    async with scene.house.session() as session:
        lives = (await session.scalars(select(LifeRow))).all()
    assert [life.store_id for life in lives] == ["new"]


async def test_stored_answers_are_forgotten_after_thirty_days(scene: Scene) -> None:
    """And not a day before."""
    await scene.run(
        "insert into idempotent_answers (credential, method, path, key, body_hash, claimed_at)"
        " select 'key', 'POST', '/x', days::text, 'h', now() - make_interval(days => days)"
        " from unnest(array[0, 29, 31, 400]) days"
    )
    async with scene.house.database.platform("test") as session:
        assert await forget_old_answers(session) == 2
    async with scene.house.session() as session:
        left = await session.scalars(text("select key from idempotent_answers order by key"))
        assert left.all() == ["0", "29"]
