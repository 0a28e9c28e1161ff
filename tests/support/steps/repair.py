"""The steps of repair, with a life that was lost and an answer past its days."""

from datetime import date, timedelta

from sqlalchemy import text
from uuid_utils.compat import uuid7

from activities.repair import Repairing
from models.record import StoredAnswer
from models.repair import ANSWERS_KEPT
from tests.support.debt import a_debt
from tests.support.house import a_tenant
from tests.support.twice import Ground, Step, twice
from tests.support.web import NOON

DUE = date(2026, 10, 5)


@twice(Repairing.wake_the_lost)
async def an_invoice_whose_wake_up_was_lost(ground: Ground) -> Step:
    debt = await a_debt(await a_tenant(ground.database), DUE)
    async with debt.house.session() as session:
        await session.execute(text("delete from wakes"))
        late = "update next_actions set recorded_at = recorded_at - interval '6 minutes'"
        await session.execute(text(late))
    repairing = Repairing(ground.database, ground.store_id)
    return Step(repairing.wake_the_lost, (NOON,), same_answer=False)


@twice(Repairing.forget_old_answers)
async def an_answer_older_than_its_days(ground: Ground) -> Step:
    house = await a_tenant(ground.database)
    async with house.session() as session:
        for number, age in enumerate((ANSWERS_KEPT + timedelta(hours=1), timedelta(days=29))):
            session.add(
                StoredAnswer(
                    id=uuid7(),
                    credential="key",
                    method="POST",
                    path="/invoices",
                    key=str(number),
                    body_hash="x",
                    claimed_at=NOON,
                )
            )
            await session.flush()
            await session.execute(
                text(
                    "update idempotent_answers set claimed_at = now() - cast(:age as interval)"
                    " where key = :key"
                ),
                {"age": age, "key": str(number)},
            )
    repairing = Repairing(ground.database, ground.store_id)
    return Step(repairing.forget_old_answers, (), same_answer=False)
